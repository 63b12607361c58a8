/*
 * The bounded queue between the thread that empties the rings and the thread that writes: entries, each a
 * header and records, in a circular buffer. One thread puts, one takes; neither waits for the other here.
 */
#ifndef PMU_QUEUE_H
#define PMU_QUEUE_H

#include "records.h"

#include <stdbool.h>
#include <stdint.h>

enum entry_kind {
	ENTRY_PASS, /* all that a pass took from a ring */
	ENTRY_REST, /* what is left of it without its samples, which have been counted as dropped */
	ENTRY_ROUND /* a PERF_RECORD_FINISHED_ROUND, of no ring */
};

struct entry {
	uint32_t kind, ring;
	uint64_t length;  /* of what follows: a multiple of eight; the next header is at a multiple of 16 */
	uint64_t samples; /* among what follows */
};

struct queue {
	struct circle bytes;
	/* Positions. The one that puts: the end of what it has published, of what it has put, the entry it fills. */
	uint64_t head, put, filling;
	uint64_t tail; /* the one that takes: what it has done with */
};

/* The most that an entry takes beyond its records. */
#define ENTRY_OVERHEAD UINT64_C(32)

/* Makes a queue of at least `size` bytes. The memory is taken as it is first used. Returns 0 or -errno. */
int32_t queue_make(struct queue *q, uint64_t size);
void queue_free(struct queue *q);

/* Bytes that are taken, and that are free. */
uint64_t queue_used(const struct queue *q);
uint64_t queue_room(const struct queue *q);

/*
 * Begins at the start of its memory when it is empty: as long as the output keeps up, the same few pages are used
 * again and again, which stay in the CPU's cache. Of the one that puts, between two entries.
 */
void queue_rewind(struct queue *q);

/* Puts an entry: begin, append what it holds, end. There has to be room for it. */
void queue_begin(struct queue *q, enum entry_kind kind, uint32_t ring);
void queue_append(struct queue *q, const struct circle *from, uint64_t position, uint64_t length);
void queue_append_bytes(struct queue *q, const void *bytes, uint64_t length);
/* Takes back what was appended from `position` on: a value of q->put since queue_begin, or between two. */
void queue_cut(struct queue *q, uint64_t position);
void queue_end(struct queue *q, uint64_t samples);

/* Lets the other thread see all entries so far. */
void queue_publish(struct queue *q);

/*
 * Gives the entry at `*position`, its bytes' position in `*bytes`, and moves `*position` behind it; false
 * at the end of what is published. Begin at queue->tail.
 */
bool queue_next(const struct queue *q, uint64_t *position, struct entry *e, uint64_t *bytes);

/* Gives the space below `position` back. */
void queue_release(struct queue *q, uint64_t position);

#endif
