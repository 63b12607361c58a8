/* Four threads, each spinning in a function of its own for equal work, named worker-0 to worker-3. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "frame.h"

static unsigned long rounds = 2000;

#define SPIN(k)                                                                                                        \
	__attribute__((noinline)) static unsigned long spin_##k(unsigned long n)                                       \
	{                                                                                                              \
		unsigned long x = k + 1;                                                                               \
		KEEP_FRAME;                                                                                            \
		for (unsigned long i = 0; i < n; i++)                                                                  \
			x = x * 6364136223846793005UL + (i ^ k);                                                       \
		return x;                                                                                              \
	}
SPIN(0)
SPIN(1)
SPIN(2)
SPIN(3)

static unsigned long (*const spins[4])(unsigned long) = { spin_0, spin_1, spin_2, spin_3 };

static void *worker(void *arg)
{
	long k = (long)arg;
	char name[16];
	unsigned long r = 0;
	snprintf(name, sizeof name, "worker-%ld", k);
	pthread_setname_np(pthread_self(), name);
	for (unsigned long i = 0; i < rounds; i++)
		r += spins[k](100000);
	return (void *)r;
}

int main(int argc, char **argv)
{
	pthread_t threads[4];
	if (argc > 1)
		rounds = strtoul(argv[1], 0, 10);
	for (long k = 0; k < 4; k++)
		if (pthread_create(&threads[k], 0, worker, (void *)k))
			return 1;
	for (int k = 0; k < 4; k++)
		pthread_join(threads[k], 0);
	return 0;
}
