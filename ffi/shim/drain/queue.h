/*
 * Bounded queue between the thread that empties the rings and the thread that writes: a circular buffer of entries,
 * each a header and records. There is one producer and one consumer; neither waits for the other here.
 */
#ifndef PMU_QUEUE_H
#define PMU_QUEUE_H

#include "records.h"

#include <stdbool.h>
#include <stdint.h>

enum entry_kind {
	ENTRY_PASS, /* all records that a pass took from a ring */
	ENTRY_REST, /* those without samples, which have been counted as dropped */
	ENTRY_ROUND /* a PERF_RECORD_FINISHED_ROUND, of no ring */
};

struct entry {
	uint32_t kind, ring;
	uint64_t length; /* bytes of records that follow: a multiple of eight; the next header is at a multiple of 16 */
	uint64_t samples; /* samples among them */
};

struct queue {
	struct circle bytes;
	/*
	 * Positions of the producer: the end of the published entries, of all entries, and of the entry being filled.
	 */
	uint64_t head, put, filling;
	uint64_t tail; /* position of the consumer: the end of the consumed entries */
};

/* Limit on the bytes that an entry takes besides its records. */
#define ENTRY_OVERHEAD UINT64_C(32)

/* Creates a queue of at least `size` bytes, whose memory is used only as it fills. Returns 0 or -errno. */
int32_t queue_make(struct queue *q, uint64_t size);
void queue_free(struct queue *q);

/* Returns the bytes in use, and the free bytes. */
uint64_t queue_used(const struct queue *q);
uint64_t queue_room(const struct queue *q);

/*
 * Restarts at the beginning of the buffer when the queue is empty: as long as the output keeps up, the same few pages
 * are reused, which stay in the CPU's cache. For the producer, between two entries.
 */
void queue_rewind(struct queue *q);

/* Add an entry: begin, append its records, end. There has to be room for it. */
void queue_begin(struct queue *q, enum entry_kind kind, uint32_t ring);
void queue_append(struct queue *q, const struct circle *from, uint64_t position, uint64_t length);
void queue_append_bytes(struct queue *q, const void *bytes, uint64_t length);
/* Removes bytes appended from `position` on: a value of q->put since queue_begin, or between two records. */
void queue_cut(struct queue *q, uint64_t position);
void queue_end(struct queue *q, uint64_t samples);

/* Publishes all entries so far to the consumer. */
void queue_publish(struct queue *q);

/*
 * Returns the entry at `*position` and the position of its records, and advances `*position` past it; returns false
 * at the end of the published entries. Start at queue->tail.
 */
bool queue_next(const struct queue *q, uint64_t *position, struct entry *e, uint64_t *bytes);

/* Frees the space below `position`. */
void queue_release(struct queue *q, uint64_t position);

#endif
