/* What a drain notes of what runs. */
#define _GNU_SOURCE
#include "../../ffi/shim/drain/seen.h"
#include "drain_helpers.h"
#include "harness.h"
#include "perf_helpers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_WORDS 4

/* The body of a PERF_RECORD_MMAP2 or, with its first word alone, the start of a PERF_RECORD_FORK. */
struct body {
	uint32_t pid, tid; /* of a fork: pid, ppid */
	uint64_t addr, len, pgoff, identity[3], prot;
	char name[8 * NAME_WORDS];
};

static struct body mapping(uint32_t pid, const char *name, uint64_t inode)
{
	struct body b = { .pid = pid, .tid = pid, .identity = { 1, inode, 0 } };

	strncpy(b.name, name, sizeof(b.name) - 1);
	return b;
}

/* A drain that watches a ring of one page, which the test fills, and what it said last. */
struct setting {
	struct fake_ring ring;
	void *drain;
	uint64_t words[1 << 13];
	int64_t bytes;
};

static struct setting *set_up(void)
{
	struct setting *s = calloc(1, sizeof(*s));
	int32_t error = 0;

	s->ring = make_fake_ring(1);
	s->drain = pmu_drain_new(scratch_file(), -1, 0, &error);
	CHECK_EQ(error, 0);
	CHECK_EQ(pmu_drain_set_interval(s->drain, 1), 0);
	CHECK_EQ(pmu_drain_watch(s->drain, 16, 0), 0);
	CHECK_EQ(pmu_drain_watch(s->drain, 16, 0), -EBUSY);
	CHECK_EQ(pmu_drain_add(s->drain, s->ring.fd, 1, 0), 0);
	CHECK_EQ(pmu_drain_start(s->drain), 0);
	return s;
}

static void tear_down(struct setting *s)
{
	pmu_drain_free(s->drain);
	free_fake_ring(&s->ring);
	free(s);
}

static void put(struct setting *s, uint32_t type, const struct body *b)
{
	put_record(&s->ring, type, (const uint64_t *)b, sizeof(*b) / 8);
}

/* Publishes, waits until the drain has been there, and takes what it noted; returns how many entries. */
static int take(struct setting *s)
{
	int entries = 0;

	publish(&s->ring);
	WAIT_UNTIL(tail_of(&s->ring) == s->ring.head);
	s->bytes = pmu_drain_seen(s->drain, s->words, sizeof(s->words));
	for (int64_t at = 0; at < s->bytes; entries++)
		at += 8 + ((struct perf_event_header *)((char *)s->words + at + 8))->size;
	return entries;
}

static void notes_each_file_once(void)
{
	struct setting *s = set_up();
	struct body a = mapping(7, "/bin/a", 1), other = mapping(8, "/bin/a", 1), b = mapping(7, "/bin/b", 2);
	struct perf_event_header header;

	put(s, PERF_RECORD_MMAP2, &a);
	put(s, PERF_RECORD_MMAP2, &other);
	put(s, PERF_RECORD_MMAP2, &b);
	CHECK_EQ(take(s), 2);
	CHECK(s->words[0] != 0);
	memcpy(&header, &s->words[1], sizeof(header));
	CHECK_EQ(header.type, PERF_RECORD_MMAP2);
	CHECK_EQ(header.size, 8 + sizeof(a));
	CHECK(memcmp(&s->words[2], &a, sizeof(a)) == 0);
	put(s, PERF_RECORD_MMAP2, &other);
	CHECK_EQ(take(s), 0);
	/* The one that was there may have gone before anyone looked. */
	CHECK_EQ(pmu_drain_see_again(s->drain), 0);
	put(s, PERF_RECORD_MMAP2, &other);
	CHECK_EQ(take(s), 1);
	tear_down(s);
}

static void tells_files_apart(void)
{
	struct setting *s = set_up();
	struct body same_name = mapping(7, "/bin/a", 2), a = mapping(7, "/bin/a", 1);
	struct body code = mapping(7, "//anon", 0), code_of_other = mapping(8, "//anon", 0);

	put(s, PERF_RECORD_MMAP2, &a);
	put(s, PERF_RECORD_MMAP2, &same_name);
	put(s, PERF_RECORD_MMAP2, &code);
	put(s, PERF_RECORD_MMAP2, &code);
	put(s, PERF_RECORD_MMAP2, &code_of_other);
	CHECK_EQ(take(s), 4);
	tear_down(s);
}

static void notes_who_started_whom(void)
{
	struct setting *s = set_up();
	struct body process = { .pid = 8, .tid = 7 }, thread = { .pid = 8, .tid = 8 };

	put(s, PERF_RECORD_FORK, &process);
	put(s, PERF_RECORD_FORK, &thread);
	CHECK_EQ(take(s), 1);
	CHECK_EQ(s->words[0], 0);
	CHECK_EQ((uint32_t)s->words[2], 8);
	CHECK_EQ(s->words[2] >> 32, 7);
	tear_down(s);
}

static void keeps_what_does_not_fit_for_later(void)
{
	struct setting *s = set_up();
	struct body a = mapping(7, "/bin/a", 1), b = mapping(7, "/bin/b", 2);
	uint64_t size = 16 + sizeof(a);

	put(s, PERF_RECORD_MMAP2, &a);
	put(s, PERF_RECORD_MMAP2, &b);
	publish(&s->ring);
	WAIT_UNTIL(tail_of(&s->ring) == s->ring.head);
	CHECK_EQ(pmu_drain_seen(s->drain, s->words, size - 1), 0);
	CHECK_EQ(pmu_drain_seen(s->drain, s->words, 2 * size - 1), size);
	CHECK_EQ(pmu_drain_seen(s->drain, s->words, sizeof(s->words)), size);
	CHECK(memcmp(&s->words[2], &b, sizeof(b)) == 0);
	tear_down(s);
}

static void notes_no_more_than_it_has_room_for(void)
{
	struct setting *s = set_up();
	int64_t total = 0, bytes;

	for (uint64_t inode = 0; inode < 3 * SEEN_SLOTS; inode++) {
		struct body b = mapping(7, "/bin/a", inode);
		struct {
			struct perf_event_header header;
			struct body body;
		} record = { { .type = PERF_RECORD_MMAP2, .size = 8 + sizeof(b) }, b };

		CHECK_EQ(pmu_drain_see(s->drain, &record, sizeof(record)), 0);
	}
	while ((bytes = pmu_drain_seen(s->drain, s->words, sizeof(s->words))) > 0)
		total += bytes;
	CHECK(total > SEEN_BYTES / 8 && total <= SEEN_BYTES);
	tear_down(s);
}

static void notes_later_what_had_no_room(void)
{
	struct setting *s = set_up();
	struct body last = mapping(7, "/bin/last", 1);
	struct {
		struct perf_event_header header;
		struct body body;
	} record = { { .type = PERF_RECORD_FORK, .size = 8 + sizeof(record.body) }, { .pid = 8, .tid = 7 } };

	/* Starts of processes, until there is no room for one more. */
	for (uint64_t used = 0; used <= SEEN_BYTES; used += 8 + sizeof(record))
		CHECK_EQ(pmu_drain_see(s->drain, &record, sizeof(record)), 0);
	record.header.type = PERF_RECORD_MMAP2;
	record.body = last;
	CHECK_EQ(pmu_drain_see(s->drain, &record, sizeof(record)), 0);
	while (pmu_drain_seen(s->drain, s->words, sizeof(s->words)) > 0)
		CHECK_EQ(s->words[0], 0); /* processes alone */
	CHECK_EQ(pmu_drain_see(s->drain, &record, sizeof(record)), 0);
	CHECK_EQ(pmu_drain_seen(s->drain, s->words, sizeof(s->words)), 8 + sizeof(record));
	CHECK(memcmp(&s->words[2], &last, sizeof(last)) == 0);
	CHECK_EQ(pmu_drain_see(s->drain, &record, sizeof(record)), 0);
	CHECK_EQ(pmu_drain_seen(s->drain, s->words, sizeof(s->words)), 0); /* once */
	tear_down(s);
}

static void sees_what_it_did_not_write(void)
{
	struct setting *s = set_up();
	struct body a = mapping(7, "/bin/a", 1);
	struct {
		struct perf_event_header header;
		struct body body;
	} records[2] = { { { .type = PERF_RECORD_MMAP2, .size = 8 + sizeof(a) }, a } };

	records[1] = records[0];
	CHECK_EQ(pmu_drain_see(s->drain, records, sizeof(records)), 0);
	CHECK_EQ(pmu_drain_see(s->drain, records, sizeof(records) - 1), -EINVAL);
	CHECK_EQ(take(s), 1);
	records[0].header.misc = PERF_RECORD_MISC_MMAP_DATA;
	CHECK_EQ(pmu_drain_see(s->drain, records, sizeof(records[0])), 0);
	CHECK_EQ(take(s), 0);
	tear_down(s);
}

static void knows_when_samples_were_taken(void)
{
	struct setting *s = set_up();
	uint64_t body[3] = { 0, 50, 0 }, times[2];

	for (body[1] = 50; body[1] <= 90; body[1] += 10)
		put_record(&s->ring, PERF_RECORD_SAMPLE, body, 3);
	CHECK_EQ(take(s), 0);
	CHECK_EQ(pmu_drain_stop(s->drain), 0);
	CHECK_EQ(pmu_drain_times(s->drain, times), 0);
	CHECK_EQ(times[0], 50);
	CHECK_EQ(times[1], 90);
	tear_down(s);
}

static void is_asked_for(void)
{
	int32_t error = 0;
	void *drain = pmu_drain_new(scratch_file(), -1, 0, &error);
	uint64_t words[2];

	CHECK_EQ(pmu_drain_seen(drain, words, sizeof(words)), -EINVAL);
	CHECK_EQ(pmu_drain_see(drain, words, 0), -EINVAL);
	CHECK_EQ(pmu_drain_see_again(drain), -EINVAL);
	CHECK_EQ(pmu_drain_times(drain, words), -ENOENT);
	pmu_drain_free(drain);
}

int main(void)
{
	static const struct test tests[] = {
		{ "a drain notes each mapped file once, and again when told to", notes_each_file_once, false },
		{ "a drain tells files of one name apart, and the run-time code of processes", tells_files_apart,
		  false },
		{ "a drain notes which process started which, and no threads", notes_who_started_whom, false },
		{ "a drain keeps what does not fit for the next call", keeps_what_does_not_fit_for_later, false },
		{ "a drain notes no more than it has room for", notes_no_more_than_it_has_room_for, false },
		{ "a file that had no room is noted when it is mapped again", notes_later_what_had_no_room, false },
		{ "a drain sees what it did not write itself, but for data", sees_what_it_did_not_write, false },
		{ "a drain knows when its samples were taken", knows_when_samples_were_taken, false },
		{ "a drain notes nothing unless it was asked to", is_asked_for, false },
	};

	return RUN_TESTS(tests);
}
