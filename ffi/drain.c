/* Moves records from rings to a file descriptor on a thread of its own. See pmu.h. */
#define _GNU_SOURCE
#include "batch.h"
#include "portable.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

PMU_OLD_SYMBOL(pthread_create);
PMU_OLD_SYMBOL(pthread_join);
PMU_OLD_SYMBOL(pthread_sigmask);

#define DEFAULT_INTERVAL_MS 250
#define SIZE_FIELD_EVERY_NS 200000000LL
#define STOP_EVENT UINT64_MAX /* epoll's name for the eventfd; rings go by their index */

struct drain {
	int64_t size_field_at;
	uint32_t flags;
	int interval_ms;
	int epoll_fd, stop_fd;
	struct ring *rings;
	uint32_t ring_count;
	struct batch batch;
	int error;             /* the first, as a positive errno; atomic */
	int64_t size_field_ns; /* when the size field was last renewed */
	pthread_t thread;
	bool started, running;
};

static void note_error(struct drain *d, int error)
{
	int none = 0;

	if (error)
		__atomic_compare_exchange_n(&d->error, &none, error, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void pass(struct drain *d)
{
	bool any = false;

	/* All heads before the first write: see pmu.h on rounds. */
	for (uint32_t i = 0; i < d->ring_count; i++)
		ring_note_head(&d->rings[i]);
	for (uint32_t i = 0; i < d->ring_count; i++) {
		struct ring *r = &d->rings[i];

		if (r->head == r->tail) {
			ring_count(r, PMU_RING_EMPTYBUF, 1);
			continue;
		}
		note_error(d, -ring_count_pass(r));
		if (r->head == r->tail)
			continue; /* broken at its first header */
		batch_add_ring(&d->batch, r);
		any = true;
	}
	if (any && !(d->flags & PMU_DRAIN_NO_ROUNDS))
		batch_add_round(&d->batch);
	batch_flush(&d->batch);
	note_error(d, d->batch.error);
}

/* Brings the file's size field up to date: at most five times a second, or now when `force`. */
static void renew_size_field(struct drain *d, bool force)
{
	uint64_t size = (uint64_t)pmu_drain_written(d);
	int64_t now = pmu_clock_ns(CLOCK_MONOTONIC);
	ssize_t n;

	if (d->size_field_at < 0 || (!force && now - d->size_field_ns < SIZE_FIELD_EVERY_NS))
		return;
	d->size_field_ns = now;
	do
		n = pwrite(d->batch.out_fd, &size, sizeof(size), d->size_field_at);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(size))
		note_error(d, n < 0 ? errno : EIO);
}

static void *drain_main(void *argument)
{
	struct drain *d = argument;
	struct epoll_event events[64];
	bool stopping = false;

	prctl(PR_SET_NAME, "pmuctl-drain");
	while (!stopping) {
		int n = epoll_wait(d->epoll_fd, events, 64, d->interval_ms);

		if (n < 0 && errno != EINTR) {
			note_error(d, errno);
			stopping = true;
		}
		for (int i = 0; i < n; i++) {
			if (events[i].data.u64 == STOP_EVENT)
				stopping = true;
			else if (events[i].events & (EPOLLHUP | EPOLLERR))
				/* Its task has exited, and epoll would say so for ever. */
				epoll_ctl(d->epoll_fd, EPOLL_CTL_DEL, d->rings[events[i].data.u64].fd, NULL);
		}
		pass(d);
		renew_size_field(d, stopping);
	}
	return NULL;
}

/* ---- the calls of pmu.h ---------------------------------------------------------------------- */

void *pmu_drain_new(int32_t out_fd, int64_t size_field_at, uint32_t flags, int32_t *err)
{
	struct drain *d = calloc(1, sizeof(*d));
	struct epoll_event stop = { .events = EPOLLIN, .data.u64 = STOP_EVENT };

	if (!d) {
		*err = -ENOMEM;
		return NULL;
	}
	d->batch.out_fd = out_fd;
	d->size_field_at = size_field_at;
	d->flags = flags;
	d->interval_ms = DEFAULT_INTERVAL_MS;
	d->stop_fd = eventfd(0, EFD_CLOEXEC);
	d->epoll_fd = d->stop_fd < 0 ? -1 : epoll_create1(EPOLL_CLOEXEC);
	*err = 0;
	if (d->epoll_fd < 0 || epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, d->stop_fd, &stop) < 0)
		*err = -errno;
	else if (flags & ~PMU_DRAIN_NO_ROUNDS)
		*err = -EINVAL;
	if (*err == 0)
		return d;
	pmu_drain_free(d);
	return NULL;
}

int32_t pmu_drain_set_base(void *drain, uint64_t already_written)
{
	struct drain *d = drain;

	if (d->started)
		return -EBUSY;
	d->batch.written = already_written;
	return 0;
}

int32_t pmu_drain_set_interval(void *drain, int32_t ms)
{
	struct drain *d = drain;

	if (d->started)
		return -EBUSY;
	if (ms < 1)
		return -EINVAL;
	d->interval_ms = ms;
	return 0;
}

int32_t pmu_drain_add(void *drain, int32_t fd, uint32_t pages, int32_t cpu)
{
	struct drain *d = drain;
	struct epoll_event readable = { .events = EPOLLIN, .data.u64 = d->ring_count };
	struct ring *rings;
	int32_t error;

	if (d->started)
		return -EBUSY;
	if (pages == 0 || (pages & (pages - 1)))
		return -EINVAL;
	rings = realloc(d->rings, (d->ring_count + 1) * sizeof(*rings));
	if (!rings)
		return -ENOMEM;
	d->rings = rings;
	error = ring_map(&rings[d->ring_count], fd, pages, cpu);
	if (error)
		return error;
	/* EPERM: not a thing to wait for (the tests' rings are memory files); the interval serves it. */
	if (epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &readable) < 0 && errno != EPERM) {
		error = -errno;
		ring_unmap(&rings[d->ring_count]);
		return error;
	}
	return (int32_t)d->ring_count++;
}

int32_t pmu_drain_start(void *drain)
{
	struct drain *d = drain;
	sigset_t all, old;
	int error;

	if (d->started)
		return -EALREADY;
	renew_size_field(d, true); /* from here on the file can be read, whatever becomes of us */
	/* Signals are for other threads; a reader that goes away is EPIPE, not SIGPIPE. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&d->thread, NULL, drain_main, d);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return -error;
	d->started = d->running = true;
	return 0;
}

int32_t pmu_drain_stop(void *drain)
{
	struct drain *d = drain;

	if (d->running) {
		uint64_t one = 1;

		while (write(d->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
		pthread_join(d->thread, NULL);
		d->running = false;
	}
	return pmu_drain_error(d);
}

int32_t pmu_drain_error(void *drain)
{
	struct drain *d = drain;

	return -__atomic_load_n(&d->error, __ATOMIC_RELAXED);
}

int64_t pmu_drain_written(void *drain)
{
	struct drain *d = drain;

	return (int64_t)__atomic_load_n(&d->batch.written, __ATOMIC_RELAXED);
}

int64_t pmu_drain_stats(void *drain, uint64_t *buf, uint64_t len)
{
	struct drain *d = drain;
	uint64_t filled = 0;

	if (len < sizeof(*buf))
		return -EINVAL;
	buf[filled++] = d->ring_count;
	for (uint32_t i = 0; i < d->ring_count; i++) {
		if ((filled + PMU_RING_FIELDS) * sizeof(*buf) > len)
			break;
		for (int field = 0; field < PMU_RING_FIELDS; field++)
			buf[filled++] = __atomic_load_n(&d->rings[i].counts[field], __ATOMIC_RELAXED);
	}
	return (int64_t)(filled * sizeof(*buf));
}

void pmu_drain_free(void *drain)
{
	struct drain *d = drain;

	if (!d)
		return;
	pmu_drain_stop(d);
	for (uint32_t i = 0; i < d->ring_count; i++)
		ring_unmap(&d->rings[i]);
	free(d->rings);
	if (d->epoll_fd >= 0)
		close(d->epoll_fd);
	if (d->stop_fd >= 0)
		close(d->stop_fd);
	free(d);
}
