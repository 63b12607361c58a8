/* The drain on rings made by hand: every record type it counts, broken headers, cut writes, rounds. */
#define _GNU_SOURCE
#include "drain_helpers.h"
#include "harness.h"
#include "perf_helpers.h"

#include <errno.h>
#include <sys/resource.h>

static void *drain_of(struct fake_ring *rings, int count, int out_fd, uint32_t flags)
{
	int32_t error = 0;
	void *drain = pmu_drain_new(out_fd, -1, flags, &error);

	CHECK_EQ(error, 0);
	pmu_drain_set_interval(drain, 1);
	for (int i = 0; i < count; i++)
		CHECK_EQ(pmu_drain_add(drain, rings[i].fd, (uint32_t)(rings[i].size / (uint64_t)sysconf(_SC_PAGESIZE)),
				       i),
			 i);
	return drain;
}

static void put_samples(struct fake_ring *ring, int count)
{
	static const uint64_t body[3] = { 1, 2, 3 };

	for (int i = 0; i < count; i++)
		put_record(ring, PERF_RECORD_SAMPLE, body, 3);
}

static void counts_by_type(void)
{
	struct fake_ring ring = make_fake_ring(1);
	static const uint64_t lost[2] = { 99, 5 }, body[3] = { 17, 0, 0 };
	int file = scratch_file();
	void *drain;

	/* Start so that a PERF_RECORD_LOST has its header at the end of the ring and its count at the start. */
	ring.head = ring.control->data_tail = 3 * ring.size - 8;
	drain = drain_of(&ring, 1, file, 0);
	put_record(&ring, PERF_RECORD_LOST, lost, 2);
	put_record(&ring, PERF_RECORD_LOST_SAMPLES, body, 1);
	put_record(&ring, PERF_RECORD_LOST, lost, 2);
	put_record(&ring, PERF_RECORD_THROTTLE, body, 3);
	put_record(&ring, PERF_RECORD_THROTTLE, body, 3);
	put_record(&ring, PERF_RECORD_UNTHROTTLE, body, 3);
	put_record(&ring, 4711, body, 3); /* of some later kernel */
	put_samples(&ring, 2);
	publish(&ring);
	pmu_drain_start(drain);
	CHECK_EQ(pmu_drain_stop(drain), 0);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_LOST), 10);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_LOST_SAMPLES), 17);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_THROTTLE), 2);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_UNTHROTTLE), 1);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_SAMPLES), 2);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_RECORDS), 9);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_BYTES), 256);
	CHECK_EQ(tail_of(&ring), ring.head);
	CHECK_EQ(find_in_file(file, 0).lost, 10);
	CHECK_EQ(find_in_file(file, 0).samples, 2);
	pmu_drain_free(drain);
	free_fake_ring(&ring);
	close(file);
}

/* Two rings; the second breaks behind two samples at a header of `size`. */
static void check_broken(uint16_t size)
{
	struct fake_ring rings[2] = { make_fake_ring(1), make_fake_ring(1) };
	int file = scratch_file();
	void *drain = drain_of(rings, 2, file, 0);
	uint64_t good;

	put_samples(&rings[1], 2);
	good = rings[1].head;
	put_header(&rings[1], PERF_RECORD_SAMPLE, size);
	put_samples(&rings[1], 1); /* so that there are bytes for the broken record to take */
	publish(&rings[1]);
	pmu_drain_start(drain);
	WAIT_UNTIL(pmu_drain_error(drain) == -EBADMSG);
	put_samples(&rings[0], 3);
	publish(&rings[0]);
	put_samples(&rings[1], 3);
	publish(&rings[1]);
	CHECK_EQ(pmu_drain_stop(drain), -EBADMSG);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_SAMPLES), 3);
	CHECK_EQ(stat_of(drain, 1, PMU_RING_SAMPLES), 2);
	CHECK_EQ(tail_of(&rings[0]), rings[0].head);
	CHECK_EQ(tail_of(&rings[1]), good);
	CHECK(find_in_file(file, 0).whole);
	CHECK_EQ(find_in_file(file, 0).samples, 5);
	pmu_drain_free(drain);
	for (int i = 0; i < 2; i++)
		free_fake_ring(&rings[i]);
	close(file);
}

static void stops_at_broken_headers(void)
{
	check_broken(0);
	check_broken(7);
	check_broken(12);   /* not a multiple of 8 */
	check_broken(48);   /* beyond the head */
	check_broken(4096); /* as large as the ring */
}

static void stops_when_the_head_cannot_be(void)
{
	struct fake_ring ring = make_fake_ring(1);
	int file = scratch_file();
	void *drain = drain_of(&ring, 1, file, 0);

	ring.head = ring.size + 8; /* more than the ring holds */
	publish(&ring);
	pmu_drain_start(drain);
	CHECK_EQ(pmu_drain_stop(drain), -EBADMSG);
	CHECK_EQ(pmu_drain_written(drain), 0);
	CHECK_EQ(tail_of(&ring), 0);
	pmu_drain_free(drain);
	free_fake_ring(&ring);
	close(file);
}

static void ends_passes_with_a_round(void)
{
	for (int rounds = 0; rounds < 2; rounds++) {
		struct fake_ring rings[3] = { make_fake_ring(1), make_fake_ring(1), make_fake_ring(1) };
		int file = scratch_file();
		void *drain = drain_of(rings, 3, file, rounds ? 0 : PMU_DRAIN_NO_ROUNDS);
		struct found found;

		pmu_drain_start(drain);
		for (int pass = 1; pass <= 5; pass++) {
			put_samples(&rings[pass % 3], 1);
			publish(&rings[pass % 3]);
			WAIT_UNTIL(samples_written(drain) == (uint64_t)pass);
		}
		CHECK_EQ(pmu_drain_stop(drain), 0);
		found = find_in_file(file, 0);
		CHECK(found.whole);
		CHECK_EQ(found.samples, 5);
		CHECK_EQ(found.rounds, rounds ? 5 : 0); /* none for passes that found nothing */
		CHECK_EQ(found.last_type, rounds ? 68 : PERF_RECORD_SAMPLE);
		pmu_drain_free(drain);
		for (int i = 0; i < 3; i++)
			free_fake_ring(&rings[i]);
		close(file);
	}
}

/* More rings than one writev takes, and more bytes than a batch, all of them wrapped. */
static void writes_many_rings_at_once(void)
{
	enum { RINGS = 700 };
	static struct fake_ring rings[RINGS];
	int file = scratch_file();
	struct found found;
	void *drain;

	for (int i = 0; i < RINGS; i++) {
		rings[i] = make_fake_ring(1);
		rings[i].head = rings[i].control->data_tail = rings[i].size - 16;
		put_samples(&rings[i], 100);
		publish(&rings[i]);
	}
	drain = drain_of(rings, RINGS, file, 0);
	pmu_drain_start(drain);
	CHECK_EQ(pmu_drain_stop(drain), 0);
	found = find_in_file(file, 0);
	CHECK(found.whole);
	CHECK_EQ(found.samples, RINGS * 100);
	CHECK_EQ(found.rounds, 1);
	for (int i = 0; i < RINGS; i++)
		CHECK_EQ(tail_of(&rings[i]), rings[i].head);
	pmu_drain_free(drain);
	for (int i = 0; i < RINGS; i++)
		free_fake_ring(&rings[i]);
	close(file);
}

/*
 * Three rings of ten samples (32 bytes each), and a file that may not grow beyond `limit` bytes, of which `spare` are
 * to stay behind the samples.
 */
static void check_cut(uint64_t limit, uint32_t spare, const uint64_t dropped[3], uint64_t written)
{
	struct fake_ring rings[3] = { make_fake_ring(1), make_fake_ring(1), make_fake_ring(1) };
	struct rlimit old, small = { limit, RLIM_INFINITY };
	int file = scratch_file();
	void *drain = drain_of(rings, 3, file, 0);
	struct found found;

	for (int i = 0; i < 3; i++) {
		put_samples(&rings[i], 10);
		publish(&rings[i]);
	}
	CHECK_EQ(pmu_drain_set_spare(drain, spare), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	pmu_drain_start(drain);
	CHECK_EQ(pmu_drain_stop(drain), -EFBIG);
	/* What is written next follows the last whole record. */
	CHECK_EQ(pmu_seek(file, 0, 1), written);
	CHECK(written == 0 || pmu_seek(file, 0, 2) - (int64_t)written >= spare);
	setrlimit(RLIMIT_FSIZE, &old);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(stat_of(drain, i, PMU_RING_SAMPLES), 10);
		CHECK_EQ(stat_of(drain, i, PMU_RING_DROPBUF_SAMPLE), dropped[i]);
		CHECK_EQ(stat_of(drain, i, PMU_RING_DROPPED_BYTES), 32 * dropped[i]);
		CHECK_EQ(stat_of(drain, i, PMU_RING_DROPBUF), dropped[i] > 0);
		CHECK_EQ(tail_of(&rings[i]), rings[i].head);
	}
	CHECK_EQ(pmu_drain_written(drain), written);
	CHECK_EQ(ftruncate(file, (off_t)written), 0);
	found = find_in_file(file, 0);
	CHECK(found.whole);
	CHECK_EQ(found.samples, written / 32);
	pmu_drain_free(drain);
	for (int i = 0; i < 3; i++)
		free_fake_ring(&rings[i]);
	close(file);
}

static void settles_a_write_cut_amid_a_record(void)
{
	check_cut(330, 0, (const uint64_t[]){ 0, 10, 10 }, 320);
	check_cut(500, 0, (const uint64_t[]){ 0, 5, 10 }, 480);
	check_cut(640, 0, (const uint64_t[]){ 0, 0, 10 }, 640);
	check_cut(963, 0, (const uint64_t[]){ 0, 0, 0 }, 960); /* only the round is cut */
	check_cut(17, 0, (const uint64_t[]){ 10, 10, 10 }, 0);
}

static void keeps_the_spare_of_a_full_file(void)
{
	check_cut(330, 64, (const uint64_t[]){ 2, 10, 10 }, 256);
	check_cut(500, 512, (const uint64_t[]){ 10, 10, 10 }, 0);
	check_cut(512, 512, (const uint64_t[]){ 10, 10, 10 }, 0);
	check_cut(544, 512, (const uint64_t[]){ 9, 10, 10 }, 32);
	check_cut(968 + 63, 64, (const uint64_t[]){ 0, 0, 0 }, 960); /* of the spare alone a byte is missing */
}

/* The file is full at the second write: behind what the first has written there is the spare. */
static void keeps_the_spare_when_nothing_more_is_written(void)
{
	struct fake_ring ring = make_fake_ring(1);
	struct rlimit old, small = { 32 * 10 + 8 + 100, RLIM_INFINITY };
	int file = scratch_file();
	void *drain = drain_of(&ring, 1, file, 0);

	CHECK_EQ(pmu_drain_set_spare(drain, PMU_SPARE_MAX + 1), -EINVAL);
	CHECK_EQ(pmu_drain_set_spare(drain, 100), 0);
	CHECK_EQ(pmu_drain_set_interval(drain, 1), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	put_samples(&ring, 10);
	publish(&ring);
	pmu_drain_start(drain);
	CHECK_EQ(pmu_drain_set_spare(drain, 0), -EBUSY);
	WAIT_UNTIL(pmu_drain_written(drain) == 32 * 10 + 8);
	put_samples(&ring, 10);
	publish(&ring);
	CHECK_EQ(pmu_drain_stop(drain), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK_EQ(pmu_drain_written(drain), 32 * 10 + 8);
	CHECK_EQ(pmu_seek(file, 0, 1), 32 * 10 + 8);
	CHECK_EQ(pmu_seek(file, 0, 2), 32 * 10 + 8 + 100);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_DROPBUF_SAMPLE), 10);
	pmu_drain_free(drain);
	free_fake_ring(&ring);
	close(file);
}

/* The second drain has mapped the ring before the first empties it. */
static void takes_up_where_another_stopped(void)
{
	struct fake_ring ring = make_fake_ring(1);
	int files[2] = { scratch_file(), scratch_file() };
	void *drains[2] = { drain_of(&ring, 1, files[0], 0), drain_of(&ring, 1, files[1], 0) };

	for (int i = 0; i < 2; i++) {
		/* More than half a ring each: read from the wrong place it would be nonsense. */
		put_samples(&ring, 100 + i);
		publish(&ring);
		CHECK_EQ(pmu_drain_start(drains[i]), 0);
		CHECK_EQ(pmu_drain_stop(drains[i]), 0);
		CHECK_EQ(stat_of(drains[i], 0, PMU_RING_SAMPLES), 100 + i);
		CHECK_EQ(find_in_file(files[i], 0).samples, 100 + i);
	}
	for (int i = 0; i < 2; i++) {
		pmu_drain_free(drains[i]);
		close(files[i]);
	}
	free_fake_ring(&ring);
}

static void keeps_its_protocol(void)
{
	struct fake_ring ring = make_fake_ring(1);
	int32_t error = 0;
	int file = scratch_file();
	void *drain = drain_of(&ring, 1, file, 0);
	uint64_t words[1 + PMU_RING_FIELDS];

	CHECK_EQ(pmu_drain_set_interval(drain, 0), -EINVAL);
	CHECK_EQ(pmu_drain_stop(drain), 0); /* not started: nothing to do */
	CHECK_EQ(pmu_drain_start(drain), 0);
	CHECK_EQ(pmu_drain_start(drain), -EALREADY);
	CHECK_EQ(pmu_drain_add(drain, ring.fd, 1, 0), -EBUSY);
	CHECK_EQ(pmu_drain_set_base(drain, 1), -EBUSY);
	CHECK_EQ(pmu_drain_set_interval(drain, 5), -EBUSY);
	CHECK_EQ(pmu_drain_stats(drain, words, 0), -EINVAL);
	CHECK_EQ(pmu_drain_stats(drain, words, sizeof(words) - 1), 8);
	CHECK_EQ(pmu_drain_stats(drain, words, sizeof(words)), sizeof(words));
	CHECK_EQ(words[0], 1);
	pmu_drain_free(drain); /* stops it */
	pmu_drain_free(NULL);
	CHECK(pmu_drain_new(file, -1, ~0u, &error) == NULL);
	CHECK_EQ(error, -EINVAL);
	free_fake_ring(&ring);
	close(file);
}

static void says_when_the_size_field_cannot_be(void)
{
	int32_t error = 0;
	int pipe[2];
	void *drain;

	CHECK_EQ(pmu_pipe(pipe), 0);
	drain = pmu_drain_new(pipe[1], 0, 0, &error);
	pmu_drain_start(drain);
	CHECK_EQ(pmu_drain_stop(drain), -ESPIPE);
	pmu_drain_free(drain);
	close(pipe[0]);
	close(pipe[1]);
}

int main(void)
{
	static const struct test tests[] = {
		{ "a drain counts records by their type, around the end of a ring", counts_by_type, false },
		{ "a drain stops a ring at a broken header, and only that ring", stops_at_broken_headers, false },
		{ "a drain stops a ring whose head cannot be", stops_when_the_head_cannot_be, false },
		{ "a pass that found records ends with a round, unless told not to", ends_passes_with_a_round, false },
		{ "a pass takes more rings than one writev", writes_many_rings_at_once, false },
		{ "a write cut amid a record leaves whole records and an exact ledger",
		  settles_a_write_cut_amid_a_record, false },
		{ "a full file keeps its spare bytes behind the records", keeps_the_spare_of_a_full_file, false },
		{ "a full file has its spare bytes when nothing more can be written",
		  keeps_the_spare_when_nothing_more_is_written, false },
		{ "a drain takes a ring up where another has stopped", takes_up_where_another_stopped, false },
		{ "a drain refuses calls that come too late", keeps_its_protocol, false },
		{ "a size field in a pipe is an error", says_when_the_size_field_cannot_be, false },
	};

	return RUN_TESTS(tests);
}
