/*
 * What the records of a recording tell of what runs: each mapped program and library once, and which process
 * started which. A recorder has to see to those while they can still be opened, and would be busy with little
 * else if it went through all records itself.
 */
#ifndef PMU_SEEN_H
#define PMU_SEEN_H

#include "cuts.h"
#include "records.h"

#include <linux/perf_event.h>
#include <pthread.h>
#include <stdint.h>

#define SEEN_BYTES (1u << 20)
#define SEEN_SLOTS 4096u /* a power of two */

struct seen {
	pthread_mutex_t lock;
	/* Hashes of the files that have been noted; 0 is a free slot. */
	uint64_t known[SEEN_SLOTS];
	uint32_t known_count;
	/* Entries: see pmu_drain_seen. One that has no room is left out; a file so left out counts as not noted. */
	unsigned char *bytes;
	uint64_t used;

	/* Offset of the time in a sample, -1 for none, and the least and greatest there was; of the thread that walks. */
	int32_t time_at;
	uint64_t first, last;
	struct cuts cuts; /* likewise */
};

/* Returns 0 or -ENOMEM. */
int32_t seen_make(struct seen *s);
void seen_free(struct seen *s);

/* Notes the PERF_RECORD_MMAP2 or PERF_RECORD_FORK at `position`, unless it tells nothing new. */
void seen_record(struct seen *s, const struct circle *c, uint64_t position, const struct perf_event_header *header);

/* Notes the times of a stretch of samples of one ring. */
void seen_times(struct seen *s, const struct circle *c, const struct tally *t);

/* Moves as many whole entries as fit into `buf`; returns their bytes. */
uint64_t seen_take(struct seen *s, void *buf, uint64_t len);

/* Forgets which files have been noted. */
void seen_again(struct seen *s);

#endif
