/* A drain's inside: what its two threads share. See pmu.h for what it does. */
#ifndef PMU_DRAIN_H
#define PMU_DRAIN_H

#include "output.h"
#include "queue.h"
#include "ring.h"
#include "seen.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* epoll's name for the eventfd that wakes the emptier; rings go by their index. */
#define WAKE_EVENT UINT64_MAX

/* The record that stands in the output for dropped samples. */
struct loss {
	unsigned char record[PMU_LOSS_MOST];
	uint32_t length; /* 0: none has been given, and nothing is dropped */
	int32_t time_at, cpu_at, sample_time_at;
};

struct drain {
	uint32_t flags;
	int interval_ms;
	uint64_t queue_bytes; /* as asked for; 0: as it is right */
	struct loss loss;
	struct ring *rings;
	uint32_t ring_count;
	int epoll_fd;

	/* Of the thread that empties the rings. */
	pthread_t emptier;
	int wake_fd;
	bool hungup; /* a ring has no event left that would tell of it */
	bool choked; /* the last pass found no room */
	bool stop;   /* asked to; atomic */

	struct seen *seen; /* NULL: nobody wants to know */
	struct queue queue;
	uint64_t queue_limit; /* how full it may get with samples; the rest is for all other records */

	/* Of the thread that writes. */
	pthread_t writer;
	struct output out;
	int queued_fd;
	int32_t writer_id; /* once it runs; atomic */
	bool writer_done;  /* atomic */
	bool all_queued;   /* nothing will be queued any more; atomic */
	bool abort;        /* atomic */
	int end_fd; /* an eventfd, told when the writer is done, or is to be interrupted: pmu_drain_stop waits for it */

	int error; /* the first, as a positive errno; atomic */
	bool started, running;
};

/* Keeps the first error, a positive errno; 0 is none. */
void drain_note_error(struct drain *d, int error);

/* Adds one to an eventfd; waits until something has, or so long (-1: for ever). */
void drain_tell(int event_fd);
void drain_wait_told(int event_fd, int ms);

/* The thread that empties the rings; gets the drain. */
void *drain_emptier_main(void *drain);

#endif
