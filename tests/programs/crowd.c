/*
 * N threads that sleep and M that spin in spin_on; with CHURN, one more that starts and joins threads all
 * the while, each of which spins a moment in spin_off. Says "ready" when all are there; ends after SECONDS.
 *
 *     crowd N M SECONDS [CHURN]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "frame.h"

static volatile int over;
static volatile unsigned long sink;

#define SPIN(name)                                                                                                     \
	__attribute__((noinline)) static void name(unsigned long n)                                                    \
	{                                                                                                              \
		unsigned long x = sizeof #name;                                                                        \
		KEEP_FRAME;                                                                                            \
		for (unsigned long i = 0; i < n; i++)                                                                  \
			x = x * 6364136223846793005UL + i;                                                             \
		sink = x;                                                                                              \
	}
SPIN(spin_on)
SPIN(spin_off)

static void *sleeper(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *spinner(void *unused)
{
	while (!over)
		spin_on(1000000);
	return unused;
}

static void *moment(void *unused)
{
	spin_off(200000);
	return unused;
}

static void *churner(void *unused)
{
	while (!over) {
		pthread_t thread;
		if (pthread_create(&thread, 0, moment, 0) == 0)
			pthread_join(thread, 0);
	}
	return unused;
}

int main(int argc, char **argv)
{
	int sleepers = argc > 1 ? atoi(argv[1]) : 0, spinners = argc > 2 ? atoi(argv[2]) : 1;
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	for (int i = 0; i < sleepers + spinners + (argc > 4); i++)
		if (pthread_create(&thread, &attr,
				   i < sleepers              ? sleeper
				   : i < sleepers + spinners ? spinner
							     : churner,
				   0)) {
			perror("pthread_create");
			return 1;
		}
	puts("ready");
	fflush(stdout);
	usleep((useconds_t)((argc > 3 ? atof(argv[3]) : 1) * 1e6));
	over = 1;
	_exit(0);
}
