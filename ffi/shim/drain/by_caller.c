/*
 * Drains whose caller empties the rings (PMU_DRAIN_BY_CALLER): it reads the records in the rings' own memory, and gives
 * back what is to be written in their place. The thread that writes is the same as for other drains. See pmu.h.
 */
#define _GNU_SOURCE
#include "drain.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

/*
 * Nice value of a process that empties rings: before programs that compute, behind what the system marks as urgent. All of
 * its threads have it, since the one that takes records waits for others: for memory to be collected, and to be woken.
 */
#define RAISED_NICE (-10)

/* Gives all threads of this process that have the nice value `from` the value `to`. Returns 0 or the last -errno. */
static int32_t change_nice(int from, int to)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int32_t error = 0;

	if (!tasks)
		return -errno;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread reads this folder through `tasks` */
	while ((entry = readdir(tasks))) {
		id_t id = (id_t)strtoul(entry->d_name, NULL, 10);

		errno = 0;
		if (id == 0 || getpriority(PRIO_PROCESS, id) != from || errno)
			continue;
		if (setpriority(PRIO_PROCESS, id, to) < 0 && errno != ESRCH)
			error = -errno;
	}
	closedir(tasks);
	return error;
}

int32_t pmu_drain_raise_priority(void *drain)
{
	struct drain *d = drain;
	int nice;

	if (d->is_raised)
		return -EALREADY;
	errno = 0;
	nice = getpriority(PRIO_PROCESS, 0);
	if (errno)
		return -errno;
	if (nice <= RAISED_NICE)
		return 0;
	d->nice_before = nice;
	d->is_raised = true;
	return change_nice(nice, RAISED_NICE);
}

void drain_restore_priority(struct drain *d)
{
	if (d->is_raised)
		change_nice(RAISED_NICE, d->nice_before);
	d->is_raised = false;
}

int32_t pmu_drain_wait(void *drain)
{
	struct drain *d = drain;

	drain_wait_for_records(d);
	return __atomic_load_n(&d->stop, __ATOMIC_ACQUIRE);
}

void *pmu_drain_ring_data(void *drain, uint32_t ring)
{
	struct drain *d = drain;

	return ring < d->ring_count ? d->rings[ring].records.data : NULL;
}

int64_t pmu_drain_begin_pass(void *drain, uint64_t *ranges, uint64_t len)
{
	struct drain *d = drain;

	if (!(d->flags & PMU_DRAIN_BY_CALLER) || !d->running)
		return -EINVAL;
	if (len / sizeof(*ranges) / 2 < d->ring_count)
		return -ENOSPC;
	queue_rewind(&d->queue);
	d->choked = false;
	drain_look(d);
	for (uint32_t i = 0; i < d->ring_count; i++) {
		struct ring *r = &d->rings[i];

		*ranges++ = r->tail;
		*ranges++ = r->head;
		if (r->head == r->tail)
			ring_count(r->counts, PMU_RING_EMPTYBUF, 1);
	}
	return d->ring_count;
}

/* Bytes in the queue that the end of the round takes. */
#define END_OF_ROUND (2 * ENTRY_OVERHEAD)

/* Returns whether an entry with `bytes` of records fits into the queue: below the limit for samples, or at all. */
static bool has_room(const struct drain *d, uint64_t bytes, uint64_t limit)
{
	return queue_used(&d->queue) + ENTRY_OVERHEAD + bytes + END_OF_ROUND <= limit;
}

/* Queues the first `len` bytes of `c`; all but the samples where only those fit. Returns 0 or -EAGAIN. */
static int32_t queue_given(struct drain *d, uint32_t ring, const struct circle *c, uint64_t len)
{
	struct ring *r = &d->rings[ring];
	/* On the last pass nothing is urgent. */
	bool last = __atomic_load_n(&d->stop, __ATOMIC_ACQUIRE);
	bool samples = has_room(d, len, last ? d->queue.bytes.size : d->queue_limit);

	if (!samples) {
		if (last || !d->loss.length)
			return -EAGAIN;
		drain_note_error(d, -ring_walk(r, c, 0, &len, NULL));
		if (!has_room(d, len - r->pass.sample_bytes + d->loss.length, d->queue.bytes.size))
			return -EAGAIN;
		if (d->seen) /* only now, so that nothing is noted twice */
			records_walk(c, 0, len, &r->pass, d->seen);
	}
	if (len > 0)
		drain_queue_records(d, ring, c, 0, len, samples);
	return 0;
}

int32_t pmu_drain_give(void *drain, uint32_t ring, const void *records, uint64_t len, uint64_t upto)
{
	struct drain *d = drain;
	struct circle c = { .data = (unsigned char *)records, .size = UINT64_C(1) << 63 };
	struct ring *r;
	int32_t error;

	if (ring >= d->ring_count)
		return -EINVAL;
	r = &d->rings[ring];
	/* A ring that has turned out to be broken has no records, but some may have been read before. */
	if (upto - r->tail > (r->broken ? r->records.size : r->head - r->tail))
		return -EINVAL;
	error = queue_given(d, ring, &c, len);
	if (error)
		return error;
	d->given = true;
	__atomic_store_n(&r->control->data_tail, upto, __ATOMIC_RELEASE);
	r->tail = upto;
	return 0;
}

int32_t pmu_drain_refuse(void *drain, uint32_t ring)
{
	struct drain *d = drain;

	if (ring >= d->ring_count)
		return -EINVAL;
	d->rings[ring].broken = true;
	drain_note_error(d, EBADMSG);
	return 0;
}

void pmu_drain_end_pass(void *drain, int32_t complete)
{
	struct drain *d = drain;

	d->choked = !complete;
	if (!complete) {
		queue_publish(&d->queue);
		drain_signal(d->queued_fd);
		return;
	}
	if (d->seen)
		cuts_end_pass(&d->seen->cuts);
	if (d->given)
		drain_end_round(d);
	d->given = false;
}

void pmu_drain_end(void *drain)
{
	struct drain *d = drain;

	if (!__atomic_load_n(&d->all_queued, __ATOMIC_RELAXED))
		drain_end_queue(d);
}
