/*
 * Programs that the kernel stops measuring as they start: at an exec that gives a process other rights than its user has
 * (set-user-ID, file capabilities) or runs what the user may not read, it takes all events of ordinary users off.
 *
 * The records show it. A program that runs on maps its own code after the exec, and ends later; one whose events are taken
 * off ends at once, as far as they tell: COMM with the exec bit, and EXIT, with no MMAP of that thread between. As the
 * three may come through rings of different CPUs, an EXIT without an MMAP counts when all rings have been gone through
 * once more and none was found.
 */
#ifndef PMU_CUTS_H
#define PMU_CUTS_H

#include "records.h"

#include <linux/perf_event.h>
#include <stdint.h>

#define CUTS_PENDING 64u
#define CUTS_NAMES 16u
#define CUTS_COMM 16u /* TASK_COMM_LEN: a thread's name with its NUL */

enum cut_state { CUT_NONE, CUT_EXEC, CUT_EXIT, CUT_EXIT_BEFORE };

struct cuts {
	struct {
		uint32_t tid;
		enum cut_state state;
		char comm[CUTS_COMM];
	} pending[CUTS_PENDING];
	uint32_t next; /* the place that is used next, whatever it holds */
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
