/* A drain whose threads cannot be made: it is as if it had never been started, and can be started again. */
#define _GNU_SOURCE
#include "drain_helpers.h"
#include "harness.h"
#include "perf_helpers.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define INTERRUPT (SIGRTMAX - 1) /* of drain.c */
#define QUEUE_BYTES (UINT64_C(256) << 20)

/* Counts down with each thread that is made; the one that gets it to 0 fails. */
static int fails_at;

/* Stands before the C library's (and the sanitizer's), which it calls. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument)
{
	int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	void *symbol = dlsym(RTLD_NEXT, "pthread_create");

	if (fails_at > 0 && --fails_at == 0)
		return EAGAIN;
	memcpy(&next, &symbol, sizeof(next));
	return next(thread, attr, start, argument);
}

/* The address space of this process, in pages. */
static long mapped_pages(void)
{
	long pages = -1;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file || fscanf(file, "%ld", &pages) != 1)
		abort();
	fclose(file);
	return pages;
}

static void (*handler_of(int signal))(int)
{
	struct sigaction action;

	sigaction(signal, NULL, &action);
	return action.sa_handler;
}

static void leaves_nothing_behind(void)
{
	for (int which = 1; which <= 2; which++) {
		static const uint64_t body[2] = { 1, 2 };
		struct fake_ring ring = make_fake_ring(1);
		int file = scratch_file();
		int32_t error = 0;
		void *drain = pmu_drain_new(file, -1, 0, &error);
		sigset_t before, after;
		long pages;

		signal(INTERRUPT, SIG_DFL);
		CHECK_EQ(pmu_drain_set_queue(drain, QUEUE_BYTES), 0);
		CHECK_EQ(pmu_drain_set_interval(drain, 1), 0);
		CHECK_EQ(pmu_drain_add(drain, ring.fd, 1, 0), 0);
		pthread_sigmask(SIG_SETMASK, NULL, &before);
		pages = mapped_pages();
		for (int tries = 0; tries < 3; tries++) {
			fails_at = which;
			CHECK_EQ(pmu_drain_start(drain), -EAGAIN);
			CHECK_EQ(fails_at, 0);
		}
		CHECK((mapped_pages() - pages) * sysconf(_SC_PAGESIZE) < (int64_t)QUEUE_BYTES);
		CHECK(handler_of(INTERRUPT) == SIG_DFL);
		pthread_sigmask(SIG_SETMASK, NULL, &after);
		for (int sig = 1; sig < NSIG; sig++)
			CHECK_EQ(sigismember(&after, sig), sigismember(&before, sig));

		CHECK_EQ(pmu_drain_start(drain), 0);
		put_record(&ring, PERF_RECORD_SAMPLE, body, 2);
		publish(&ring);
		WAIT_UNTIL(pmu_drain_written(drain) > 0);
		put_record(&ring, PERF_RECORD_SAMPLE, body, 2);
		publish(&ring);
		CHECK_EQ(pmu_drain_stop(drain), 0);
		CHECK_EQ(samples_written(drain), 2);
		pmu_drain_free(drain);
		free_fake_ring(&ring);
		close(file);
	}
}

int main(void)
{
	static const struct test tests[] = {
		{ "a drain whose threads cannot be made leaves nothing behind", leaves_nothing_behind, false },
	};

	return RUN_TESTS(tests);
}
