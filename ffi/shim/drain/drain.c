/*
 * A drain, as pmu.h has it, moves records from rings to a file descriptor on two threads (threads.c). Here it is
 * made, set up before it starts, asked, and freed.
 */
#define _GNU_SOURCE
#include "drain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DEFAULT_INTERVAL_MS 250

void *pmu_drain_new(int32_t out_fd, int64_t size_field_at, uint32_t flags, int32_t *err)
{
	struct drain *d = calloc(1, sizeof(*d));
	struct epoll_event wake = { .events = EPOLLIN, .data.u64 = WAKE_EVENT };

	if (!d) {
		*err = -ENOMEM;
		return NULL;
	}
	d->out.fd = out_fd;
	d->out.size_field_at = size_field_at;
	d->out.aborted = &d->abort;
	d->flags = flags;
	d->interval_ms = DEFAULT_INTERVAL_MS;
	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->queued_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	*err = 0;
	if (d->wake_fd < 0 || d->queued_fd < 0 || d->end_fd < 0 || d->epoll_fd < 0 ||
	    epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, d->wake_fd, &wake) < 0)
		*err = -errno;
	else if (flags & ~(PMU_DRAIN_NO_ROUNDS | PMU_DRAIN_BY_CALLER))
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
	d->out.written = already_written;
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

int32_t pmu_drain_set_queue(void *drain, uint64_t bytes)
{
	struct drain *d = drain;

	if (d->started)
		return -EBUSY;
	if (bytes == 0)
		return -EINVAL;
	d->queue_bytes = bytes;
	return 0;
}

int32_t pmu_drain_set_loss(void *drain, const void *record, uint32_t length, int32_t time_at, int32_t cpu_at,
			   int32_t sample_time_at)
{
	struct drain *d = drain;
	int32_t end = (int32_t)length;

	if (d->started)
		return -EBUSY;
	if (length < 16 || length > PMU_LOSS_MAX || length % 8 || time_at > end - 8 || cpu_at > end - 4 ||
	    (time_at >= 0 && sample_time_at < 0))
		return -EINVAL;
	memcpy(d->loss.record, record, length);
	d->loss.length = length;
	d->loss.time_at = time_at;
	d->loss.cpu_at = cpu_at;
	d->loss.sample_time_at = sample_time_at;
	return 0;
}

int32_t pmu_drain_set_spare(void *drain, uint32_t bytes)
{
	struct drain *d = drain;

	if (d->started)
		return -EBUSY;
	if (bytes > PMU_SPARE_MAX)
		return -EINVAL;
	d->out.spare = bytes;
	return 0;
}

int32_t pmu_drain_watch(void *drain, int32_t sample_time_at, int32_t record_time_back)
{
	struct drain *d = drain;
	struct seen *seen;

	if (d->started || d->seen)
		return -EBUSY;
	seen = malloc(sizeof(*seen));
	if (!seen || seen_make(seen) < 0) {
		free(seen);
		return -ENOMEM;
	}
	seen->time_at = sample_time_at;
	seen->cuts.time_back = record_time_back;
	d->seen = seen;
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
	/* EPERM: epoll cannot wait for it (the tests' rings are memory files); the interval serves it. */
	if (epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &readable) < 0 && errno != EPERM) {
		error = -errno;
		ring_unmap(&rings[d->ring_count]);
		return error;
	}
	return (int32_t)d->ring_count++;
}

int32_t pmu_drain_stand_in(void *drain, int32_t ring, int32_t fd)
{
	struct drain *d = drain;

	if (d->started)
		return -EBUSY;
	if (ring < 0 || (uint32_t)ring >= d->ring_count)
		return -EINVAL;
	return ring_add_stand_in(&d->rings[ring], fd);
}

int32_t pmu_drain_error(void *drain)
{
	struct drain *d = drain;

	return -__atomic_load_n(&d->error, __ATOMIC_RELAXED);
}

int64_t pmu_drain_written(void *drain)
{
	struct drain *d = drain;

	return (int64_t)__atomic_load_n(&d->out.written, __ATOMIC_RELAXED);
}

int64_t pmu_drain_stats(void *drain, uint64_t *buf, uint64_t len)
{
	struct drain *d = drain;
	uint64_t filled = 0;

	if (len < sizeof(*buf))
		return -EINVAL;
	buf[filled++] = d->ring_count;
	for (uint32_t i = 0; i < d->ring_count && (filled + PMU_RING_FIELDS) * sizeof(*buf) <= len; i++) {
		ring_counts(&d->rings[i], buf + filled);
		filled += PMU_RING_FIELDS;
	}
	return (int64_t)(filled * sizeof(*buf));
}

int32_t pmu_drain_see(void *drain, const void *records, uint64_t len)
{
	struct drain *d = drain;
	struct circle c = { .data = (unsigned char *)records, .size = UINT64_C(1) << 63 };
	struct tally t;

	if (!d->seen)
		return -EINVAL;
	return records_walk(&c, 0, len, &t, d->seen) == len ? 0 : -EINVAL;
}

int64_t pmu_drain_seen(void *drain, void *buf, uint64_t len)
{
	struct drain *d = drain;

	return d->seen ? (int64_t)seen_take(d->seen, buf, len) : -EINVAL;
}

int32_t pmu_drain_see_again(void *drain)
{
	struct drain *d = drain;

	if (!d->seen)
		return -EINVAL;
	seen_again(d->seen);
	return 0;
}

int32_t pmu_drain_times(void *drain, uint64_t times[2])
{
	struct drain *d = drain;

	if (!d->seen || d->seen->first > d->seen->last)
		return -ENOENT;
	times[0] = d->seen->first;
	times[1] = d->seen->last;
	return 0;
}

int64_t pmu_drain_cuts(void *drain, char *buf, uint64_t len)
{
	struct drain *d = drain;
	uint64_t bytes;

	if (!d->seen || d->running)
		return -EINVAL;
	bytes = (uint64_t)d->seen->cuts.name_count * CUTS_COMM;
	if (bytes > len)
		return -ENOSPC;
	memcpy(buf, d->seen->cuts.names, bytes);
	return (int64_t)bytes;
}

void pmu_drain_free(void *drain)
{
	struct drain *d = drain;

	if (!d)
		return;
	if (d->running && (d->flags & PMU_DRAIN_BY_CALLER))
		pmu_drain_end(d);
	pmu_drain_stop(d);
	for (uint32_t i = 0; i < d->ring_count; i++)
		ring_unmap(&d->rings[i]);
	free(d->rings);
	queue_free(&d->queue);
	if (d->seen)
		seen_free(d->seen);
	free(d->seen);
	if (d->epoll_fd >= 0)
		close(d->epoll_fd);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	if (d->queued_fd >= 0)
		close(d->queued_fd);
	if (d->end_fd >= 0)
		close(d->end_fd);
	free(d);
}
