/* See cuts.h; the records' layouts are those of perf_event_open(2). */
#include "cuts.h"

#include <stdbool.h>
#include <string.h>

/* COMM: pid, tid and the name. EXIT: pid, parent's pid, tid, parent's tid. MMAP and MMAP2: pid, tid. */
struct start {
	struct perf_event_header header;
	uint32_t words[3];
};

#define COMM_TID 1
#define EXIT_TID 2
#define MMAP_TID 1
#define COMM_NAME (sizeof(struct perf_event_header) + 8)

static void note(struct cuts *cuts, const char *comm)
{
	for (uint32_t i = 0; i < cuts->name_count; i++)
		if (strcmp(cuts->names[i], comm) == 0)
			return;
	if (cuts->name_count < CUTS_NAMES)
		memcpy(cuts->names[cuts->name_count++], comm, CUTS_COMM);
}

static void exec(struct cuts *cuts, uint32_t tid, const struct circle *c, uint64_t position, uint16_t size)
{
	uint32_t at = cuts->next++ % CUTS_PENDING;
	uint64_t length = size - COMM_NAME < CUTS_COMM - 1 ? size - COMM_NAME : CUTS_COMM - 1;

	cuts->pending[at].tid = tid;
	cuts->pending[at].state = CUT_EXEC;
	memset(cuts->pending[at].comm, 0, CUTS_COMM);
	circle_read(c, position + COMM_NAME, cuts->pending[at].comm, length);
}

/* The thread is no longer pending or, with `ended`, has ended so. */
static void settle(struct cuts *cuts, uint32_t tid, bool ended)
{
	for (uint32_t i = 0; i < CUTS_PENDING; i++) {
		if (cuts->pending[i].state == CUT_NONE || cuts->pending[i].tid != tid)
			continue;
		if (!ended)
			cuts->pending[i].state = CUT_NONE;
		else if (cuts->pending[i].state == CUT_EXEC)
			cuts->pending[i].state = CUT_EXIT;
	}
}

void cuts_record(struct cuts *cuts, const struct circle *c, uint64_t position, const struct perf_event_header *header)
{
	struct start start;

	if (header->type == PERF_RECORD_LOST) {
		memset(cuts->pending, 0, sizeof(cuts->pending));
		return;
	}
	if (header->size < sizeof(start))
		return;
	circle_read(c, position, &start, sizeof(start));
	switch (header->type) {
	case PERF_RECORD_COMM:
		settle(cuts, start.words[COMM_TID], false);
		if (header->misc & PERF_RECORD_MISC_COMM_EXEC)
			exec(cuts, start.words[COMM_TID], c, position, header->size);
		break;
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
		settle(cuts, start.words[MMAP_TID], false);
		break;
	case PERF_RECORD_EXIT:
		settle(cuts, start.words[EXIT_TID], true);
		break;
	}
}

void cuts_end_pass(struct cuts *cuts)
{
	for (uint32_t i = 0; i < CUTS_PENDING; i++) {
		if (cuts->pending[i].state == CUT_EXIT_BEFORE) {
			note(cuts, cuts->pending[i].comm);
			cuts->pending[i].state = CUT_NONE;
		} else if (cuts->pending[i].state == CUT_EXIT) {
			cuts->pending[i].state = CUT_EXIT_BEFORE;
		}
	}
}

void cuts_end(struct cuts *cuts)
{
	cuts_end_pass(cuts);
	cuts_end_pass(cuts);
}
