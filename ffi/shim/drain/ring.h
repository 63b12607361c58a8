/* Perf ring in user space: positions of its records, counters, and the events that signal it. */
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
	size_t mapped;       /* size of control page and data */
	bool broken;         /* had an invalid header: not read any more */
	uint64_t tail, head; /* range of the current pass; they only increase */
	struct tally pass;   /* tally of [tail, head) */

	/* Each is changed by one thread and read by any: relaxed atomics. Statistics are their sum. */
	uint64_t counts[PMU_RING_FIELDS]; /* counted by the thread that empties the ring */
	uint64_t failed[PMU_RING_FIELDS]; /* counted by the thread that writes: records not written */
	uint64_t unlisted;                /* used by that thread: samples written after the file's current size field */

	/* Event that signals records in the ring; the others wait to stand in for it. */
	int wake_fd;
	int *stand_ins;
	uint32_t stand_in_count, stand_in_next;
};

/* Maps the ring of `fd` with `pages` data pages (a power of two). Returns 0 or mmap's -errno. */
int32_t ring_map(struct ring *r, int fd, uint32_t pages, int32_t cpu);
void ring_unmap(struct ring *r);

/* Starts where the ring has been emptied up to: at 0, or where another drain stopped. */
void ring_take_up(struct ring *r);

/*
 * Registers `fd` to stand in for the ring's event when the tasks of the earlier events have ended. Returns 0 or
 * -ENOMEM.
 */
int32_t ring_add_stand_in(struct ring *r, int fd);

/* Reads the kernel's head: sets [tail, head). Returns 0, or -EBADMSG when the ring's control page is invalid. */
int32_t ring_look(struct ring *r);

/*
 * Tallies the records in [from, *to) of `c` in `pass`: the ring itself, a copy, or what was made of its records. At
 * an invalid header, marks the ring as broken and moves `*to` before it. Returns 0 or -EBADMSG.
 */
int32_t ring_walk(struct ring *r, const struct circle *c, uint64_t from, uint64_t *to, struct seen *seen);

/* Counts the records of the pass, of so many bytes, as taken. */
void ring_count_pass(struct ring *r, uint64_t bytes);

/* Returns the space below `head` to the kernel. */
void ring_release(struct ring *r);

/* Fills `words` with the fields of enum pmu_ring_field. */
void ring_counts(const struct ring *r, uint64_t words[PMU_RING_FIELDS]);

static inline void ring_count(uint64_t counts[PMU_RING_FIELDS], enum pmu_ring_field field, uint64_t n)
{
	__atomic_fetch_add(&counts[field], n, __ATOMIC_RELAXED);
}

/* Counts records that were taken and are not written, in `counts` of the emptying thread. */
static inline void ring_count_dropped(uint64_t counts[PMU_RING_FIELDS], uint64_t samples, uint64_t bytes)
{
	ring_count(counts, PMU_RING_DROPBUF_SAMPLE, samples);
	ring_count(counts, PMU_RING_DROPPED_BYTES, bytes);
}

#endif
