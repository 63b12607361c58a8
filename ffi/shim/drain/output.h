/* Output descriptor of a drain: writes many entries of the queue with one writev(2), and accounts for them. */
#ifndef PMU_OUTPUT_H
#define PMU_OUTPUT_H

#include "queue.h"
#include "ring.h"

#include <sys/uio.h>

/* Limits of one writev, in bytes and parts, so that space in the queue is freed soon. */
#define OUTPUT_BYTES (1u << 20)
#define OUTPUT_PARTS 1024

struct output {
	int fd;
	int64_t size_field_at; /* -1 for none */
	uint32_t spare;        /* bytes kept in reserve after the data: see pmu_drain_set_spare */
	int error;             /* errno of the first failed write (positive): nothing is written after it */
	uint64_t written;      /* bytes up to the end of the last whole record; atomic, changed by one thread */
	uint64_t size_field;   /* value of the size field */
	int64_t size_field_ns; /* time of its last update */
	const bool *aborted;   /* atomic: write no more */
	struct ring *rings;    /* rings of the records, set before the first write */
	uint32_t ring_count;
	struct iovec parts[OUTPUT_PARTS];
};

/* Reserves the spare bytes, before the first write. */
void output_take_spare(struct output *o);

/*
 * Writes up to one writev's worth of the queue, waiting when the descriptor is not ready; counts bytes that could not
 * be written as failed, per ring; frees their space in the queue. Returns false when the queue was empty.
 */
bool output_write(struct output *o, struct queue *q);

/*
 * Updates the size field when it is a fifth of a second old, or when `now`. Returns the ms until the next update, -1
 * when none is due.
 */
int output_renew_size(struct output *o, bool now);

/*
 * Updates the size field for the last time. Where that fails (a copy-on-write file system may have no room even for
 * that), readers never see the data after the old size, so that data counts as failed instead of written.
 */
void output_end(struct output *o);

#endif
