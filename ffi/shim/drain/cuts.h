/*
 * Detection of programs that the kernel stops measuring at their exec. When an exec gives a process other rights than
 * its user has (set-user-ID, file capabilities), or runs a file that the user may not read, the kernel removes all
 * events of ordinary users.
 *
 * The records show it: a program that runs on maps its own code after the exec, and ends later. A program without its
 * events seems to end at once: COMM with the exec bit, then EXIT, with no MMAP of that thread between. These three
 * records, and those of the program that called exec, may come through rings of different CPUs: they are ordered by
 * time, and an EXIT without an MMAP counts once all rings have been read again and none was found.
 */
#ifndef PMU_CUTS_H
#define PMU_CUTS_H

#include "records.h"

#include <linux/perf_event.h>
#include <stdint.h>

#define CUTS_PENDING 128u /* a power of two */
#define CUTS_NAMES 16u
#define CUTS_COMM 16u /* TASK_COMM_LEN: a thread's name with its NUL */
_Static_assert(CUTS_NAMES == 16 && CUTS_COMM == 16, "ffi/drain.ts has room for as many");

/* Times of a thread's most recent records; 0 for none. */
struct cut_thread {
	uint32_t tid;
	uint32_t passes; /* over all rings since it ended without a map */
	uint64_t exec, map, end;
	char comm[CUTS_COMM];
};

struct cuts {
	/* Indexed by the low bits of the thread id; a later thread replaces an earlier one. */
	struct cut_thread pending[CUTS_PENDING];
	int32_t time_back; /* offset of records' times, in bytes from the end; 0: none */
	uint64_t order;    /* used instead of times then */
	char names[CUTS_NAMES][CUTS_COMM];
	uint32_t name_count;
};

/* Processes a COMM, EXIT, MMAP, MMAP2 or LOST; also records lost where a map may have been. */
void cuts_record(struct cuts *cuts, const struct circle *c, uint64_t position, const struct perf_event_header *header);

/* Notes that all rings have been read once. */
void cuts_end_pass(struct cuts *cuts);

/* Notes that no more records come. */
void cuts_end(struct cuts *cuts);

#endif
