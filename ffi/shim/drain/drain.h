/* State of a drain, shared by its two threads. See pmu.h. */
#ifndef PMU_DRAIN_H
#define PMU_DRAIN_H

#include "output.h"
#include "queue.h"
#include "ring.h"
#include "seen.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* epoll data of the eventfd that wakes the emptier; rings have their index. */
#define WAKE_EVENT UINT64_MAX

/* Record that stands for dropped samples in the output. */
struct loss {
	unsigned char record[PMU_LOSS_MAX];
	uint32_t length; /* 0: no record is set, and nothing is dropped */
	int32_t time_at, cpu_at, sample_time_at;
};

struct drain {
	uint32_t flags;
	int interval_ms;
	uint64_t queue_bytes; /* requested size; 0: the default */
	struct loss loss;
	struct ring *rings;
	uint32_t ring_count;
	int epoll_fd;

	/* Used by the thread that empties the rings. */
	pthread_t emptier;
	int wake_fd;
	bool hungup; /* no event is left to signal that a ring fills */
	bool choked; /* the last pass found the queue full */
	bool stop;   /* stop was requested; atomic */

	struct seen *seen; /* NULL unless pmu_drain_watch was called */
	struct queue queue;
	uint64_t queue_limit; /* limit for samples; the rest is for all other records */
	bool given;           /* with PMU_DRAIN_BY_CALLER: records have been given in this pass */
	bool is_raised;       /* pmu_drain_raise_priority has raised this process's priority */
	int nice_before;      /* nice value before */

	/* Used by the thread that writes. */
	pthread_t writer;
	struct output out;
	int queued_fd;
	int32_t writer_id; /* once it runs; atomic */
	bool writer_done;  /* atomic */
	bool all_queued;   /* the queue is complete; atomic */
	bool abort;        /* atomic */
	int end_fd;        /* eventfd for pmu_drain_stop: the writer is done, or has to be interrupted */

	int error; /* first error, a positive errno; atomic */
	bool started, running;
};

/* Keeps the first error, a positive errno; 0 is none. */
void drain_note_error(struct drain *d, int error);

/* drain_signal adds one to an eventfd; drain_wait_signal waits for that, at most `ms` (-1: forever). */
void drain_signal(int event_fd);
void drain_wait_signal(int event_fd, int ms);

/* Main function of the thread that empties the rings; its argument is the drain. */
void *drain_emptier_main(void *drain);

/* Waits until there may be records to take, at most for the interval. */
void drain_wait_for_records(struct drain *d);

/*
 * Reads the heads of all rings before any record is taken: see pmu.h on rounds. Returns the bytes that the pass needs
 * in the queue.
 */
uint64_t drain_look(struct drain *d);

/*
 * Queues the records in [from, to) of `c` as those of a ring, and counts them. Without `samples`, drops the samples,
 * which the ring's pass has tallied. There has to be room. Returns the end of the last valid record.
 */
uint64_t drain_queue_records(struct drain *d, uint32_t ring, const struct circle *c, uint64_t from, uint64_t to,
			     bool samples);

/* Ends a round, and lets the writer have it. */
void drain_end_round(struct drain *d);

/* Takes back what pmu_drain_raise_priority has done. */
void drain_restore_priority(struct drain *d);

/* Tells the writer that nothing more is queued. */
void drain_end_queue(struct drain *d);

#endif
