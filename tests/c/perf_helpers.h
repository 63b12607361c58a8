/* Events whose true count the tests can make, and a reader of the records that a drain wrote. */
#ifndef PERF_HELPERS_H
#define PERF_HELPERS_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#define PERF_FORMAT_LOST_BIT (1u << 4) /* PERF_FORMAT_LOST, which older headers lack; Linux 6.0 */

/* A software event of user space, disabled, with a sample every `period` (0: counting only). */
struct perf_event_attr software_attr(uint64_t config, uint64_t period);

/* page-faults with one sample for each fault of `pid`, disabled: the count is the truth for the drain. */
int32_t open_faults(int32_t pid, int32_t cpu, bool inherit);

/* At least `pages` page faults of the calling thread. */
void touch_pages(size_t pages);

/* The event's count. */
uint64_t count_of(int32_t fd);

/* What records a stretch of bytes holds. */
struct found {
	uint64_t records, samples, rounds;
	uint64_t lost;         /* sum of PERF_RECORD_LOST */
	uint64_t lost_samples; /* sum of PERF_RECORD_LOST_SAMPLES */
	uint64_t comms;        /* PERF_RECORD_COMM */
	bool whole;            /* the last record ends where the bytes end */
	uint64_t last_type;
};
struct found find_records(const void *bytes, size_t size);

/* The same for [offset, end) of a file. */
struct found find_in_file(int fd, int64_t offset);

/* A file without a name, for a drain to write to; -errno as the shim's calls. */
int scratch_file(void);

#endif
