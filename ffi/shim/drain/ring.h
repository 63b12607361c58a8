/* One perf ring as user space sees it: where its records are, what has been counted, and who wakes us for it. */
#ifndef PMU_RING_H
#define PMU_RING_H

#include "../pmu.h"
#include "records.h"

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>

struct ring {
	struct perf_event_mmap_page *control;
	struct circle records;
	size_t mapped;       /* control page and data */
	bool broken;         /* held a header that cannot be: left alone from there on */
	uint64_t tail, head; /* what the pass under way takes; they grow for ever */
	struct tally pass;   /* of [tail, head) */

	/* Both added to by one thread each, read by any: relaxed atomics. Their sum is what is told. */
	uint64_t counts[PMU_RING_FIELDS]; /* by the thread that empties the ring */
	uint64_t failed[PMU_RING_FIELDS]; /* by the thread that writes: what it could not */
	uint64_t untold; /* of that thread: samples written behind what the file's size field tells of */

	/* The event whose readability says that the ring has records; the others wait to stand in for it. */
	int wake_fd;
	int *stand_ins;
	uint32_t stand_in_count, stand_in_next;
};

/* Maps the ring of `fd` with `pages` data pages (a power of two). Returns 0 or mmap's -errno. */
int32_t ring_map(struct ring *r, int fd, uint32_t pages, int32_t cpu);
void ring_unmap(struct ring *r);

/* Begins where the ring has been emptied up to: by nobody, or by another drain since it was mapped. */
void ring_take_up(struct ring *r);

/* Has `fd` stand in for the ring's event when the tasks before it have ended. Returns 0 or -ENOMEM. */
int32_t ring_add_stand_in(struct ring *r, int fd);

/* Notes how far the kernel has written: [tail, head). Returns 0, or -EBADMSG when the ring holds nonsense. */
int32_t ring_look(struct ring *r);

/*
 * Sums up [tail, head) in `pass`, which lies at position `at` of `c`: of the ring, or of a copy. At a header that
 * cannot be, marks the ring as broken and ends before it. Returns 0 or -EBADMSG.
 */
int32_t ring_walk(struct ring *r, const struct circle *c, uint64_t at, struct seen *seen);

/* Counts the records of the pass as taken. */
void ring_count_pass(struct ring *r);

/* Gives the space below `head` back to the kernel. */
void ring_release(struct ring *r);

/* Fills `words` with the fields of enum pmu_ring_field. */
void ring_counts(const struct ring *r, uint64_t words[PMU_RING_FIELDS]);

static inline void ring_count(uint64_t counts[PMU_RING_FIELDS], enum pmu_ring_field field, uint64_t n)
{
	__atomic_fetch_add(&counts[field], n, __ATOMIC_RELAXED);
}

/* Counts records that were taken and are not written: in `counts`, those of this thread. */
static inline void ring_count_dropped(uint64_t counts[PMU_RING_FIELDS], uint64_t samples, uint64_t bytes)
{
	ring_count(counts, PMU_RING_DROPBUF_SAMPLE, samples);
	ring_count(counts, PMU_RING_DROPPED_BYTES, bytes);
}

#endif
