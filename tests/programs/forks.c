/* Forks N children, one after another; each spins a little in child_work and exits with status 0. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"

static volatile unsigned long sink;

__attribute__((noinline)) static void child_work(unsigned long n)
{
	unsigned long x = 1;
	KEEP_FRAME;
	for (unsigned long i = 0; i < n; i++)
		x = x * 6364136223846793005UL + i;
	sink = x;
}

int main(int argc, char **argv)
{
	int children = argc > 1 ? atoi(argv[1]) : 100;
	unsigned long n = argc > 2 ? strtoul(argv[2], 0, 10) : 1000000;
	for (int i = 0; i < children; i++) {
		pid_t pid = fork();
		int status;
		if (pid < 0) {
			perror("fork");
			return 1;
		}
		if (pid == 0) {
			child_work(n);
			_exit(0);
		}
		if (waitpid(pid, &status, 0) != pid || status != 0)
			return 1;
	}
	return 0;
}
