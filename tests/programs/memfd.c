/* Copies a program into memory (memfd_create) and runs it from there: memfd PROGRAM [ARG]... */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	char buffer[1 << 16];
	size_t n;
	FILE *program = argc > 1 ? fopen(argv[1], "rb") : 0;
	int fd = memfd_create("secret", MFD_CLOEXEC);

	if (!program || fd < 0)
		return 1;
	while ((n = fread(buffer, 1, sizeof buffer, program)) > 0)
		if (write(fd, buffer, n) != (ssize_t)n)
			return 1;
	fexecve(fd, argv + 1, environ);
	return 1;
}
