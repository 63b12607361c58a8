/* The drain on real rings: what the event counted, the file holds, or the ledger says was lost. */
#define _GNU_SOURCE
#include "drain_helpers.h"
#include "harness.h"
#include "perf_helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

/* Where the tests' files keep their size field, and where the data starts. */
#define SIZE_AT 8
#define DATA_AT 64
/* Of one page fault's sample: header, IP, TID, TIME, CPU. */
#define SAMPLE_BYTES 40
/* A ring this large takes the faults of a test though no one drains it, with TSan's own faults, too. */
#define ROOMY 64

/* A scratch file with room for a header, positioned behind it. */
static int data_file(void)
{
	static const char header[DATA_AT];
	int fd = scratch_file();

	pmu_write(fd, header, sizeof(header));
	return fd;
}

static void *new_drain(int out_fd, int64_t size_field_at, int interval_ms)
{
	int32_t error = 0;
	void *drain = pmu_drain_new(out_fd, size_field_at, 0, &error);

	CHECK_EQ(error, 0);
	CHECK_EQ(pmu_drain_set_interval(drain, interval_ms), 0);
	return drain;
}

static void writes_every_sample(void)
{
	int32_t event = open_faults(0, -1, false);
	int file = data_file();
	void *drain = new_drain(file, SIZE_AT, 250);
	struct found found;
	uint64_t count;

	REQUIRE(event >= 0);
	pmu_drain_set_base(drain, 1000);
	CHECK_EQ(pmu_drain_add(drain, event, ROOMY, 7), 0);
	CHECK_EQ(pmu_drain_start(drain), 0);
	pmu_enable(event, 0);
	touch_pages(1000);
	pmu_disable(event, 0);
	CHECK_EQ(pmu_drain_stop(drain), 0);
	count = count_of(event);
	found = find_in_file(file, DATA_AT);
	CHECK(count >= 1000);
	CHECK(found.whole);
	CHECK_EQ(found.samples, count);
	CHECK_EQ(found.lost, 0);
	CHECK_EQ(found.last_type, 68);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_CPU), 7);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_SAMPLES), count);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_RECORDS), found.records - found.rounds);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_BUF), found.rounds);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_DROPPED_BYTES), 0);
	CHECK_EQ(pmu_drain_written(drain), 1000 + stat_of(drain, 0, PMU_RING_BYTES) + 8 * found.rounds);
	CHECK_EQ(pmu_seek(file, 0, 1), DATA_AT + pmu_drain_written(drain) - 1000);
	CHECK_EQ(u64_in_file(file, SIZE_AT), pmu_drain_written(drain));
	pmu_drain_free(drain);
	pmu_close(event);
	close(file);
}

static void keeps_up_with_a_busy_loop(void)
{
	struct perf_event_attr attr = software_attr(PERF_COUNT_SW_CPU_CLOCK, 50000); /* ns: 20 kHz */
	int32_t event = pmu_open(&attr, 0, -1, -1, 0);
	int file = scratch_file();
	void *drain = new_drain(file, -1, 250);
	int64_t end = pmu_clock_ns(CLOCK_MONOTONIC) + 200000000;
	struct found found;

	REQUIRE(event >= 0);
	pmu_drain_add(drain, event, ROOMY, -1);
	pmu_drain_start(drain);
	pmu_enable(event, 0);
	while (pmu_clock_ns(CLOCK_MONOTONIC) < end)
		;
	pmu_disable(event, 0);
	CHECK_EQ(pmu_drain_stop(drain), 0);
	found = find_in_file(file, 0);
	CHECK(found.whole && found.samples > 0);
	CHECK_EQ(found.samples, stat_of(drain, 0, PMU_RING_SAMPLES));
	CHECK_EQ(found.lost, stat_of(drain, 0, PMU_RING_LOST));
	CHECK_EQ(stat_of(drain, 0, PMU_RING_CPU), -1);
	pmu_drain_free(drain);
	pmu_close(event);
	close(file);
}

static void follows_a_ring_around_its_end(void)
{
	int32_t event = open_faults(0, -1, false);
	int file = scratch_file();
	void *drain = new_drain(file, -1, 1);
	uint64_t ring_bytes = 4 * (uint64_t)sysconf(_SC_PAGESIZE);
	struct found found;

	REQUIRE(event >= 0);
	/* Each time less than the ring holds (with TSan's own faults, too), five times as much in all. */
	CHECK_EQ(pmu_drain_add(drain, event, 4, 0), 0);
	pmu_drain_start(drain);
	while (stat_of(drain, 0, PMU_RING_BYTES) < 5 * ring_bytes && !checks_failed) {
		pmu_enable(event, 0);
		touch_pages(30);
		pmu_disable(event, 0);
		WAIT_UNTIL(stat_of(drain, 0, PMU_RING_SAMPLES) == count_of(event));
	}
	CHECK_EQ(pmu_drain_stop(drain), 0);
	found = find_in_file(file, 0);
	CHECK(found.whole);
	CHECK_EQ(found.samples, count_of(event));
	CHECK_EQ(found.lost, 0);
	pmu_drain_free(drain);
	pmu_close(event);
	close(file);
}

static void counts_what_a_full_ring_lost(void)
{
	int32_t event = open_faults(0, -1, false);
	int file = scratch_file();
	void *drain = new_drain(file, -1, 1);
	uint64_t holds = (uint64_t)sysconf(_SC_PAGESIZE) / SAMPLE_BYTES;
	struct found found;

	REQUIRE(event >= 0);
	CHECK_EQ(pmu_drain_add(drain, event, 1, 0), 0);
	pmu_enable(event, 0);
	touch_pages(4 * holds); /* no one drains it yet */
	pmu_disable(event, 0);
	pmu_drain_start(drain);
	WAIT_UNTIL(stat_of(drain, 0, PMU_RING_SAMPLES) > 0);
	pmu_enable(event, 0);
	touch_pages(1); /* the record that brings the PERF_RECORD_LOST with it */
	pmu_disable(event, 0);
	CHECK_EQ(pmu_drain_stop(drain), 0);
	found = find_in_file(file, 0);
	CHECK(found.whole);
	CHECK(found.lost > 2 * holds);
	CHECK_EQ(found.samples + found.lost, count_of(event));
	CHECK_EQ(stat_of(drain, 0, PMU_RING_SAMPLES), found.samples);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_LOST), found.lost);
	pmu_drain_free(drain);
	pmu_close(event);
	close(file);
}

static void drains_events_that_share_a_ring(void)
{
	struct perf_event_attr attr = software_attr(PERF_COUNT_SW_PAGE_FAULTS_MIN, 1);
	int32_t events[2] = { open_faults(0, -1, false), pmu_open(&attr, 0, -1, -1, 0) };
	int file = scratch_file();
	void *drain = new_drain(file, -1, 250);

	REQUIRE(events[0] >= 0 && events[1] >= 0);
	pmu_drain_add(drain, events[0], ROOMY, 0);
	CHECK_EQ(pmu_set_output(events[1], events[0]), 0);
	pmu_drain_start(drain);
	for (int i = 0; i < 2; i++)
		pmu_enable(events[i], 0);
	touch_pages(500);
	for (int i = 0; i < 2; i++)
		pmu_disable(events[i], 0);
	CHECK_EQ(pmu_drain_stop(drain), 0);
	CHECK(count_of(events[1]) >= 500);
	CHECK_EQ(find_in_file(file, 0).samples, count_of(events[0]) + count_of(events[1]));
	pmu_drain_free(drain);
	for (int i = 0; i < 2; i++)
		pmu_close(events[i]);
	close(file);
}

/* Forks a child which waits for a byte, faults `pages` pages, and so does a child of its own. */
static pid_t faulting_family(int go_fd, size_t pages)
{
	pid_t pid = fork();

	if (pid == 0) {
		char go;

		if (read(go_fd, &go, 1) != 1)
			_exit(1);
		if (fork() == 0) {
			touch_pages(pages);
			_exit(0);
		}
		touch_pages(pages);
		wait(NULL);
		_exit(0);
	}
	return pid;
}

static void follows_children_and_survives_their_exit(void)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_CONF), file = scratch_file(), pipe[2], rings = 0;
	void *drain = new_drain(file, -1, 10);
	int32_t events[1024];
	uint64_t count = 0, idle;
	pid_t pid;

	CHECK_EQ(pmu_pipe(pipe), 0);
	pid = faulting_family(pipe[0], 500);
	REQUIRE(pid > 0 && cpus <= 1024);
	for (int cpu = 0; cpu < cpus; cpu++) {
		int32_t event = open_faults(pid, cpu, true);

		if (event == -ENODEV)
			continue; /* offline */
		REQUIRE(event >= 0);
		CHECK_EQ(pmu_drain_add(drain, event, ROOMY, cpu), rings);
		pmu_enable(event, 0);
		events[rings++] = event;
	}
	pmu_drain_start(drain);
	CHECK_EQ(pmu_write(pipe[1], "", 1), 1);
	waitpid(pid, NULL, 0);
	/* The rings are hung up now. A thread that minded would make a million passes in this time. */
	idle = stat_of(drain, 0, PMU_RING_EMPTYBUF);
	usleep(300000);
	CHECK(stat_of(drain, 0, PMU_RING_EMPTYBUF) - idle < 3000);
	CHECK_EQ(pmu_drain_stop(drain), 0);
	for (int i = 0; i < rings; i++)
		count += count_of(events[i]);
	CHECK(count >= 1000);
	CHECK_EQ(find_in_file(file, 0).samples, count);
	CHECK_EQ(samples_written(drain), count);
	pmu_drain_free(drain);
	for (int i = 0; i < rings; i++)
		pmu_close(events[i]);
	close(pipe[0]);
	close(pipe[1]);
	close(file);
}

static void passes_on_what_mmap_refuses(void)
{
	int32_t inherited = open_faults(getpid(), -1, true), event = open_faults(0, -1, false);
	void *drain = new_drain(STDOUT_FILENO, -1, 250);

	REQUIRE(inherited >= 0 && event >= 0);
	CHECK_EQ(pmu_drain_add(drain, inherited, 1, -1), -EINVAL);
	CHECK_EQ(pmu_drain_add(drain, event, 3, 0), -EINVAL);
	CHECK_EQ(pmu_drain_add(drain, event, 0, 0), -EINVAL);
	CHECK_EQ(pmu_drain_add(drain, -1, 1, 0), -EBADF);
	CHECK_EQ(pmu_drain_add(drain, event, 1, 0), 0);
	pmu_drain_free(drain);
	pmu_close(inherited);
	pmu_close(event);
}

/* Drains 2000 faults into `out_fd`, which fails with `error`: the target must not notice. */
static void check_write_error(int out_fd, int error)
{
	int32_t event = open_faults(0, -1, false);
	void *drain = new_drain(out_fd, -1, 1);
	uint64_t count;

	REQUIRE(event >= 0);
	pmu_drain_add(drain, event, 4, 0);
	pmu_drain_start(drain);
	pmu_enable(event, 0);
	touch_pages(1000);
	WAIT_UNTIL(pmu_drain_error(drain) == -error);
	touch_pages(1000);
	pmu_disable(event, 0);
	CHECK_EQ(pmu_drain_stop(drain), -error);
	CHECK_EQ(pmu_drain_stop(drain), -error);
	count = count_of(event);
	CHECK(count >= 2000);
	CHECK(stat_of(drain, 0, PMU_RING_SAMPLES) > 0);
	CHECK(stat_of(drain, 0, PMU_RING_SAMPLES) + stat_of(drain, 0, PMU_RING_LOST) <= count);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_DROPBUF_SAMPLE), stat_of(drain, 0, PMU_RING_SAMPLES));
	CHECK_EQ(stat_of(drain, 0, PMU_RING_DROPPED_BYTES), stat_of(drain, 0, PMU_RING_BYTES));
	CHECK_EQ(stat_of(drain, 0, PMU_RING_DROPBUF), stat_of(drain, 0, PMU_RING_BUF));
	CHECK_EQ(pmu_drain_written(drain), 0);
	pmu_drain_free(drain);
	pmu_close(event);
}

static void goes_on_when_the_disk_is_full(void)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	REQUIRE(full >= 0);
	check_write_error(full, ENOSPC);
	close(full);
}

static void counts_what_no_reader_gets_to(void)
{
	static const char header[DATA_AT];
	struct fake_ring ring = make_fake_ring(1);
	int file = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *drain = new_drain(file, SIZE_AT, 1);
	uint64_t body[2] = { 1, 2 }, size;

	CHECK_EQ(pmu_write(file, header, sizeof(header)), sizeof(header));
	CHECK_EQ(pmu_drain_add(drain, ring.fd, 1, 0), 0);
	CHECK_EQ(pmu_drain_start(drain), 0);
	put_record(&ring, PERF_RECORD_SAMPLE, body, 2);
	publish(&ring);
	WAIT_UNTIL(u64_in_file(file, SIZE_AT) > 0);
	put_record(&ring, PERF_RECORD_SAMPLE, body, 2);
	publish(&ring);
	size = u64_in_file(file, SIZE_AT);
	WAIT_UNTIL((uint64_t)pmu_drain_written(drain) > size);
	/* From here on not even the header can be written: as a rule, before it tells of the second sample. */
	REQUIRE(fcntl(file, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
	CHECK_EQ(pmu_drain_stop(drain), -EPERM);
	size = u64_in_file(file, SIZE_AT);
	CHECK_EQ(stat_of(drain, 0, PMU_RING_SAMPLES), 2);
	CHECK_EQ(pmu_drain_written(drain), size);
	CHECK_EQ(samples_written(drain), size / (8 + sizeof(body) + 8)); /* each pass ends with a round */
	pmu_drain_free(drain);
	free_fake_ring(&ring);
	close(file);
}

static void goes_on_when_the_reader_has_gone(void)
{
	int pipe[2];

	CHECK_EQ(pmu_pipe(pipe), 0);
	close(pipe[0]);
	check_write_error(pipe[1], EPIPE);
	close(pipe[1]);
}

static void serves_a_slow_reader(void)
{
	int32_t event = open_faults(0, -1, false);
	int pipe[2], file = scratch_file();
	void *drain;
	char bytes[999]; /* never a multiple of a record */
	int64_t n;
	struct found found;

	CHECK_EQ(pmu_pipe(pipe), 0);
	CHECK(fcntl(pipe[1], F_SETPIPE_SZ, 4096) >= 0);
	CHECK_EQ(fcntl(pipe[1], F_SETFL, O_NONBLOCK), 0); /* writes in part, and EAGAIN */
	drain = new_drain(pipe[1], -1, 1);
	REQUIRE(event >= 0);
	pmu_drain_add(drain, event, ROOMY, 0);
	pmu_enable(event, 0);
	touch_pages(1000);
	pmu_disable(event, 0);
	pmu_drain_start(drain);
	for (uint64_t left = count_of(event) * SAMPLE_BYTES + 8; left > 0; left -= (uint64_t)n) {
		usleep(100);
		n = pmu_read(pipe[0], bytes, left < sizeof(bytes) ? left : sizeof(bytes));
		REQUIRE(n > 0);
		CHECK_EQ(pmu_write(file, bytes, (uint64_t)n), n);
	}
	CHECK_EQ(pmu_drain_stop(drain), 0);
	found = find_in_file(file, 0);
	CHECK(found.whole);
	CHECK_EQ(found.samples, count_of(event));
	CHECK_EQ(stat_of(drain, 0, PMU_RING_DROPBUF), 0);
	pmu_drain_free(drain);
	pmu_close(event);
	close(pipe[0]);
	close(pipe[1]);
	close(file);
}

static void renews_the_size_while_it_runs(void)
{
	int32_t event = open_faults(0, -1, false);
	int file = data_file();
	void *drain = new_drain(file, SIZE_AT, 20);
	uint64_t size;

	REQUIRE(event >= 0);
	pmu_drain_add(drain, event, ROOMY, 0);
	pmu_drain_start(drain);
	pmu_enable(event, 0);
	touch_pages(5); /* far from the watermark: the interval brings them */
	WAIT_UNTIL(pmu_drain_written(drain) > 0);
	WAIT_UNTIL(u64_in_file(file, SIZE_AT) > 0);
	size = u64_in_file(file, SIZE_AT);
	CHECK(lseek(file, 0, SEEK_END) >= (off_t)(DATA_AT + size)); /* never ahead of the data */
	pmu_disable(event, 0);
	CHECK_EQ(pmu_drain_stop(drain), 0);
	pmu_drain_free(drain);
	pmu_close(event);
	close(file);
}

int main(void)
{
	static const struct test tests[] = {
		{ "a drain writes every sample that the event counted", writes_every_sample, true },
		{ "a drain keeps up with a busy loop at 20 kHz", keeps_up_with_a_busy_loop, true },
		{ "a drain follows a ring around its end", follows_a_ring_around_its_end, true },
		{ "a drain counts what a full ring lost", counts_what_a_full_ring_lost, true },
		{ "a drain takes events that share a ring", drains_events_that_share_a_ring, true },
		{ "a drain follows children and does not spin when they have ended",
		  follows_children_and_survives_their_exit, true },
		{ "pmu_drain_add() passes on what mmap refuses", passes_on_what_mmap_refuses, true },
		{ "a drain goes on when the disk is full, and counts what it drops", goes_on_when_the_disk_is_full,
		  true },
		{ "what lies behind a size that cannot be renewed is not counted as written",
		  counts_what_no_reader_gets_to, false },
		{ "a drain goes on when the reader has gone, and no SIGPIPE kills", goes_on_when_the_reader_has_gone,
		  true },
		{ "a drain waits for a slow reader and loses nothing", serves_a_slow_reader, true },
		{ "the size field grows while the drain runs, behind the data", renews_the_size_while_it_runs, true },
	};

	return RUN_TESTS(tests);
}
