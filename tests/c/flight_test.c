/* The flight recorder: on rings made by hand, written downward as the kernel does, and on the kernel's own. */
#define _GNU_SOURCE
#include "drain_helpers.h"
#include "harness.h"
#include "perf_helpers.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static uint64_t flight_stat(void *flight, int ring, enum pmu_flight_field field)
{
	uint64_t words[4 * PMU_FLIGHT_FIELDS] = { 0 };

	pmu_flight_stats(flight, words, sizeof(words));
	return words[ring * PMU_FLIGHT_FIELDS + field];
}

/* A record of three words, the first of them `number`, in front of what is there; seen at once. */
static void put_backward(struct fake_ring *ring, uint32_t type, uint64_t number)
{
	struct perf_event_header header = { .type = type, .size = 32 };
	uint64_t words[4] = { 0, number, number, number };

	memcpy(words, &header, sizeof(header));
	for (int i = 3; i >= 0; i--) {
		ring->head -= 8;
		memcpy(ring->data + (ring->head & (ring->size - 1)), &words[i], 8);
	}
	publish(ring);
}

static void *flight_of(struct fake_ring *ring, int32_t cpu)
{
	void *flight = pmu_flight_new();

	CHECK_EQ(pmu_flight_add(flight, ring->fd, (uint32_t)(ring->size / (uint64_t)sysconf(_SC_PAGESIZE)), cpu), 0);
	return flight;
}

/* Takes and writes; the numbers of the records in the file have to be [first, last]. */
static void check_take(void *flight, uint64_t first, uint64_t last)
{
	int file = scratch_file();
	uint64_t written = 0, number;

	CHECK_EQ(pmu_flight_take(flight), 0);
	CHECK_EQ(pmu_flight_write(flight, file, 0, &written), 0);
	CHECK_EQ(written, 32 * (last + 1 - first));
	for (uint64_t i = 0; first + i <= last; i++) {
		CHECK_EQ(pread(file, &number, 8, (off_t)(32 * i + 8)), 8);
		CHECK_EQ(number, first + i);
	}
	CHECK_EQ(pmu_seek(file, 0, 1), written);
	close(file);
}

static void takes_oldest_first_and_once(void)
{
	struct fake_ring ring = make_fake_ring(1);
	void *flight = flight_of(&ring, 7);

	check_take(flight, 1, 0); /* nothing yet */
	for (uint64_t i = 1; i <= 5; i++)
		put_backward(&ring, PERF_RECORD_SAMPLE, i);
	check_take(flight, 1, 5);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_CPU), 7);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_SAMPLES), 5);
	check_take(flight, 1, 0); /* they have been taken */
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_SAMPLES), 0);
	put_backward(&ring, PERF_RECORD_LOST, 6); /* id 6, and 6 lost */
	put_backward(&ring, PERF_RECORD_LOST_SAMPLES, 7);
	put_backward(&ring, PERF_RECORD_THROTTLE, 8);
	put_backward(&ring, 4711, 9); /* of some later kernel */
	check_take(flight, 6, 9);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_RECORDS), 4);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_LOST), 6);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_LOST_SAMPLES), 7);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_THROTTLE), 1);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_OVERWRITTEN_BYTES), 0);
	pmu_flight_free(flight);
	free_fake_ring(&ring);
}

static void leaves_out_what_was_overwritten(void)
{
	struct fake_ring ring = make_fake_ring(1);
	uint64_t room = ring.size / 32;
	void *flight;

	/* A ring is rarely a whole number of records: here the oldest one is cut. */
	ring.head = -8;
	publish(&ring);
	flight = flight_of(&ring, 0);
	for (uint64_t i = 1; i <= 3 * room; i++)
		put_backward(&ring, PERF_RECORD_SAMPLE, i);
	check_take(flight, 2 * room + 1, 3 * room);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_SAMPLES), room);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_OVERWRITTEN_BYTES), 8 + 2 * room * 32);
	/* Records of another size in front: the one that is cut now must not be taken. */
	for (int word = 0; word < 2; word++) {
		struct perf_event_header header = { .type = PERF_RECORD_SAMPLE, .size = 16 };

		ring.head -= 16;
		memcpy(ring.data + (ring.head & (ring.size - 1)), &header, sizeof(header));
		publish(&ring);
	}
	for (uint64_t i = 1; i <= room - 1; i++)
		put_backward(&ring, PERF_RECORD_SAMPLE, i);
	ring.head -= 8 + 16;
	memcpy(ring.data + (ring.head & (ring.size - 1)),
	       &(struct perf_event_header){ .type = PERF_RECORD_SAMPLE, .size = 24 }, 8);
	publish(&ring);
	CHECK_EQ(pmu_flight_take(flight), 0);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_BYTES), (room - 1) * 32 + 24);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_OVERWRITTEN_BYTES), 32);
	pmu_flight_free(flight);
	free_fake_ring(&ring);
}

static void stops_at_a_header_that_cannot_be(void)
{
	struct fake_ring ring = make_fake_ring(1);
	void *flight = flight_of(&ring, 0);

	put_backward(&ring, PERF_RECORD_SAMPLE, 1);
	memset(ring.data + (ring.head & (ring.size - 1)), 0, 8);
	put_backward(&ring, PERF_RECORD_SAMPLE, 2);
	check_take(flight, 2, 2);
	pmu_flight_free(flight);
	free_fake_ring(&ring);
}

/* Ten samples of 32 bytes, and a file that may not grow beyond `limit` bytes, of which `spare` are to stay. */
static void check_cut(uint64_t limit, uint32_t spare, uint64_t samples)
{
	struct fake_ring ring = make_fake_ring(1);
	struct rlimit old, small = { limit, RLIM_INFINITY };
	void *flight = flight_of(&ring, 0);
	int file = scratch_file();
	uint64_t written;

	for (uint64_t i = 1; i <= 10; i++)
		put_backward(&ring, PERF_RECORD_SAMPLE, i);
	CHECK_EQ(pmu_flight_take(flight), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	CHECK_EQ(pmu_flight_write(flight, file, spare, &written), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK_EQ(written, 32 * samples);
	CHECK_EQ(pmu_seek(file, 0, 1), 32 * samples);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_DROPPED_SAMPLES), 10 - samples);
	pmu_flight_free(flight);
	free_fake_ring(&ring);
	close(file);
}

static void counts_what_could_not_be_written(void)
{
	check_cut(100, 0, 3);
	check_cut(228, 100, 4);
	check_cut(420 - 1, 100, 9); /* of the spare alone a byte is missing */
	check_cut(60, 100, 0);
}

/* page-faults into a ring that the kernel overwrites: the newest are taken, and the bytes add up. */
static void reads_the_kernels_ring(void)
{
	struct perf_event_attr attr = software_attr(PERF_COUNT_SW_PAGE_FAULTS, 1);
	void *flight = pmu_flight_new();
	int file = scratch_file();
	uint64_t written, size = 0;
	struct perf_event_header header;
	int32_t fd;

	attr.write_backward = 1;
	fd = pmu_open(&attr, 0, -1, -1, 0);
	REQUIRE(fd >= 0);
	CHECK_EQ(pmu_flight_add(flight, fd, 1, -1), 0);
	CHECK_EQ(pmu_enable(fd, 0), 0);
	touch_pages(1000);
	CHECK_EQ(pmu_disable(fd, 0), 0);
	CHECK_EQ(pmu_flight_take(flight), 0);
	CHECK_EQ(pmu_flight_write(flight, file, 0, &written), 0);
	CHECK(find_in_file(file, 0).whole);
	CHECK_EQ(find_in_file(file, 0).samples, flight_stat(flight, 0, PMU_FLIGHT_SAMPLES));
	CHECK_EQ(pread(file, &header, sizeof(header), 0), sizeof(header));
	size = header.size;
	CHECK_EQ(written, (uint64_t)sysconf(_SC_PAGESIZE) / size * size);
	CHECK_EQ(written + flight_stat(flight, 0, PMU_FLIGHT_OVERWRITTEN_BYTES), count_of(fd) * size);
	/* Paused and resumed: it goes on recording. */
	CHECK_EQ(pmu_enable(fd, 0), 0);
	touch_pages(3);
	CHECK_EQ(pmu_disable(fd, 0), 0);
	CHECK_EQ(pmu_flight_take(flight), 0);
	CHECK(flight_stat(flight, 0, PMU_FLIGHT_SAMPLES) >= 3);
	CHECK_EQ(flight_stat(flight, 0, PMU_FLIGHT_OVERWRITTEN_BYTES), 0);
	pmu_flight_free(flight);
	pmu_close(fd);
	close(file);
}

static void keeps_its_protocol(void)
{
	struct fake_ring ring = make_fake_ring(1);
	void *flight = pmu_flight_new();

	CHECK_EQ(pmu_flight_add(flight, ring.fd, 3, 0), -EINVAL);
	CHECK_EQ(pmu_flight_add(flight, -1, 1, 0), -EBADF);
	CHECK_EQ(pmu_flight_take(flight), 0); /* no rings, nothing to do */
	pmu_flight_free(flight);
	pmu_flight_free(NULL);
	free_fake_ring(&ring);
}

int main(void)
{
	static const struct test tests[] = {
		{ "a flight recorder takes records oldest first, and once", takes_oldest_first_and_once, false },
		{ "a flight recorder leaves out what was overwritten, and counts its bytes",
		  leaves_out_what_was_overwritten, false },
		{ "a flight recorder stops at a header that cannot be", stops_at_a_header_that_cannot_be, false },
		{ "a flight recorder counts what could not be written", counts_what_could_not_be_written, false },
		{ "a flight recorder reads a ring of the kernel's, again and again", reads_the_kernels_ring, true },
		{ "a flight recorder refuses what cannot be mapped", keeps_its_protocol, false },
	};

	return RUN_TESTS(tests);
}
