/* The descriptor that records go to: many entries of the queue in one writev(2), and what came of them. */
#ifndef PMU_OUTPUT_H
#define PMU_OUTPUT_H

#include "queue.h"
#include "ring.h"

#include <sys/uio.h>

/* One writev takes at most this many bytes, so that the queue gets its space back soon, or parts. */
#define OUTPUT_BYTES (1u << 20)
#define OUTPUT_PARTS 1024

struct output {
	int fd;
	int64_t size_field_at; /* -1 for none */
	uint32_t spare;        /* bytes of the file that are kept behind what is written: see pmu_drain_set_spare */
	int error;             /* of the first write that failed, as a positive errno: nothing is written after it */
	uint64_t written;      /* bytes, up to the end of the last whole record; atomic, changed by one thread */
	uint64_t told;         /* what the size field says */
	int64_t told_ns;       /* since when */
	const bool *aborted;   /* atomic: write no more */
	struct ring *rings;    /* where the records come from, set before the first write */
	uint32_t ring_count;
	struct iovec parts[OUTPUT_PARTS];
};

/* Takes the spare bytes, before the first write. */
void output_take_spare(struct output *o);

/*
 * Writes what the queue has, up to one writev's worth, waiting when the descriptor does not
 * take it; counts what could not be written as failed, ring by ring; gives the queue its space back.
 * Returns false when the queue was empty.
 */
bool output_write(struct output *o, struct queue *q);

/*
 * Brings the size field up to date when it is a fifth of a second old, or when `now`. Returns the ms until
 * that is due, -1 when nothing is.
 */
int output_renew_size(struct output *o, bool now);

/*
 * Brings the size field up to date for the last time. Where that cannot be done (on a file system that copies what it
 * writes anew, there may be no room even for that), no reader gets to what lies behind the size it has: that
 * counts as failed, and not as written.
 */
void output_end(struct output *o);

#endif
