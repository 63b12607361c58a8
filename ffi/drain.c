/*
 * Moves records from rings to a file descriptor, on two threads of its own: one empties the rings into a
 * queue, the other writes, and may be made to wait. See pmu.h.
 */
#define _GNU_SOURCE
#include "output.h"
#include "portable.h"
#include "queue.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

PMU_OLD_SYMBOL(pthread_create);
PMU_OLD_SYMBOL(pthread_join);
PMU_OLD_SYMBOL(pthread_sigmask);

#define DEFAULT_INTERVAL_MS 250
/* How often it is looked at what nobody tells of: a ring whose events have no task left, a full queue. */
#define LOOK_MS 10
#define WAKE_EVENT UINT64_MAX /* epoll's name for the eventfd; rings go by their index */

/*
 * The queue: three times what the rings hold, as tprof's three buffers for each CPU, and enough for a disk
 * that stalls for a second or two. Memory is taken as it is needed.
 */
#define QUEUE_RINGS 3
#define QUEUE_LEAST (UINT64_C(16) << 20)

#define RECORD_FINISHED_ROUND 68 /* of the perf tools: tools/lib/perf/include/perf/event.h */

/* The signal that gets the writer out of a write(2), to a handler that does nothing; of the real-time ones. */
#define INTERRUPT (SIGRTMAX - 1)
#define ABORT_MS 2000

static const struct perf_event_header finished_round = {
	.type = RECORD_FINISHED_ROUND,
	.size = sizeof(finished_round),
};

/* The record that stands in the output for dropped samples. */
struct loss {
	unsigned char record[PMU_LOSS_MOST];
	uint32_t length; /* 0: none has been given, and nothing is dropped */
	int32_t time_at, cpu_at, sample_time_at;
};

struct drain {
	uint32_t flags;
	int interval_ms;
	uint64_t queue_bytes; /* as asked for; 0: as it is right */
	struct loss loss;
	struct ring *rings;
	uint32_t ring_count;
	int epoll_fd;

	/* Of the thread that empties the rings. */
	pthread_t emptier;
	int wake_fd;
	bool hungup;    /* a ring has no event left that would tell of it */
	bool choked;    /* the last pass found no room */
	bool stop;      /* asked to; atomic */

	struct queue queue;
	uint64_t queue_limit; /* how full it may get with samples; the rest is for all other records */

	/* Of the thread that writes. */
	pthread_t writer;
	struct output out;
	int queued_fd;
	int32_t writer_id; /* while it runs; atomic */
	bool all_queued;   /* nothing will be queued any more; atomic */
	bool abort;        /* atomic */
	bool abort_seen;   /* atomic */

	int error; /* the first, as a positive errno; atomic */
	bool started, running;
};

static void note_error(struct drain *d, int error)
{
	int none = 0;

	if (error)
		__atomic_compare_exchange_n(&d->error, &none, error, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void tell(int event_fd)
{
	uint64_t one = 1;

	while (write(event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Waits until it was told, or so long; -1 is for ever. */
static void wait_told(int event_fd, int ms)
{
	struct pollfd told = { .fd = event_fd, .events = POLLIN };
	uint64_t count;

	if (poll(&told, 1, ms) > 0 && read(event_fd, &count, sizeof(count)) < 0)
		return; /* someone else has taken it: there is nothing to wait for */
}

/* ---- the thread that empties the rings ------------------------------------------------------- */

/* Appends the record for `r`'s dropped samples, stamped with the time of the last: readers sort by it. */
static void append_loss(struct drain *d, const struct ring *r, uint64_t last_sample)
{
	struct loss loss = d->loss;
	uint32_t cpu = (uint32_t)r->counts[PMU_RING_CPU];

	memcpy(loss.record + sizeof(struct perf_event_header), &r->pass.samples, sizeof(r->pass.samples));
	if (loss.time_at >= 0)
		circle_read(&r->records, last_sample + (uint64_t)loss.sample_time_at, loss.record + loss.time_at, 8);
	if (loss.cpu_at >= 0)
		memcpy(loss.record + loss.cpu_at, &cpu, sizeof(cpu));
	queue_append_bytes(&d->queue, loss.record, loss.length);
}

/* Queues all records of the ring's pass but its samples, and a record that tells of those. */
static void queue_rest(struct drain *d, const struct ring *r)
{
	uint64_t kept_from = r->tail, last_sample = r->tail;

	for (uint64_t at = r->tail; at != r->head;) {
		struct perf_event_header header;

		circle_read(&r->records, at, &header, sizeof(header));
		if (header.type == PERF_RECORD_SAMPLE) {
			queue_append(&d->queue, &r->records, kept_from, at - kept_from);
			last_sample = at;
			kept_from = at + header.size;
		}
		at += header.size;
	}
	queue_append(&d->queue, &r->records, kept_from, r->head - kept_from);
	append_loss(d, r, last_sample);
}

/* Bytes in the queue of a pass with all its records, and without its samples. */
struct pass_size {
	uint64_t whole, rest;
};

/* Notes what the rings hold, before anything is taken: see pmu.h on rounds. */
static struct pass_size note_pass(struct drain *d)
{
	struct pass_size size = { ENTRY_OVERHEAD + sizeof(finished_round), ENTRY_OVERHEAD + sizeof(finished_round) };

	for (uint32_t i = 0; i < d->ring_count; i++) {
		struct ring *r = &d->rings[i];
		uint64_t bytes;

		note_error(d, -ring_note_pass(r));
		bytes = r->head - r->tail;
		size.whole += ENTRY_OVERHEAD + bytes;
		size.rest += ENTRY_OVERHEAD + bytes - r->pass.sample_bytes + d->loss.length;
	}
	return size;
}

static void take_pass(struct drain *d, bool whole)
{
	bool any = false;

	for (uint32_t i = 0; i < d->ring_count; i++) {
		struct ring *r = &d->rings[i];

		if (r->head == r->tail) {
			ring_count(r->counts, PMU_RING_EMPTYBUF, 1);
			continue;
		}
		any = true;
		ring_count_pass(r);
		if (whole || r->pass.samples == 0) {
			queue_begin(&d->queue, ENTRY_PASS, i);
			queue_append(&d->queue, &r->records, r->tail, r->head - r->tail);
		} else {
			queue_begin(&d->queue, ENTRY_REST, i);
			queue_rest(d, r);
			ring_count(r->counts, PMU_RING_DROPBUF, 1);
			ring_count_dropped(r->counts, r->pass.samples, r->pass.sample_bytes);
		}
		queue_end(&d->queue);
		ring_release(r);
	}
	if (any && !(d->flags & PMU_DRAIN_NO_ROUNDS)) {
		queue_begin(&d->queue, ENTRY_ROUND, 0);
		queue_append_bytes(&d->queue, &finished_round, sizeof(finished_round));
		queue_end(&d->queue);
	}
	if (any) {
		queue_publish(&d->queue);
		tell(d->queued_fd);
	}
}

/*
 * One pass: all rings or, when there is room for nothing, none, so that rounds stay true; the kernel then
 * counts what the rings have no room for. `last`: nothing is urgent any more, and nothing dropped.
 */
static void pass(struct drain *d, bool last)
{
	struct pass_size size = note_pass(d);

	d->choked = false;
	if (last && queue_room(&d->queue) >= size.whole)
		take_pass(d, true);
	else if (queue_used(&d->queue) + size.whole <= d->queue_limit)
		take_pass(d, true);
	else if (!last && d->loss.length && queue_room(&d->queue) >= size.rest)
		take_pass(d, false);
	else
		d->choked = true;
}

/* The tasks of the ring's event have ended, and epoll would say so for ever: the next event takes its place. */
static void next_waker(struct drain *d, uint32_t index)
{
	struct ring *r = &d->rings[index];
	struct epoll_event readable = { .events = EPOLLIN, .data.u64 = index };

	epoll_ctl(d->epoll_fd, EPOLL_CTL_DEL, r->wake_fd, NULL);
	while (r->stand_in_next < r->stand_in_count) {
		r->wake_fd = r->stand_ins[r->stand_in_next++];
		if (epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, r->wake_fd, &readable) == 0)
			return;
	}
	d->hungup = true; /* but the children of those tasks may go on */
}

static void *emptier_main(void *argument)
{
	struct drain *d = argument;
	struct epoll_event events[64];
	bool last = false;

	prctl(PR_SET_NAME, "pmuctl-drain");
	while (!last || d->choked) {
		int ms = (d->hungup || d->choked) && d->interval_ms > LOOK_MS ? LOOK_MS : d->interval_ms;
		int n = epoll_wait(d->epoll_fd, events, 64, ms);

		if (n < 0 && errno != EINTR) {
			note_error(d, errno);
			usleep(LOOK_MS * 1000);
		}
		for (int i = 0; i < n; i++) {
			if (events[i].data.u64 == WAKE_EVENT)
				wait_told(d->wake_fd, 0);
			else if (events[i].events & (EPOLLHUP | EPOLLERR))
				next_waker(d, (uint32_t)events[i].data.u64);
		}
		last = __atomic_load_n(&d->stop, __ATOMIC_ACQUIRE);
		pass(d, last);
	}
	__atomic_store_n(&d->all_queued, true, __ATOMIC_RELEASE);
	tell(d->queued_fd);
	return NULL;
}

/* ---- the thread that writes ------------------------------------------------------------------ */

static void *writer_main(void *argument)
{
	struct drain *d = argument;
	bool all_queued = false;

	prctl(PR_SET_NAME, "pmuctl-writer");
	__atomic_store_n(&d->writer_id, (int32_t)syscall(SYS_gettid), __ATOMIC_RELAXED);
	while (!all_queued) {
		all_queued = __atomic_load_n(&d->all_queued, __ATOMIC_ACQUIRE);
		while (output_write(&d->out, &d->queue, d->rings)) {
			note_error(d, d->out.error);
			output_renew_size(&d->out, false);
		}
		if (__atomic_load_n(&d->abort, __ATOMIC_RELAXED))
			__atomic_store_n(&d->abort_seen, true, __ATOMIC_RELAXED);
		if (!all_queued)
			wait_told(d->queued_fd, output_renew_size(&d->out, false));
	}
	output_renew_size(&d->out, true);
	note_error(d, d->out.error);
	__atomic_store_n(&d->writer_id, 0, __ATOMIC_RELAXED);
	return NULL;
}

static void interrupted(int signal)
{
	(void)signal; /* write(2) has returned EINTR: that is all */
}

/* ---- the calls of pmu.h ---------------------------------------------------------------------- */

void *pmu_drain_new(int32_t out_fd, int64_t size_field_at, uint32_t flags, int32_t *err)
{
	struct drain *d = calloc(1, sizeof(*d));
	struct epoll_event wake = { .events = EPOLLIN, .data.u64 = WAKE_EVENT };

	if (!d) {
		*err = -ENOMEM;
		return NULL;
	}
	d->out.fd = out_fd;
	d->out.size_field_at = size_field_at;
	d->out.aborted = &d->abort;
	d->flags = flags;
	d->interval_ms = DEFAULT_INTERVAL_MS;
	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->queued_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	*err = 0;
	if (d->wake_fd < 0 || d->queued_fd < 0 || d->epoll_fd < 0 ||
	    epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, d->wake_fd, &wake) < 0)
		*err = -errno;
	else if (flags & ~PMU_DRAIN_NO_ROUNDS)
		*err = -EINVAL;
	if (*err == 0)
		return d;
	pmu_drain_free(d);
	return NULL;
}

int32_t pmu_drain_set_base(void *drain, uint64_t already_written)
{
	struct drain *d = drain;

	if (d->started)
		return -EBUSY;
	d->out.written = already_written;
	return 0;
}

int32_t pmu_drain_set_interval(void *drain, int32_t ms)
{
	struct drain *d = drain;

	if (d->started)
		return -EBUSY;
	if (ms < 1)
		return -EINVAL;
	d->interval_ms = ms;
	return 0;
}

int32_t pmu_drain_set_queue(void *drain, uint64_t bytes)
{
	struct drain *d = drain;

	if (d->started)
		return -EBUSY;
	if (bytes == 0)
		return -EINVAL;
	d->queue_bytes = bytes;
	return 0;
}

int32_t pmu_drain_set_loss(void *drain, const void *record, uint32_t length, int32_t time_at, int32_t cpu_at,
			   int32_t sample_time_at)
{
	struct drain *d = drain;
	int32_t end = (int32_t)length;

	if (d->started)
		return -EBUSY;
	if (length < 16 || length > PMU_LOSS_MOST || length % 8 || time_at > end - 8 || cpu_at > end - 4 ||
	    (time_at >= 0 && sample_time_at < 0))
		return -EINVAL;
	memcpy(d->loss.record, record, length);
	d->loss.length = length;
	d->loss.time_at = time_at;
	d->loss.cpu_at = cpu_at;
	d->loss.sample_time_at = sample_time_at;
	return 0;
}

int32_t pmu_drain_add(void *drain, int32_t fd, uint32_t pages, int32_t cpu)
{
	struct drain *d = drain;
	struct epoll_event readable = { .events = EPOLLIN, .data.u64 = d->ring_count };
	struct ring *rings;
	int32_t error;

	if (d->started)
		return -EBUSY;
	if (pages == 0 || (pages & (pages - 1)))
		return -EINVAL;
	rings = realloc(d->rings, (d->ring_count + 1) * sizeof(*rings));
	if (!rings)
		return -ENOMEM;
	d->rings = rings;
	error = ring_map(&rings[d->ring_count], fd, pages, cpu);
	if (error)
		return error;
	/* EPERM: not a thing to wait for (the tests' rings are memory files); the interval serves it. */
	if (epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &readable) < 0 && errno != EPERM) {
		error = -errno;
		ring_unmap(&rings[d->ring_count]);
		return error;
	}
	return (int32_t)d->ring_count++;
}

int32_t pmu_drain_stand_in(void *drain, int32_t ring, int32_t fd)
{
	struct drain *d = drain;

	if (d->started)
		return -EBUSY;
	if (ring < 0 || (uint32_t)ring >= d->ring_count)
		return -EINVAL;
	return ring_add_stand_in(&d->rings[ring], fd);
}

/* Makes the queue; all rings together always fit into it. */
static int32_t make_queue(struct drain *d)
{
	uint64_t rings = 4096, wanted = d->queue_bytes;

	for (uint32_t i = 0; i < d->ring_count; i++)
		rings += d->rings[i].records.size + 2 * ENTRY_OVERHEAD + d->loss.length;
	if (!wanted)
		wanted = rings * QUEUE_RINGS > QUEUE_LEAST ? rings * QUEUE_RINGS : QUEUE_LEAST;
	d->queue_limit = wanted > rings ? wanted : rings;
	return queue_make(&d->queue, d->queue_limit + d->queue_limit / 4);
}

/* Starts both threads, with the signals blocked that are blocked here. Returns 0 or a positive errno. */
static int start_threads(struct drain *d)
{
	int error = pthread_create(&d->writer, NULL, writer_main, d);

	if (error)
		return error;
	error = pthread_create(&d->emptier, NULL, emptier_main, d);
	if (error) {
		__atomic_store_n(&d->all_queued, true, __ATOMIC_RELEASE);
		tell(d->queued_fd);
		pthread_join(d->writer, NULL);
	}
	return error;
}

int32_t pmu_drain_start(void *drain)
{
	struct drain *d = drain;
	struct sigaction catch = { .sa_handler = interrupted };
	sigset_t most, old;
	int error;

	if (d->started)
		return -EALREADY;
	error = -make_queue(d);
	if (error)
		return -error;
	for (uint32_t i = 0; i < d->ring_count; i++)
		ring_take_up(&d->rings[i]);
	/* From here on the file can be read, whatever becomes of us. */
	output_renew_size(&d->out, true);
	/* Signals are for other threads; a reader that goes away is EPIPE, not SIGPIPE, a limit EFBIG. */
	sigaction(INTERRUPT, &catch, NULL);
	sigfillset(&most);
	sigdelset(&most, INTERRUPT);
	pthread_sigmask(SIG_SETMASK, &most, &old);
	error = start_threads(d);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return -error;
	d->started = d->running = true;
	return 0;
}

int32_t pmu_drain_stop(void *drain)
{
	struct drain *d = drain;

	if (d->running) {
		__atomic_store_n(&d->stop, true, __ATOMIC_RELEASE);
		tell(d->wake_fd);
		pthread_join(d->emptier, NULL);
		pthread_join(d->writer, NULL);
		d->running = false;
	}
	return pmu_drain_error(d);
}

void pmu_drain_abort(void *drain)
{
	struct drain *d = drain;

	__atomic_store_n(&d->abort, true, __ATOMIC_RELAXED);
	/* Again and again: a signal may come just before the write that it is to end. */
	for (int ms = 0; ms < ABORT_MS && !__atomic_load_n(&d->abort_seen, __ATOMIC_RELAXED); ms++) {
		int32_t id = __atomic_load_n(&d->writer_id, __ATOMIC_RELAXED);

		if (id == 0)
			break;
		syscall(SYS_tgkill, getpid(), id, INTERRUPT);
		tell(d->queued_fd);
		usleep(1000);
	}
}

int32_t pmu_drain_error(void *drain)
{
	struct drain *d = drain;

	return -__atomic_load_n(&d->error, __ATOMIC_RELAXED);
}

int64_t pmu_drain_written(void *drain)
{
	struct drain *d = drain;

	return (int64_t)__atomic_load_n(&d->out.written, __ATOMIC_RELAXED);
}

int64_t pmu_drain_stats(void *drain, uint64_t *buf, uint64_t len)
{
	struct drain *d = drain;
	uint64_t filled = 0;

	if (len < sizeof(*buf))
		return -EINVAL;
	buf[filled++] = d->ring_count;
	for (uint32_t i = 0; i < d->ring_count && (filled + PMU_RING_FIELDS) * sizeof(*buf) <= len; i++) {
		ring_counts(&d->rings[i], buf + filled);
		filled += PMU_RING_FIELDS;
	}
	return (int64_t)(filled * sizeof(*buf));
}

void pmu_drain_free(void *drain)
{
	struct drain *d = drain;

	if (!d)
		return;
	pmu_drain_stop(d);
	for (uint32_t i = 0; i < d->ring_count; i++)
		ring_unmap(&d->rings[i]);
	free(d->rings);
	queue_free(&d->queue);
	if (d->epoll_fd >= 0)
		close(d->epoll_fd);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	if (d->queued_fd >= 0)
		close(d->queued_fd);
	free(d);
}
