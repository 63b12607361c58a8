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
#define COMM_NAME (sizeof(struct perf_event_header) + 8)

static void note(struct cuts *cuts, const char *comm)
{
	for (uint32_t i = 0; i < cuts->name_count; i++)
		if (strcmp(cuts->names[i], comm) == 0)
			return;
	if (cuts->name_count < CUTS_NAMES)
		memcpy(cuts->names[cuts->name_count++], comm, CUTS_COMM);
}

static uint64_t time_of(struct cuts *cuts, const struct circle *c, uint64_t position, uint16_t size)
{
	if (cuts->time_back < 8 || size < sizeof(struct perf_event_header) + (uint32_t)cuts->time_back)
		return ++cuts->order;
	return circle_u64(c, position + size - (uint32_t)cuts->time_back);
}

/*
 * Returns a thread's entry; NULL when it would replace an exec whose outcome is open, unless the record is an exec
 * itself.
 */
static struct cut_thread *thread_of(struct cuts *cuts, uint32_t tid, bool is_exec)
{
	struct cut_thread *thread = &cuts->pending[tid % CUTS_PENDING];

	if (thread->tid != tid) {
		if (thread->exec != 0 && !is_exec)
			return NULL;
		memset(thread, 0, sizeof(*thread));
		thread->tid = tid;
	}
	return thread;
}

static void later(uint64_t *last, uint64_t time)
{
	if (time > *last)
		*last = time;
}

static void exec(struct cut_thread *thread, const struct circle *c, uint64_t position, uint16_t size, uint64_t time)
{
	uint64_t length = size - COMM_NAME < CUTS_COMM - 1 ? size - COMM_NAME : CUTS_COMM - 1;

	if (time < thread->exec)
		return;
	thread->exec = time;
	thread->passes = 0;
	memset(thread->comm, 0, CUTS_COMM);
	circle_read(c, position + COMM_NAME, thread->comm, length);
}

void cuts_record(struct cuts *cuts, const struct circle *c, uint64_t position, const struct perf_event_header *header)
{
	bool is_exec = header->type == PERF_RECORD_COMM && (header->misc & PERF_RECORD_MISC_COMM_EXEC);
	struct cut_thread *thread;
	struct start start;
	uint64_t time;

	if (header->type == PERF_RECORD_LOST) {
		memset(cuts->pending, 0, sizeof(cuts->pending));
		return;
	}
	if (header->size < sizeof(start))
		return;
	circle_read(c, position, &start, sizeof(start));
	time = time_of(cuts, c, position, header->size);
	/* COMM and the maps have the thread id at the same offset. */
	thread = thread_of(cuts, start.words[header->type == PERF_RECORD_EXIT ? EXIT_TID : COMM_TID], is_exec);
	if (!thread)
		return;
	if (is_exec)
		exec(thread, c, position, header->size, time);
	else if (header->type == PERF_RECORD_EXIT)
		later(&thread->end, time);
	else
		later(&thread->map, time); /* a COMM, too: a thread that renames itself runs on */
}

void cuts_end_pass(struct cuts *cuts)
{
	for (uint32_t i = 0; i < CUTS_PENDING; i++) {
		struct cut_thread *thread = &cuts->pending[i];

		if (thread->exec == 0 || thread->end < thread->exec)
			continue;
		if (thread->map < thread->exec && thread->passes++ == 0)
			continue;
		if (thread->map < thread->exec)
			note(cuts, thread->comm);
		memset(thread, 0, sizeof(*thread));
	}
}

void cuts_end(struct cuts *cuts)
{
	cuts_end_pass(cuts);
	cuts_end_pass(cuts);
}
