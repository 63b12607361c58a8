/*
 * Programs, libraries and processes that appear in the records: each mapped file once, and each fork. A recorder has
 * to open files while they still exist, and would be busy with little else if it walked all records itself.
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
	/* Hashes of the noted files; 0 is a free slot. */
	uint64_t known[SEEN_SLOTS];
	uint32_t known_count;
	/* Entries: see pmu_drain_seen. One that does not fit is left out; its file then counts as not noted. */
	unsigned char *bytes;
	uint64_t used;

	/*
	 * Offset of the time in a sample, -1 for none, and the least and greatest time; used by the thread that walks
	 * the records.
	 */
	int32_t time_at;
	uint64_t first, last;
	struct cuts cuts; /* used by that thread, too */
};

/* Initializes it. Returns 0 or -ENOMEM. */
int32_t seen_make(struct seen *s);
void seen_free(struct seen *s);

/* Notes the PERF_RECORD_MMAP2 or PERF_RECORD_FORK at `position`, unless it is known. */
void seen_record(struct seen *s, const struct circle *c, uint64_t position, const struct perf_event_header *header);

/* Notes the times of a range of samples of one ring. */
void seen_times(struct seen *s, const struct circle *c, const struct tally *t);

/* Moves as many whole entries as fit into `buf`; returns their bytes. */
uint64_t seen_take(struct seen *s, void *buf, uint64_t len);

/* Forgets which files have been noted. */
void seen_again(struct seen *s);

#endif
