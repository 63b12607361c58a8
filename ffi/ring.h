/* One perf ring as user space sees it: where its records are, and what a stretch of them holds. */
#ifndef PMU_RING_H
#define PMU_RING_H

#include "pmu.h"

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>

struct ring {
	struct perf_event_mmap_page *control;
	const unsigned char *data;
	uint64_t size; /* of data: a power of two */
	size_t mapped; /* control page and data */
	int fd;
	bool broken;         /* held a header that cannot be: left alone from there on */
	uint64_t tail, head; /* what the pass under way takes; they grow for ever, masked for access */
	uint64_t counts[PMU_RING_FIELDS]; /* added to by one thread, read by any: relaxed atomics */
};

/* Sums over a stretch of records; the names are those of enum pmu_ring_field. */
struct tally {
	uint64_t samples, records, lost, lost_samples, throttle, unthrottle;
};

/* Maps the ring of `fd` with `pages` data pages (a power of two). Returns 0 or mmap's -errno. */
int32_t ring_map(struct ring *r, int fd, uint32_t pages, int32_t cpu);
void ring_unmap(struct ring *r);

/* Notes how far the kernel has written: the records in [tail, head) are ours. */
void ring_note_head(struct ring *r);

/* Gives the space below `head` back to the kernel. */
void ring_release(struct ring *r);

/*
 * Sums up the whole records in [from, to) and returns where the last of them ends. That is `to`,
 * unless `to` cuts a record or a header cannot be: too small, odd, or reaching beyond `to`.
 */
uint64_t ring_walk(const struct ring *r, uint64_t from, uint64_t to, struct tally *t);

/*
 * Counts the records in [tail, head). At a header that cannot be, marks the ring as broken and lowers
 * the head to it. Returns 0 or -EBADMSG.
 */
int32_t ring_count_pass(struct ring *r);

/* Counts the records of this pass that lie `written` bytes and more above the tail as dropped. */
void ring_count_dropped(struct ring *r, uint64_t written);

/* The address of a position in the ring. */
static inline const unsigned char *ring_at(const struct ring *r, uint64_t position)
{
	return r->data + (position & (r->size - 1));
}

static inline void ring_count(struct ring *r, enum pmu_ring_field field, uint64_t n)
{
	__atomic_fetch_add(&r->counts[field], n, __ATOMIC_RELAXED);
}

#endif
