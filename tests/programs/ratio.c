/* Spends its time in hot and warm, 3:1: the same loop, run three times as long. */
#include <stdio.h>
#include <stdlib.h>

#include "frame.h"

static volatile unsigned long sink;

__attribute__((noinline)) static unsigned long hot(unsigned long n)
{
	unsigned long x = 1;
	KEEP_FRAME;
	for (unsigned long i = 0; i < n; i++)
		x = x * 6364136223846793005UL + i;
	sink = x;
	return x;
}

__attribute__((noinline)) static unsigned long warm(unsigned long n)
{
	unsigned long x = 1;
	KEEP_FRAME;
	for (unsigned long i = 0; i < n; i++)
		x = x * 6364136223846793005UL + i;
	sink = x;
	return x;
}

__attribute__((noinline)) static unsigned long work(unsigned long n)
{
	unsigned long r = hot(3 * n);
	r += warm(n);
	return r + 1; /* not a tail call: work stays on the stack */
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], 0, 10) : 1000;
	unsigned long r = 0;
	for (unsigned long i = 0; i < rounds; i++)
		r += work(100000);
	printf("%lu\n", r);
	return 0;
}
