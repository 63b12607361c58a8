/*
 * Drains whose caller empties the rings (PMU_DRAIN_BY_CALLER): it reads the records in the rings' own memory, and gives
 * back what is to be written in their place. The thread that writes is the same as for other drains. See pmu.h.
 */
#define _GNU_SOURCE
#include "drain.h"

#include <errno.h>

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
	if (len < d->ring_count * 2 * sizeof(*ranges))
		return -ENOSPC;
	queue_rewind(&d->queue);
	d->choked = false;
	drain_look(d);
	for (uint32_t i = 0; i < d->ring_count; i++) {
		struct ring *r = &d->rings[i];

		ranges[2 * i] = r->tail;
		ranges[2 * i + 1] = r->head;
		if (r->head == r->tail)
			ring_count(r->counts, PMU_RING_EMPTYBUF, 1);
	}
	return d->ring_count;
}

/* Returns whether the queue has room for `need` bytes: of samples too, or of all other records. */
static bool has_room(const struct drain *d, uint64_t need, bool samples)
{
	uint64_t end_of_round = 2 * ENTRY_OVERHEAD;

	if (samples && !__atomic_load_n(&d->stop, __ATOMIC_ACQUIRE))
		return queue_used(&d->queue) + need + end_of_round <= d->queue_limit;
	return queue_room(&d->queue) >= need + end_of_round;
}

int32_t pmu_drain_give(void *drain, uint32_t ring, const void *records, uint64_t len, uint64_t upto)
{
	struct drain *d = drain;
	struct circle c = { .data = (unsigned char *)records, .size = UINT64_C(1) << 63 };
	struct ring *r = &d->rings[ring];
	uint64_t end = len;
	bool samples = true;

	if (ring >= d->ring_count || upto - r->tail > r->head - r->tail)
		return -EINVAL;
	if (!has_room(d, ENTRY_OVERHEAD + len, true)) {
		if (!d->loss.length)
			return -EAGAIN;
		drain_note_error(d, -ring_walk(r, &c, 0, &end, d->seen));
		if (!has_room(d, ENTRY_OVERHEAD + end - r->pass.sample_bytes + d->loss.length, false))
			return -EAGAIN;
		samples = false;
	}
	if (end > 0)
		drain_queue_records(d, ring, &c, 0, end, samples);
	d->given = true;
	__atomic_store_n(&r->control->data_tail, upto, __ATOMIC_RELEASE);
	r->tail = upto;
	return 0;
}

void pmu_drain_end_pass(void *drain, int32_t complete)
{
	struct drain *d = drain;

	d->choked = !complete;
	if (!complete) {
		queue_publish(&d->queue);
		drain_tell(d->queued_fd);
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
	drain_end_queue(drain);
}
