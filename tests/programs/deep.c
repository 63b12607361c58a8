/*
 * Works for MS milliseconds of CPU time, far from main: main, step_9 ... step_0, work. With LIBRARY, which is built from
 * this file with -DLIBRARY: main, step_9 ... step_0, enter, step_9 ... step_0 of the library, work.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FAR __attribute__((noinline))

static volatile unsigned long sink;

FAR static long work(long ms)
{
	struct timespec start, now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	do {
		for (int i = 0; i < 200000; i++)
			sink += (unsigned long)i;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
	return (long)sink;
}

static long (*enter_library)(long);

FAR static long step_0(long ms)
{
	return enter_library ? enter_library(ms) + 1 : work(ms) + 2;
}

/* Each adds what it is called with, so that none is left out for a jump, nor becomes part of another. */
#define STEP(name, next)                                                                                               \
	FAR static long name(long ms)                                                                                  \
	{                                                                                                              \
		volatile long room[4] = { ms };                                                                        \
                                                                                                                       \
		return next(ms) + room[0];                                                                             \
	}

STEP(step_1, step_0)
STEP(step_2, step_1)
STEP(step_3, step_2)
STEP(step_4, step_3)
STEP(step_5, step_4)
STEP(step_6, step_5)
STEP(step_7, step_6)
STEP(step_8, step_7)
STEP(step_9, step_8)

#ifdef LIBRARY
long enter(long ms);

long enter(long ms)
{
	return step_9(ms) + 1;
}
#else
int main(int argc, char **argv)
{
	long ms = argc > 1 ? atol(argv[1]) : 1000;
	void *library = argc > 2 ? dlopen(argv[2], RTLD_NOW) : 0;

	if (argc > 2 && (!library || !(*(void **)&enter_library = dlsym(library, "enter")))) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	return step_9(ms) == 0;
}
#endif
