/* The drain's queue: a slow output, what is dropped and what is not, an end by force. */
#define _GNU_SOURCE
#include "drain_helpers.h"
#include "harness.h"
#include "perf_helpers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define RINGS 2
/* Of a sample here: header, and a body whose second word is the time. */
#define SAMPLE_WORDS 3
#define SAMPLE_TIME_AT 16
#define PIPE_BYTES 4096

/* PERF_RECORD_LOST_SAMPLES with a trailer of TIME and CPU. */
static const struct loss_record {
	struct perf_event_header header;
	uint64_t lost, time;
	uint32_t cpu, reserved;
} loss_record = { { .type = PERF_RECORD_LOST_SAMPLES, .size = 32 }, 0, 0, 0, 0 };

struct setting {
	struct fake_ring rings[RINGS];
	int pipe[2], file; /* what comes out of the pipe goes into the file */
	void *drain;
	uint64_t time, put; /* of samples */
};

/* Rings of one page with a drain into a pipe that takes a page; with `drops`, samples are dropped when need be. */
static struct setting set_up(bool drops)
{
	struct setting s = { .file = scratch_file() };
	int32_t error = 0;

	CHECK_EQ(pmu_pipe(s.pipe), 0);
	CHECK(fcntl(s.pipe[1], F_SETPIPE_SZ, PIPE_BYTES) >= 0);
	s.drain = pmu_drain_new(s.pipe[1], -1, 0, &error);
	CHECK_EQ(error, 0);
	CHECK_EQ(pmu_drain_set_interval(s.drain, 1), 0);
	CHECK_EQ(pmu_drain_set_queue(s.drain, 1), 0); /* the least there is: what the rings hold */
	if (drops)
		CHECK_EQ(pmu_drain_set_loss(s.drain, &loss_record, sizeof(loss_record), 16, 24, SAMPLE_TIME_AT), 0);
	for (int i = 0; i < RINGS; i++) {
		s.rings[i] = make_fake_ring(1);
		CHECK_EQ(pmu_drain_add(s.drain, s.rings[i].fd, 1, 40 + i), i);
	}
	CHECK_EQ(pmu_drain_start(s.drain), 0);
	return s;
}

static void tear_down(struct setting *s)
{
	pmu_drain_free(s->drain);
	for (int i = 0; i < RINGS; i++)
		free_fake_ring(&s->rings[i]);
	close(s->pipe[0]);
	close(s->pipe[1]);
	close(s->file);
}

/* `samples` in each ring, with a PERF_RECORD_COMM and 3 lost records behind the first half of them. */
static void put_pass(struct setting *s, int samples)
{
	static const uint64_t comm[2] = { 1, 2 }, lost[2] = { 99, 3 };

	for (int i = 0; i < RINGS; i++) {
		for (int n = 0; n < samples; n++) {
			uint64_t body[SAMPLE_WORDS] = { 7, ++s->time, 9 };

			put_record(&s->rings[i], PERF_RECORD_SAMPLE, body, SAMPLE_WORDS);
			s->put++;
			if (n == samples / 2) {
				put_record(&s->rings[i], PERF_RECORD_COMM, comm, 2);
				put_record(&s->rings[i], PERF_RECORD_LOST, lost, 2);
			}
		}
		publish(&s->rings[i]);
	}
}

static bool taken(const struct setting *s)
{
	return tail_of(&s->rings[0]) == s->rings[0].head && tail_of(&s->rings[1]) == s->rings[1].head;
}

static uint64_t sum_of(const struct setting *s, enum pmu_ring_field field)
{
	return stat_of(s->drain, 0, field) + stat_of(s->drain, 1, field);
}

/* Everything from the pipe into the file, until its writing end is closed. */
static void *copy_pipe(void *argument)
{
	struct setting *s = argument;
	char bytes[999]; /* never a multiple of a record */
	int64_t n;

	while ((n = pmu_read(s->pipe[0], bytes, sizeof(bytes))) > 0)
		pmu_write(s->file, bytes, (uint64_t)n);
	return NULL;
}

/* Stops the drain while the pipe is read; the file then has all that was written. */
static int32_t stop_reading(struct setting *s)
{
	pthread_t reader;
	int32_t result;

	pthread_create(&reader, NULL, copy_pipe, s);
	result = pmu_drain_stop(s->drain);
	close(s->pipe[1]);
	s->pipe[1] = -1;
	pthread_join(reader, NULL);
	return result;
}

static void drops_samples_and_nothing_else(void)
{
	enum { PASSES = 8, SAMPLES = 100 };
	struct setting s = set_up(true);
	struct found found;
	uint64_t dropped;

	for (int pass = 0; pass < PASSES; pass++) {
		put_pass(&s, SAMPLES);
		WAIT_UNTIL(taken(&s)); /* though nobody reads */
	}
	dropped = sum_of(&s, PMU_RING_DROPBUF_SAMPLE);
	CHECK(dropped > 0 && dropped < s.put);
	CHECK_EQ(dropped % SAMPLES, 0); /* whole passes */
	CHECK_EQ(sum_of(&s, PMU_RING_DROPBUF), dropped / SAMPLES);
	CHECK_EQ(sum_of(&s, PMU_RING_DROPPED_BYTES), dropped * (8 + 8 * SAMPLE_WORDS));
	CHECK_EQ(stop_reading(&s), 0);
	found = find_in_file(s.file, 0);
	CHECK(found.whole);
	CHECK_EQ(found.samples, s.put - dropped);
	CHECK_EQ(found.lost_samples, dropped);
	CHECK_EQ(found.comms, RINGS * PASSES);
	CHECK_EQ(found.lost, 3 * RINGS * PASSES);
	CHECK_EQ(sum_of(&s, PMU_RING_LOST), 3 * RINGS * PASSES);
	CHECK_EQ(sum_of(&s, PMU_RING_LOST_SAMPLES), 0);                  /* ours, not the hardware's */
	CHECK(found.rounds >= PASSES && found.rounds <= RINGS * PASSES); /* the drain may look between two rings */
	CHECK_EQ(pmu_drain_written(s.drain), lseek(s.file, 0, SEEK_END));
	tear_down(&s);
}

static void stamps_what_it_dropped(void)
{
	struct setting s = set_up(true);
	char *bytes = calloc(1, 1 << 20);
	uint64_t found[RINGS] = { 0 };
	ssize_t size;

	for (int pass = 0; pass < 4; pass++) {
		put_pass(&s, 100);
		WAIT_UNTIL(taken(&s));
	}
	CHECK_EQ(stop_reading(&s), 0);
	size = pread(s.file, bytes, 1 << 20, 0);
	for (char *at = bytes; at < bytes + size; at += ((struct perf_event_header *)at)->size) {
		struct loss_record loss;

		memcpy(&loss, at, sizeof(loss));
		if (loss.header.type != PERF_RECORD_LOST_SAMPLES)
			continue;
		REQUIRE(loss.cpu == 40 || loss.cpu == 41);
		/* The time of the last of its 100 samples: each pass gives the first ring its times first. */
		CHECK_EQ(loss.lost, 100);
		CHECK_EQ(loss.time % 200, loss.cpu == 40 ? 100 : 0);
		found[loss.cpu - 40]++;
	}
	/* Not as many of each: the drain may look between the two rings of a pass. */
	CHECK(found[0] > 0 && found[1] > 0);
	free(bytes);
	tear_down(&s);
}

static void leaves_to_the_kernel_what_has_no_room(void)
{
	for (int drops = 0; drops < 2; drops++) {
		struct setting s = set_up(drops);
		int passes = 0;
		bool full = false;
		struct found found;

		/* Until the ring is left as it is: at once when the queue is full, or when the reserve is, too. */
		while (!full && passes < 1000) {
			put_pass(&s, 50);
			passes++;
			for (int tries = 0; tries < 100 && !taken(&s); tries++)
				usleep(1000);
			full = !taken(&s);
		}
		CHECK(full);
		if (!drops)
			CHECK_EQ(sum_of(&s, PMU_RING_DROPBUF), 0);
		CHECK_EQ(stop_reading(&s), 0); /* the last pass is not urgent, and all there */
		CHECK(taken(&s));
		found = find_in_file(s.file, 0);
		CHECK(found.whole);
		CHECK_EQ(found.samples + found.lost_samples, s.put);
		CHECK_EQ(found.lost_samples, sum_of(&s, PMU_RING_DROPBUF_SAMPLE));
		CHECK_EQ(sum_of(&s, PMU_RING_SAMPLES), s.put);
		CHECK_EQ(found.comms, RINGS * passes);
		tear_down(&s);
	}
}

static void do_nothing(int signal)
{
	(void)signal;
}

static void *abort_soon(void *drain)
{
	usleep(50000);
	pmu_drain_abort(drain);
	return NULL;
}

static void ends_by_force(void)
{
	struct setting s = set_up(true);
	struct found found;
	pthread_t aborter;

	for (int pass = 0; pass < 5; pass++) {
		put_pass(&s, 100);
		WAIT_UNTIL(taken(&s));
	}
	pthread_create(&aborter, NULL, abort_soon, s.drain);
	CHECK_EQ(pmu_drain_stop(s.drain), -ECANCELED); /* though nobody reads */
	pthread_join(aborter, NULL);
	close(s.pipe[1]);
	s.pipe[1] = -1;
	copy_pipe(&s);
	found = find_in_file(s.file, 0);
	CHECK(found.samples > 0);
	CHECK_EQ(found.samples + sum_of(&s, PMU_RING_DROPBUF_SAMPLE), s.put);
	CHECK_EQ(sum_of(&s, PMU_RING_LOST), 3 * RINGS * 5); /* in dropped passes, too */
	tear_down(&s);
}

static void *stop_it(void *drain)
{
	CHECK_EQ(pmu_drain_stop(drain), -ECANCELED);
	return NULL;
}

/* Whether the thread of this process with that name waits for a write into a pipe, which it does for ever. */
static bool writer_waits(void)
{
	char path[64], text[64];
	bool waits = false;
	DIR *tasks = opendir("/proc/self/task");

	for (struct dirent *task; tasks && (task = readdir(tasks));) {
		int fd;
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", task->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		if (fd >= 0)
			close(fd);
		text[n < 0 ? 0 : n] = '\0';
		waits |= strstr(text, "(pmuctl-writer) S") != NULL;
	}
	if (tasks)
		closedir(tasks);
	return waits;
}

/* The one that aborts has other things to do than to wait for the writer. */
static void aborts_at_once(void)
{
	struct setting s = set_up(true);
	pthread_t stopper;
	int64_t before;

	/* More than the pipe takes, and the writer waits in write(2). */
	for (int pass = 0; pass < 5; pass++) {
		put_pass(&s, 100);
		WAIT_UNTIL(taken(&s));
	}
	WAIT_UNTIL(writer_waits());
	/* With SIGRTMAX - 1 held back from nobody, but caught by nobody either: the writer does not come back. */
	sigaction(SIGRTMAX - 1, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	before = pmu_clock_ns(CLOCK_MONOTONIC);
	pmu_drain_abort(s.drain);
	CHECK(pmu_clock_ns(CLOCK_MONOTONIC) - before < INT64_C(500000000));
	sigaction(SIGRTMAX - 1, &(struct sigaction){ .sa_handler = do_nothing }, NULL);
	pthread_create(&stopper, NULL, stop_it, s.drain); /* whoever waits for the end interrupts the writer */
	pthread_join(stopper, NULL);
	CHECK(sum_of(&s, PMU_RING_DROPBUF_SAMPLE) > 0);
	tear_down(&s);
}

/* Faults pages on `cpu` in a child that waits for a byte first, then ends when it gets another. */
static pid_t faulting_child(int cpu, int go_fd, size_t pages)
{
	pid_t pid = fork();
	char go;

	if (pid == 0) {
		cpu_set_t one;

		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		for (int i = 0; i < 2; i++) {
			if (read(go_fd, &go, 1) != 1)
				_exit(1);
			if (i == 0)
				touch_pages(pages);
		}
		_exit(0);
	}
	return pid;
}

/* The ring's own event watches a child that ends at once; the next one's faults fill it. */
static void hears_of_a_ring_whose_task_has_ended(void)
{
	int go[2][2], file = scratch_file(), cpu = sched_getcpu(); /* events share a ring on one CPU only */
	int32_t events[2], error = 0;
	void *drain = pmu_drain_new(file, -1, 0, &error);
	pid_t pids[2];

	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pmu_pipe(go[i]), 0);
		pids[i] = faulting_child(cpu, go[i][0], 2000); /* 80 KB: ten times the ring's watermark */
		events[i] = open_faults(pids[i], cpu, false);
		REQUIRE(pids[i] > 0 && events[i] >= 0);
	}
	pmu_drain_set_interval(drain, 60000); /* so that nothing but the event can tell */
	CHECK_EQ(pmu_drain_add(drain, events[0], 64, 0), 0);
	CHECK_EQ(pmu_set_output(events[1], events[0]), 0);
	CHECK_EQ(pmu_drain_stand_in(drain, 1, events[1]), -EINVAL);
	CHECK_EQ(pmu_drain_stand_in(drain, 0, events[1]), 0);
	pmu_drain_start(drain);
	CHECK_EQ(pmu_drain_stand_in(drain, 0, events[1]), -EBUSY);
	CHECK_EQ(pmu_write(go[0][1], "12", 2), 2);
	waitpid(pids[0], NULL, 0);
	pmu_enable(events[1], 0);
	CHECK_EQ(pmu_write(go[1][1], "", 1), 1);
	WAIT_UNTIL(stat_of(drain, 0, PMU_RING_SAMPLES) > 500);
	usleep(300000);
	CHECK(stat_of(drain, 0, PMU_RING_EMPTYBUF) < 10); /* told, rather than looked for every 10 ms */
	CHECK_EQ(pmu_write(go[1][1], "", 1), 1);
	waitpid(pids[1], NULL, 0);
	CHECK_EQ(pmu_drain_stop(drain), 0);
	CHECK_EQ(find_in_file(file, 0).samples, count_of(events[1]));
	pmu_drain_free(drain);
	for (int i = 0; i < 2; i++) {
		pmu_close(events[i]);
		for (int end = 0; end < 2; end++)
			close(go[i][end]);
	}
	close(file);
}

static void refuses_a_record_that_cannot_be(void)
{
	int32_t error = 0;
	void *drain = pmu_drain_new(STDOUT_FILENO, -1, 0, &error);

	CHECK_EQ(pmu_drain_set_loss(drain, &loss_record, 8, -1, -1, 0), -EINVAL);
	CHECK_EQ(pmu_drain_set_loss(drain, &loss_record, 20, -1, -1, 0), -EINVAL);
	CHECK_EQ(pmu_drain_set_loss(drain, &loss_record, PMU_LOSS_MAX + 8, -1, -1, 0), -EINVAL);
	CHECK_EQ(pmu_drain_set_loss(drain, &loss_record, 32, 25, -1, 8), -EINVAL);
	CHECK_EQ(pmu_drain_set_loss(drain, &loss_record, 32, 24, 29, 8), -EINVAL);
	CHECK_EQ(pmu_drain_set_loss(drain, &loss_record, 32, 24, -1, -1), -EINVAL);
	CHECK_EQ(pmu_drain_set_loss(drain, &loss_record, 32, -1, -1, -1), 0);
	CHECK_EQ(pmu_drain_set_queue(drain, 0), -EINVAL);
	pmu_drain_free(drain);
}

int main(void)
{
	static const struct test tests[] = {
		{ "a full queue drops samples, counts them, tells the output, and keeps all else",
		  drops_samples_and_nothing_else, false },
		{ "what stands for dropped samples has the CPU and the time of the last", stamps_what_it_dropped,
		  false },
		{ "what not even the reserve takes stays in the ring", leaves_to_the_kernel_what_has_no_room, false },
		{ "pmu_drain_abort() returns at once, though the output takes nothing", aborts_at_once, false },
		{ "pmu_drain_abort() ends a drain whose reader takes nothing, with an exact ledger", ends_by_force,
		  false },
		{ "a ring is heard of after the end of its task, through an event that shares it",
		  hears_of_a_ring_whose_task_has_ended, true },
		{ "a drain refuses a loss record that cannot be", refuses_a_record_that_cannot_be, false },
	};

	return RUN_TESTS(tests);
}
