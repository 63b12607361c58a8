/* Drains whose caller empties the rings, on rings made by hand. Single-threaded but for the writer, so exact. */
#define _GNU_SOURCE
#include "drain_helpers.h"
#include "harness.h"
#include "perf_helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#define ROUND 68 /* PERF_RECORD_FINISHED_ROUND of the perf tools */
/* Samples of the tests: a header and three words. */
#define SAMPLE_BYTES 32
/* Limit for samples in the queue behind one ring of a page, as pmu_drain_start computes it, and the whole queue. */
#define QUEUE_LIMIT(loss) (4096 + 4096 + 64 + (loss))
#define QUEUE_BYTES 16384
/* What one entry takes besides its records, and the end of a round. */
#define OVERHEAD 32
#define END_OF_ROUND 64

#define MAX_RINGS 2

struct setting {
	struct fake_ring rings[MAX_RINGS];
	int count, file;
	void *drain;
	uint64_t ranges[2 * MAX_RINGS];
};

static void *new_drain(int file, int32_t interval_ms)
{
	int32_t error = 0;
	void *drain = pmu_drain_new(file, -1, PMU_DRAIN_BY_CALLER, &error);

	CHECK_EQ(error, 0);
	CHECK_EQ(pmu_drain_set_interval(drain, interval_ms), 0);
	CHECK_EQ(pmu_drain_set_queue(drain, 1), 0); /* as small as it gets */
	return drain;
}

static struct setting set_up(int count)
{
	struct setting s = { .count = count, .file = scratch_file() };

	s.drain = new_drain(s.file, 1);
	for (int i = 0; i < count; i++) {
		s.rings[i] = make_fake_ring(1);
		CHECK_EQ(pmu_drain_add(s.drain, s.rings[i].fd, 1, i), i);
	}
	return s;
}

static void tear_down(struct setting *s)
{
	pmu_drain_free(s->drain);
	for (int i = 0; i < s->count; i++)
		free_fake_ring(&s->rings[i]);
	close(s->file);
}

/* A LOST_SAMPLES record of 32 bytes with the number, the time and the CPU of what was dropped. */
#define LOSS_BYTES 32
static void set_loss(struct setting *s)
{
	struct perf_event_header header = { .type = PERF_RECORD_LOST_SAMPLES, .size = LOSS_BYTES };
	unsigned char record[LOSS_BYTES] = { 0 };

	memcpy(record, &header, sizeof(header));
	CHECK_EQ(pmu_drain_set_loss(s->drain, record, LOSS_BYTES, 16, 24, 8), 0);
}

static int64_t begin(struct setting *s)
{
	return pmu_drain_begin_pass(s->drain, s->ranges, sizeof(s->ranges));
}

/* Fills `count` records of 8 + 8 * `words` bytes into `into`: the first word, if any, numbers them from `first` on. */
static uint64_t fill(void *into, uint32_t type, int words, int count, uint64_t first)
{
	struct perf_event_header header = { .type = type, .size = (uint16_t)(8 + 8 * words) };
	unsigned char *at = into;

	for (int i = 0; i < count; i++, at += header.size) {
		uint64_t number = first + (uint64_t)i;

		memset(at, 0, header.size);
		memcpy(at, &header, sizeof(header));
		if (words > 0)
			memcpy(at + sizeof(header), &number, sizeof(number));
	}
	return (uint64_t)(at - (unsigned char *)into);
}

static void put_samples(struct fake_ring *ring, int count)
{
	static const uint64_t body[3] = { 1, 2, 3 };

	for (int i = 0; i < count; i++)
		put_record(ring, PERF_RECORD_SAMPLE, body, 3);
	publish(ring);
}

/* Ends the drain as its caller does: a last pass that gives nothing. */
static int32_t end(struct setting *s)
{
	pmu_drain_ask_to_stop(s->drain);
	CHECK_EQ(pmu_drain_wait(s->drain), 1);
	CHECK_EQ(begin(s), s->count);
	pmu_drain_end_pass(s->drain, 1);
	pmu_drain_end(s->drain);
	return pmu_drain_stop(s->drain);
}

/* The records of the file: types and first words, at most `most`; returns how many there are. */
static int read_back(const struct setting *s, uint32_t types[], uint64_t firsts[], int most)
{
	static unsigned char bytes[1 << 20];
	ssize_t size = pread(s->file, bytes, sizeof(bytes), 0);
	int count = 0;

	for (ssize_t at = 0; at < size; count++) {
		struct perf_event_header header;

		memcpy(&header, bytes + at, sizeof(header));
		if (header.size < sizeof(header)) {
			check_failed(__FILE__, __LINE__, "a record has a size");
			break;
		}
		if (count < most) {
			types[count] = header.type;
			firsts[count] = 0;
			if (header.size > sizeof(header))
				memcpy(&firsts[count], bytes + at + sizeof(header), 8);
		}
		at += header.size;
	}
	return count;
}

static void writes_what_is_given(void)
{
	struct setting s = set_up(2);
	unsigned char given[1024];
	uint32_t types[16];
	uint64_t firsts[16], length;

	put_samples(&s.rings[0], 10);
	put_samples(&s.rings[1], 3);
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	CHECK_EQ(pmu_drain_wait(s.drain), 0);
	CHECK_EQ(begin(&s), 2);
	CHECK_EQ(s.ranges[0], 0);
	CHECK_EQ(s.ranges[1], 10 * SAMPLE_BYTES);
	CHECK_EQ(s.ranges[3], 3 * SAMPLE_BYTES);
	CHECK(memcmp(pmu_drain_ring_data(s.drain, 0), s.rings[0].data, 10 * SAMPLE_BYTES) == 0);
	/* In the middle of a ring: two samples for four, then one for the other six. */
	length = fill(given, PERF_RECORD_SAMPLE, 2, 2, 100);
	CHECK_EQ(pmu_drain_give(s.drain, 0, given, length, 4 * SAMPLE_BYTES), 0);
	CHECK_EQ(tail_of(&s.rings[0]), 4 * SAMPLE_BYTES);
	length = fill(given, PERF_RECORD_COMM, 3, 1, 200);
	CHECK_EQ(pmu_drain_give(s.drain, 1, given, length, 3 * SAMPLE_BYTES), 0);
	length = fill(given, PERF_RECORD_SAMPLE, 5, 1, 300);
	CHECK_EQ(pmu_drain_give(s.drain, 0, given, length, 10 * SAMPLE_BYTES), 0);
	CHECK_EQ(tail_of(&s.rings[0]), 10 * SAMPLE_BYTES);
	CHECK_EQ(tail_of(&s.rings[1]), 3 * SAMPLE_BYTES);
	pmu_drain_end_pass(s.drain, 1);
	CHECK_EQ(end(&s), 0);
	CHECK_EQ(read_back(&s, types, firsts, 16), 5);
	CHECK_EQ(firsts[0], 100);
	CHECK_EQ(firsts[1], 101);
	CHECK_EQ(types[2], PERF_RECORD_COMM);
	CHECK_EQ(firsts[3], 300);
	CHECK_EQ(types[4], ROUND);
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_SAMPLES), 3);
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_BYTES), 2 * 24 + 48);
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_BUF), 2);
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_EMPTYBUF), 1);
	CHECK_EQ(stat_of(s.drain, 1, PMU_RING_SAMPLES), 0);
	CHECK_EQ(stat_of(s.drain, 1, PMU_RING_RECORDS), 1);
	CHECK_EQ(pmu_drain_written(s.drain), 2 * 24 + 32 + 48 + 8);
	tear_down(&s);
}

/* Positions go on where the ring begins anew, above 2^32, and the kernel gets all the space back. */
static void gives_positions_around_the_end(void)
{
	struct setting s = { .count = 1, .file = scratch_file() };
	unsigned char given[64];
	uint64_t start;

	s.rings[0] = make_fake_ring(1);
	start = s.rings[0].head = s.rings[0].control->data_tail = (UINT64_C(1) << 32) + s.rings[0].size - 40;
	s.drain = new_drain(s.file, 1);
	CHECK_EQ(pmu_drain_add(s.drain, s.rings[0].fd, 1, 0), 0);
	put_samples(&s.rings[0], 5);
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	CHECK_EQ(begin(&s), 1);
	CHECK_EQ(s.ranges[0], start);
	CHECK_EQ(s.ranges[1], start + 5 * SAMPLE_BYTES);
	/* The second record's header is the last word of the ring but one. */
	CHECK_EQ(((struct perf_event_header *)(s.rings[0].data + (start + SAMPLE_BYTES) % s.rings[0].size))->size,
		 SAMPLE_BYTES);
	for (int i = 1; i <= 5; i++) {
		uint64_t length = fill(given, PERF_RECORD_SAMPLE, 1, 1, (uint64_t)i);

		CHECK_EQ(pmu_drain_give(s.drain, 0, given, length, start + (uint64_t)i * SAMPLE_BYTES), 0);
		CHECK_EQ(tail_of(&s.rings[0]), start + (uint64_t)i * SAMPLE_BYTES);
	}
	pmu_drain_end_pass(s.drain, 1);
	CHECK_EQ(end(&s), 0);
	CHECK_EQ(find_in_file(s.file, 0).samples, 5);
	tear_down(&s);
}

/* Gives one ring's samples in pieces until there is no room; returns how many pieces there was room for. */
static int give_until_full(struct setting *s, const void *piece, uint64_t length, int32_t *last)
{
	uint64_t tail = tail_of(&s->rings[0]);
	int given = 0;

	do
		*last = pmu_drain_give(s->drain, 0, piece, length, tail + 8 * (uint64_t)(given + 1));
	while (*last == 0 && ++given < 1000);
	return given;
}

static void goes_on_in_the_same_round(void)
{
	struct setting s = set_up(1);
	static unsigned char piece[2048];
	uint64_t length = fill(piece, PERF_RECORD_SAMPLE, 31, 8, 1), tail, counted;
	int given, most = (QUEUE_LIMIT(0) - END_OF_ROUND) / (2048 + OVERHEAD);
	int32_t result;
	uint32_t types[64];
	uint64_t firsts[64];

	put_samples(&s.rings[0], 100);
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	CHECK_EQ(begin(&s), 1);
	given = give_until_full(&s, piece, length, &result);
	CHECK_EQ(result, -EAGAIN);
	CHECK_EQ(given, most);
	/* Nothing was done. */
	tail = tail_of(&s.rings[0]);
	CHECK_EQ(tail, 8 * (uint64_t)given);
	counted = stat_of(s.drain, 0, PMU_RING_SAMPLES);
	CHECK_EQ(counted, 8 * (uint64_t)given);
	CHECK_EQ(pmu_drain_give(s.drain, 0, piece, length, tail + 8), -EAGAIN);
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_SAMPLES), counted);
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_DROPBUF_SAMPLE), 0);
	CHECK_EQ(pmu_drain_written(s.drain), 0); /* the writer has not been told of anything yet */
	pmu_drain_end_pass(s.drain, 0);
	WAIT_UNTIL(pmu_drain_written(s.drain) == given * 2048);
	put_samples(&s.rings[0], 1);
	CHECK_EQ(begin(&s), 1);
	CHECK_EQ(s.ranges[0], tail);
	CHECK_EQ(s.ranges[1], 101 * SAMPLE_BYTES);
	fill(piece, PERF_RECORD_SAMPLE, 31, 8, 1000);
	CHECK_EQ(pmu_drain_give(s.drain, 0, piece, length, 101 * SAMPLE_BYTES), 0);
	pmu_drain_end_pass(s.drain, 1);
	CHECK_EQ(end(&s), 0);
	CHECK_EQ(read_back(&s, types, firsts, 64), 8 * (given + 1) + 1);
	CHECK_EQ(firsts[8 * given], 1000);
	CHECK_EQ(types[8 * (given + 1)], ROUND);
	CHECK_EQ(find_in_file(s.file, 0).rounds, 1);
	tear_down(&s);
}

/* Puts samples into a ring, and starts a pass that gives one record in place of the first. */
static void give_one_of(struct setting *s, int samples, int complete)
{
	unsigned char given[64];
	uint64_t length = fill(given, PERF_RECORD_SAMPLE, 3, 1, 1);

	put_samples(&s->rings[0], samples);
	CHECK_EQ(pmu_drain_start(s->drain), 0);
	CHECK_EQ(begin(s), 1);
	CHECK_EQ(pmu_drain_give(s->drain, 0, given, length, SAMPLE_BYTES), 0);
	pmu_drain_end_pass(s->drain, complete);
}

/* A pass that was not complete, and a next one that finds nothing more to give, make one round. */
static void ends_a_round_that_the_next_pass_only_completes(void)
{
	struct setting s = set_up(1);

	give_one_of(&s, 1, 0);
	WAIT_UNTIL(pmu_drain_written(s.drain) == SAMPLE_BYTES);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(begin(&s), 1);
		pmu_drain_end_pass(s.drain, 1);
	}
	CHECK_EQ(end(&s), 0);
	CHECK_EQ(find_in_file(s.file, 0).rounds, 1);
	CHECK_EQ(find_in_file(s.file, 0).last_type, ROUND);
	tear_down(&s);
}

static void drops_samples_when_the_queue_is_full(void)
{
	struct setting s = set_up(1);
	static unsigned char piece[2048 + 32];
	uint64_t samples = fill(piece, PERF_RECORD_SAMPLE, 31, 8, 77), length;
	uint32_t types[64];
	uint64_t firsts[64], time;
	int32_t result;
	int given;

	length = samples + fill(piece + samples, PERF_RECORD_COMM, 3, 1, 5);
	set_loss(&s);
	put_samples(&s.rings[0], 100);
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	CHECK_EQ(begin(&s), 1);
	given = (QUEUE_LIMIT(LOSS_BYTES) - END_OF_ROUND) / (int)(length + OVERHEAD);
	for (int i = 0; i <= given; i++)
		CHECK_EQ(pmu_drain_give(s.drain, 0, piece, length, 8 * (uint64_t)(i + 1)), 0);
	CHECK_EQ(tail_of(&s.rings[0]), 8 * (given + 1));
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_SAMPLES), 8 * (given + 1));
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_DROPBUF_SAMPLE), 8);
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_DROPPED_BYTES), 8 * 256);
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_DROPBUF), 1);
	/* Until the reserve is full, too. */
	give_until_full(&s, piece, length, &result);
	CHECK_EQ(result, -EAGAIN);
	pmu_drain_end_pass(s.drain, 1);
	CHECK_EQ(end(&s), 0);
	read_back(&s, types, firsts, 64);
	CHECK_EQ(types[9 * given - 1], PERF_RECORD_COMM);
	CHECK_EQ(types[9 * given], PERF_RECORD_COMM);
	CHECK_EQ(types[9 * given + 1], PERF_RECORD_LOST_SAMPLES);
	CHECK_EQ(firsts[9 * given + 1], 8);
	/* The time of the last of them. */
	time = u64_in_file(s.file, given * (int64_t)length + 32 + 16);
	CHECK_EQ(time, 77 + 7);
	CHECK_EQ(samples_written(s.drain), find_in_file(s.file, 0).samples);
	CHECK_EQ(find_in_file(s.file, 0).lost_samples, stat_of(s.drain, 0, PMU_RING_DROPBUF_SAMPLE));
	CHECK_EQ(find_in_file(s.file, 0).records - find_in_file(s.file, 0).rounds,
		 stat_of(s.drain, 0, PMU_RING_RECORDS) - stat_of(s.drain, 0, PMU_RING_DROPBUF_SAMPLE) +
			 stat_of(s.drain, 0, PMU_RING_DROPBUF));
	tear_down(&s);
}

static void drops_nothing_on_the_last_pass(void)
{
	struct setting s = set_up(1);
	static unsigned char piece[2048];
	uint64_t length = fill(piece, PERF_RECORD_SAMPLE, 31, 8, 1);
	int32_t result;
	int given;

	set_loss(&s);
	put_samples(&s.rings[0], 100);
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	pmu_drain_ask_to_stop(s.drain);
	CHECK_EQ(pmu_drain_wait(s.drain), 1);
	CHECK_EQ(begin(&s), 1);
	given = give_until_full(&s, piece, length, &result);
	CHECK_EQ(result, -EAGAIN);
	CHECK_EQ(given, (QUEUE_BYTES - END_OF_ROUND) / (2048 + OVERHEAD)); /* the reserve is used as well */
	pmu_drain_end_pass(s.drain, 0);
	WAIT_UNTIL(pmu_drain_written(s.drain) == given * 2048);
	CHECK_EQ(pmu_drain_wait(s.drain), 1);
	CHECK_EQ(begin(&s), 1);
	CHECK_EQ(pmu_drain_give(s.drain, 0, piece, length, 100 * SAMPLE_BYTES), 0);
	pmu_drain_end_pass(s.drain, 1);
	pmu_drain_end(s.drain);
	CHECK_EQ(pmu_drain_stop(s.drain), 0);
	CHECK_EQ(find_in_file(s.file, 0).samples, 8 * (given + 1));
	CHECK_EQ(find_in_file(s.file, 0).lost_samples, 0);
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_DROPBUF), 0);
	tear_down(&s);
}

/* Forks in a pass whose samples are dropped, or that is given again because there was no room, are noted once. */
static void notes_forks_once(void)
{
	struct setting s = set_up(1);
	static unsigned char full[8192], piece[8192 + 128];
	const struct perf_event_header header = { .type = PERF_RECORD_FORK, .size = 40 };
	uint64_t fork[4] = { 7 | UINT64_C(1) << 32, 0, 0, 0 }, words[64], front;

	CHECK_EQ(pmu_drain_watch(s.drain, -1, 0), 0);
	set_loss(&s);
	put_samples(&s.rings[0], 100);
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	CHECK_EQ(begin(&s), 1);
	fill(full, PERF_RECORD_COMM, 3, sizeof(full) / SAMPLE_BYTES, 1);
	CHECK_EQ(pmu_drain_give(s.drain, 0, full, sizeof(full), 8), 0);
	front = fill(piece, PERF_RECORD_SAMPLE, 3, 1, 1);
	memcpy(piece + front, &header, sizeof(header));
	memcpy(piece + front + sizeof(header), fork, sizeof(fork));
	front += header.size;
	fill(piece + front, PERF_RECORD_COMM, 0, (int)(sizeof(piece) - front) / 8, 1);
	for (int i = 0; i < 3; i++) /* not even without its sample */
		CHECK_EQ(pmu_drain_give(s.drain, 0, piece, sizeof(piece), 16), -EAGAIN);
	CHECK_EQ(pmu_drain_seen(s.drain, words, sizeof(words)), 0);
	CHECK_EQ(pmu_drain_give(s.drain, 0, piece, front, 16), 0);
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_DROPBUF_SAMPLE), 1);
	pmu_drain_end_pass(s.drain, 1);
	CHECK_EQ(pmu_drain_seen(s.drain, words, sizeof(words)), 48);
	CHECK_EQ(words[2] & 0xffffffff, 7);
	CHECK_EQ(end(&s), 0);
	tear_down(&s);
}

static void refuses_a_broken_ring(void)
{
	struct setting s = set_up(2);
	unsigned char given[64];
	uint64_t length = fill(given, PERF_RECORD_SAMPLE, 3, 1, 1);

	for (int i = 0; i < 2; i++)
		put_samples(&s.rings[i], 4);
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	CHECK_EQ(begin(&s), 2);
	CHECK_EQ(pmu_drain_give(s.drain, 1, given, length, SAMPLE_BYTES), 0);
	CHECK_EQ(pmu_drain_refuse(s.drain, 1), 0);
	CHECK_EQ(pmu_drain_refuse(s.drain, 2), -EINVAL);
	CHECK_EQ(pmu_drain_error(s.drain), -EBADMSG);
	CHECK_EQ(pmu_drain_give(s.drain, 0, given, length, 4 * SAMPLE_BYTES), 0);
	pmu_drain_end_pass(s.drain, 1);
	put_samples(&s.rings[0], 4);
	CHECK_EQ(begin(&s), 2);
	CHECK_EQ(s.ranges[1], 8 * SAMPLE_BYTES);
	CHECK_EQ(s.ranges[2], SAMPLE_BYTES);
	CHECK_EQ(s.ranges[3], SAMPLE_BYTES);
	/* What had been read before may still be given. */
	CHECK_EQ(pmu_drain_give(s.drain, 1, given, length, 2 * SAMPLE_BYTES), 0);
	CHECK_EQ(pmu_drain_give(s.drain, 0, given, length, 8 * SAMPLE_BYTES), 0);
	pmu_drain_end_pass(s.drain, 1);
	CHECK_EQ(end(&s), -EBADMSG);
	CHECK_EQ(tail_of(&s.rings[1]), 2 * SAMPLE_BYTES);
	CHECK_EQ(find_in_file(s.file, 0).samples, 4);
	CHECK(find_in_file(s.file, 0).whole);
	tear_down(&s);
}

static void cuts_what_is_no_record(void)
{
	static const uint16_t sizes[] = { 0, 7, 12, 48, 4096 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct setting s = set_up(1);
		unsigned char given[128];
		uint64_t length = fill(given, PERF_RECORD_SAMPLE, 3, 3, 1);

		((struct perf_event_header *)(given + SAMPLE_BYTES * 2))->size = sizes[i];
		put_samples(&s.rings[0], 3);
		CHECK_EQ(pmu_drain_start(s.drain), 0);
		CHECK_EQ(begin(&s), 1);
		CHECK_EQ(pmu_drain_give(s.drain, 0, given, length, 3 * SAMPLE_BYTES), 0);
		pmu_drain_end_pass(s.drain, 1);
		CHECK_EQ(end(&s), -EBADMSG);
		CHECK_EQ(find_in_file(s.file, 0).samples, 2);
		CHECK_EQ(stat_of(s.drain, 0, PMU_RING_SAMPLES), 2);
		tear_down(&s);
	}
}

/* A ring whose control page cannot be has no records. */
static void finds_nothing_where_the_head_cannot_be(void)
{
	struct setting s = set_up(1);

	s.rings[0].head = s.rings[0].size + 8;
	publish(&s.rings[0]);
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	CHECK_EQ(begin(&s), 1);
	CHECK_EQ(s.ranges[0], s.ranges[1]);
	pmu_drain_end_pass(s.drain, 1);
	CHECK_EQ(end(&s), -EBADMSG);
	CHECK_EQ(tail_of(&s.rings[0]), 0);
	CHECK_EQ(pmu_drain_written(s.drain), 0);
	tear_down(&s);
}

static void *wait_once(void *drain)
{
	return (void *)(intptr_t)pmu_drain_wait(drain);
}

static void wakes_to_stop(void)
{
	int file = scratch_file();
	int64_t started = pmu_clock_ns(CLOCK_MONOTONIC);
	void *drain = new_drain(file, 60000), *result = NULL;
	pthread_t waiter;

	CHECK_EQ(pmu_drain_start(drain), 0);
	CHECK_EQ(pthread_create(&waiter, NULL, wait_once, drain), 0);
	pmu_drain_ask_to_stop(drain);
	pthread_join(waiter, &result);
	CHECK_EQ((intptr_t)result, 1);
	CHECK(pmu_clock_ns(CLOCK_MONOTONIC) - started < 30000000000);
	pmu_drain_end(drain);
	pmu_drain_end(drain); /* once more does nothing */
	CHECK_EQ(pmu_drain_stop(drain), 0);
	CHECK_EQ(pmu_drain_stop(drain), 0);
	pmu_drain_free(drain);
	close(file);
}

static void frees_without_an_end(void)
{
	struct setting s = set_up(1);

	give_one_of(&s, 2, 1);
	pmu_drain_free(s.drain);
	CHECK_EQ(find_in_file(s.file, 0).samples, 1);
	s.drain = NULL;
	tear_down(&s);
}

/* The output accepts nothing, and the queue is full: after an abort, the rest is taken and counted. */
static void ends_after_an_abort(void)
{
	struct setting s = set_up(1);
	static unsigned char piece[2048];
	uint64_t length = fill(piece, PERF_RECORD_SAMPLE, 31, 8, 1), given = 0;
	int pipe[2];
	int32_t result;

	CHECK_EQ(pmu_pipe(pipe), 0);
	CHECK(fcntl(pipe[1], F_SETPIPE_SZ, 4096) >= 0);
	pmu_drain_free(s.drain);
	s.drain = new_drain(pipe[1], 1);
	CHECK_EQ(pmu_drain_add(s.drain, s.rings[0].fd, 1, 0), 0);
	put_samples(&s.rings[0], 100);
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	CHECK_EQ(begin(&s), 1);
	given = (uint64_t)give_until_full(&s, piece, length, &result);
	CHECK_EQ(result, -EAGAIN);
	pmu_drain_end_pass(s.drain, 0); /* more than the pipe takes */
	pmu_drain_ask_to_stop(s.drain);
	CHECK_EQ(pmu_drain_wait(s.drain), 1);
	CHECK_EQ(begin(&s), 1);
	given += (uint64_t)give_until_full(&s, piece, length, &result);
	CHECK_EQ(result, -EAGAIN);
	pmu_drain_end_pass(s.drain, 0);
	pmu_drain_abort(s.drain);
	do {
		CHECK_EQ(pmu_drain_wait(s.drain), 1);
		CHECK_EQ(begin(&s), 1);
		result = pmu_drain_give(s.drain, 0, piece, length, s.ranges[1]);
		pmu_drain_end_pass(s.drain, result == 0);
	} while (result == -EAGAIN);
	pmu_drain_end(s.drain);
	CHECK_EQ(pmu_drain_stop(s.drain), -ECANCELED);
	CHECK_EQ(stat_of(s.drain, 0, PMU_RING_SAMPLES), 8 * (given + 1));
	CHECK(stat_of(s.drain, 0, PMU_RING_DROPBUF_SAMPLE) > 0);
	CHECK(samples_written(s.drain) * 256 <= (uint64_t)pmu_drain_written(s.drain));
	tear_down(&s);
	close(pipe[0]);
	close(pipe[1]);
}

/* The second drain has mapped the ring before the first takes from it. */
static void takes_up_where_another_stopped(void)
{
	struct setting s[2] = { set_up(1), { .count = 1, .file = scratch_file() } };
	unsigned char given[64];
	uint64_t length = fill(given, PERF_RECORD_SAMPLE, 3, 1, 1);

	s[1].rings[0] = s[0].rings[0];
	s[1].drain = new_drain(s[1].file, 1);
	CHECK_EQ(pmu_drain_add(s[1].drain, s[1].rings[0].fd, 1, 0), 0);
	put_samples(&s[0].rings[0], 3);
	CHECK_EQ(pmu_drain_start(s[0].drain), 0);
	CHECK_EQ(begin(&s[0]), 1);
	CHECK_EQ(pmu_drain_give(s[0].drain, 0, given, length, 2 * SAMPLE_BYTES), 0);
	pmu_drain_end_pass(s[0].drain, 1);
	CHECK_EQ(end(&s[0]), 0);
	CHECK_EQ(pmu_drain_start(s[1].drain), 0);
	CHECK_EQ(begin(&s[1]), 1);
	CHECK_EQ(s[1].ranges[0], 2 * SAMPLE_BYTES);
	CHECK_EQ(s[1].ranges[1], 3 * SAMPLE_BYTES);
	CHECK_EQ(pmu_drain_give(s[1].drain, 0, given, length, 3 * SAMPLE_BYTES), 0);
	pmu_drain_end_pass(s[1].drain, 1);
	CHECK_EQ(end(&s[1]), 0);
	CHECK_EQ(find_in_file(s[1].file, 0).samples, 1);
	pmu_drain_free(s[1].drain);
	close(s[1].file);
	tear_down(&s[0]);
}

/* The priority of this process, and of a thread that it had before. */
static void *nice_of_thread(void *told)
{
	int *fds = told;
	int32_t id = (int32_t)syscall(SYS_gettid);
	char end;

	pmu_write(fds[1], &id, sizeof(id));
	return pmu_read(fds[2], &end, 1) == 1 ? NULL : told;
}

static void has_priority_until_it_stops(void)
{
	struct setting s = set_up(1);
	int before = getpriority(PRIO_PROCESS, 0), ids[2], ends[2], fds[3];
	pthread_t thread;
	int32_t id = 0, result;

	CHECK_EQ(pmu_pipe(ids), 0);
	CHECK_EQ(pmu_pipe(ends), 0);
	fds[1] = ids[1];
	fds[2] = ends[0];
	CHECK_EQ(pthread_create(&thread, NULL, nice_of_thread, fds), 0);
	CHECK_EQ(pmu_read(ids[0], &id, sizeof(id)), sizeof(id));
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	result = pmu_drain_raise_priority(s.drain);
	CHECK(result == 0 || result == -EACCES || result == -EPERM);
	if (result == 0 && before > -10) {
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), -10);
		CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)id), -10);
		CHECK_EQ(pmu_drain_raise_priority(s.drain), -EALREADY);
	}
	CHECK_EQ(end(&s), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), before);
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)id), before);
	CHECK_EQ(pmu_write(ends[1], "", 1), 1);
	pthread_join(thread, NULL);
	tear_down(&s);
	for (int i = 0; i < 2; i++) {
		close(ids[i]);
		close(ends[i]);
	}
}

static void keeps_its_protocol(void)
{
	struct setting s = set_up(1);
	unsigned char given[64];
	uint64_t length = fill(given, PERF_RECORD_SAMPLE, 3, 1, 1);
	int32_t error = 0;
	void *other;

	CHECK_EQ(begin(&s), -EINVAL); /* not started yet */
	CHECK(pmu_drain_ring_data(s.drain, 1) == NULL);
	put_samples(&s.rings[0], 2);
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	CHECK_EQ(pmu_drain_begin_pass(s.drain, s.ranges, 15), -ENOSPC);
	CHECK_EQ(pmu_drain_begin_pass(s.drain, s.ranges, 16), 1);
	CHECK_EQ(pmu_drain_give(s.drain, 1, given, length, SAMPLE_BYTES), -EINVAL);
	CHECK_EQ(pmu_drain_give(s.drain, 0, given, length, 2 * SAMPLE_BYTES + 8), -EINVAL);
	CHECK_EQ(pmu_drain_give(s.drain, 0, given, length, SAMPLE_BYTES), 0);
	CHECK_EQ(pmu_drain_give(s.drain, 0, given, length, SAMPLE_BYTES - 8), -EINVAL); /* backward */
	CHECK_EQ(pmu_drain_give(s.drain, 0, given, 0, 2 * SAMPLE_BYTES), 0);            /* nothing in its place */
	pmu_drain_end_pass(s.drain, 1);
	CHECK_EQ(end(&s), 0);
	CHECK_EQ(begin(&s), -EINVAL); /* not running any more */
	CHECK_EQ(find_in_file(s.file, 0).samples, 1);
	other = pmu_drain_new(s.file, -1, 0, &error);
	CHECK_EQ(pmu_drain_start(other), 0);
	CHECK_EQ(pmu_drain_begin_pass(other, s.ranges, sizeof(s.ranges)), -EINVAL); /* its thread does */
	pmu_drain_free(other);
	tear_down(&s);
}

int main(void)
{
	static const struct test tests[] = {
		{ "a drain writes what its caller gives, in place of a ring's records", writes_what_is_given, false },
		{ "positions go on around the end of a ring, and above 2^32", gives_positions_around_the_end, false },
		{ "a pass without room goes on with the next, in the same round", goes_on_in_the_same_round, false },
		{ "a pass that only completes the one before ends its round",
		  ends_a_round_that_the_next_pass_only_completes, false },
		{ "samples are dropped, counted and told of when the queue is full",
		  drops_samples_when_the_queue_is_full, false },
		{ "nothing is dropped on the last pass", drops_nothing_on_the_last_pass, false },
		{ "what is given again for lack of room is noted once", notes_forks_once, false },
		{ "a ring that its caller refuses is not read any more, and others are", refuses_a_broken_ring, false },
		{ "what is given and is no record is cut off", cuts_what_is_no_record, false },
		{ "a ring whose head cannot be has no records", finds_nothing_where_the_head_cannot_be, false },
		{ "a caller that waits wakes to stop", wakes_to_stop, false },
		{ "a drain is freed though its caller has not ended it", frees_without_an_end, false },
		{ "a caller ends after an abort, though the output accepts nothing", ends_after_an_abort, false },
		{ "a caller takes a ring up where another has stopped", takes_up_where_another_stopped, false },
		{ "a drain by its caller raises its priority until it stops, as far as this user may",
		  has_priority_until_it_stops, false },
		{ "a drain by its caller refuses calls out of order", keeps_its_protocol, false },
	};

	return RUN_TESTS(tests);
}
