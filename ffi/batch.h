/* Gathers the records of several rings into one writev(2), and settles what came of it. */
#ifndef PMU_BATCH_H
#define PMU_BATCH_H

#include "ring.h"

#include <sys/uio.h>

/* A batch is written at this many bytes, so that a ring gets its space back soon, or parts. */
#define BATCH_BYTES (1u << 20)
#define BATCH_PARTS 1024

struct batch {
	int out_fd;
	int error;        /* of the first write that failed, as a positive errno: nothing is written after it */
	uint64_t written; /* bytes, up to the end of the last whole record; atomic, changed by one thread */

	/* What the next write takes: at most two parts a ring, and perhaps a round behind them. */
	struct iovec parts[BATCH_PARTS];
	struct ring *rings[BATCH_PARTS / 2];
	int part_count, ring_count;
	uint64_t bytes;
	bool round;
};

/* Adds the records in [tail, head) of a ring; writes the batch when that fills it. */
void batch_add_ring(struct batch *b, struct ring *r);

/* Adds a PERF_RECORD_FINISHED_ROUND. The next call has to be batch_flush. */
void batch_add_round(struct batch *b);

/*
 * Writes what was added, waiting when out_fd does not block; counts what could not be written as
 * dropped, ring by ring; gives the rings their space back. Nothing to do is fine.
 */
void batch_flush(struct batch *b);

#endif
