/* Touches N fresh pages, once each: N page faults beyond those of starting up. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t pages = argc > 1 ? strtoul(argv[1], 0, 10) : 10000;
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(0, pages * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	madvise(p, pages * size, MADV_NOHUGEPAGE); /* one fault a page, not one a huge page */
	for (size_t i = 0; i < pages; i++)
		p[i * size] = 1;
	return 0;
}
