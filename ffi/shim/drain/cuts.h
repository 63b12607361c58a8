/*
 * Programs that the kernel stops measuring as they start: at an exec that gives a process other rights than its user has
 * (set-user-ID, file capabilities) or runs what the user may not read, it takes all events of ordinary users off.
 *
 * The records show it. A program that runs on maps its own code after the exec, and ends later; one whose events are taken
 * off ends at once, as far as they tell: COMM with the exec bit, and EXIT, with no MMAP of that thread between. The three,
 * and those of the program that called exec, may come through rings of different CPUs: their times put them in order, and
 * an EXIT without an MMAP counts when all rings have been gone through once more and none was found.
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

/* What a thread has done last, each by its time; 0 where it has not. */
struct cut_thread {
	uint32_t tid;
	uint32_t passes; /* through all rings since it had ended without a map */
	uint64_t exec, map, end;
	char comm[CUTS_COMM];
};

struct cuts {
	/* By the low bits of the thread's number; one that comes later takes the place. */
	struct cut_thread pending[CUTS_PENDING];
	int32_t time_back; /* where records have their time, in bytes from the end; 0: nowhere */
	uint64_t order;    /* stands for the time then */
	char names[CUTS_NAMES][CUTS_COMM];
	uint32_t name_count;
};

/* Takes in a COMM, EXIT, MMAP, MMAP2 or LOST; records were lost, too, where a map may have been. */
void cuts_record(struct cuts *cuts, const struct circle *c, uint64_t position, const struct perf_event_header *header);

/* All rings have been gone through. */
void cuts_end_pass(struct cuts *cuts);

/* There are no more records. */
void cuts_end(struct cuts *cuts);

#endif
