/*
 * Moves records from rings to a file descriptor, on two threads: one empties the rings into a queue, the other
 * writes, and may have to wait. See pmu.h.
 */
#define _GNU_SOURCE
#include "drain.h"
#include "../portable.h"

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

/*
 * Default size of the queue: three times the rings, like tprof's three buffers per CPU, and enough for a disk that
 * stalls for a second or two. Memory is used only as it fills.
 */
#define QUEUE_RINGS 3
#define MIN_QUEUE (UINT64_C(16) << 20)

/* Real-time signal that interrupts the writer's write(2); its handler does nothing. */
#define INTERRUPT (SIGRTMAX - 1)
#define INTERRUPT_EVERY_MS 1

void drain_note_error(struct drain *d, int error)
{
	int none = 0;

	if (error)
		__atomic_compare_exchange_n(&d->error, &none, error, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void drain_tell(int event_fd)
{
	uint64_t one = 1;

	while (write(event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void drain_wait_told(int event_fd, int ms)
{
	struct pollfd told = { .fd = event_fd, .events = POLLIN };
	uint64_t count;

	if (poll(&told, 1, ms) > 0 && read(event_fd, &count, sizeof(count)) < 0)
		return; /* another thread has read it: nothing to wait for */
}

/* ---- the thread that writes ------------------------------------------------------------------ */

static void *writer_main(void *argument)
{
	struct drain *d = argument;
	bool all_queued = false;

	prctl(PR_SET_NAME, "pmuctl-writer");
	__atomic_store_n(&d->writer_id, (int32_t)syscall(SYS_gettid), __ATOMIC_RELAXED);
	output_take_spare(&d->out);
	drain_note_error(d, d->out.error);
	while (!all_queued) {
		all_queued = __atomic_load_n(&d->all_queued, __ATOMIC_ACQUIRE);
		while (output_write(&d->out, &d->queue)) {
			drain_note_error(d, d->out.error);
			output_renew_size(&d->out, false);
		}
		if (!all_queued)
			drain_wait_told(d->queued_fd, output_renew_size(&d->out, false));
	}
	output_end(&d->out);
	drain_note_error(d, d->out.error);
	__atomic_store_n(&d->writer_done, true, __ATOMIC_RELEASE);
	drain_tell(d->end_fd);
	return NULL;
}

static void interrupted(int signal)
{
	(void)signal; /* its only purpose is to make write(2) return EINTR */
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
	d->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	*err = 0;
	if (d->wake_fd < 0 || d->queued_fd < 0 || d->end_fd < 0 || d->epoll_fd < 0 ||
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
	if (length < 16 || length > PMU_LOSS_MAX || length % 8 || time_at > end - 8 || cpu_at > end - 4 ||
	    (time_at >= 0 && sample_time_at < 0))
		return -EINVAL;
	memcpy(d->loss.record, record, length);
	d->loss.length = length;
	d->loss.time_at = time_at;
	d->loss.cpu_at = cpu_at;
	d->loss.sample_time_at = sample_time_at;
	return 0;
}

int32_t pmu_drain_set_spare(void *drain, uint32_t bytes)
{
	struct drain *d = drain;

	if (d->started)
		return -EBUSY;
	if (bytes > PMU_SPARE_MAX)
		return -EINVAL;
	d->out.spare = bytes;
	return 0;
}

int32_t pmu_drain_watch(void *drain, int32_t sample_time_at, int32_t record_time_back)
{
	struct drain *d = drain;
	struct seen *seen;

	if (d->started || d->seen)
		return -EBUSY;
	seen = malloc(sizeof(*seen));
	if (!seen || seen_make(seen) < 0) {
		free(seen);
		return -ENOMEM;
	}
	seen->time_at = sample_time_at;
	seen->cuts.time_back = record_time_back;
	d->seen = seen;
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
	/* EPERM: epoll cannot wait for it (the tests' rings are memory files); the interval serves it. */
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

/* Creates the queue; it always has room for all rings together. */
static int32_t make_queue(struct drain *d)
{
	uint64_t rings = 4096, wanted = d->queue_bytes;

	for (uint32_t i = 0; i < d->ring_count; i++)
		rings += d->rings[i].records.size + 2 * ENTRY_OVERHEAD + d->loss.length;
	if (!wanted)
		wanted = rings * QUEUE_RINGS > MIN_QUEUE ? rings * QUEUE_RINGS : MIN_QUEUE;
	d->queue_limit = wanted > rings ? wanted : rings;
	return queue_make(&d->queue, d->queue_limit + d->queue_limit / 4);
}

/* Starts both threads with the caller's blocked signals. Returns 0 or a positive errno. */
static int start_threads(struct drain *d)
{
	int error = pthread_create(&d->writer, NULL, writer_main, d);

	if (error)
		return error;
	error = pthread_create(&d->emptier, NULL, drain_emptier_main, d);
	if (error) {
		__atomic_store_n(&d->all_queued, true, __ATOMIC_RELEASE);
		drain_tell(d->queued_fd);
		pthread_join(d->writer, NULL);
		d->all_queued = d->writer_done = false; /* it may be started again */
		d->writer_id = 0;
	}
	return error;
}

int32_t pmu_drain_start(void *drain)
{
	struct drain *d = drain;
	struct sigaction catch = { .sa_handler = interrupted }, caught;
	sigset_t most, old;
	int error;

	if (d->started)
		return -EALREADY;
	error = -make_queue(d);
	if (error)
		return -error;
	for (uint32_t i = 0; i < d->ring_count; i++)
		ring_take_up(&d->rings[i]);
	d->out.rings = d->rings;
	d->out.ring_count = d->ring_count;
	/* From here on the file is readable, even if this process is killed. */
	output_renew_size(&d->out, true);
	/* Other threads handle signals. A vanished reader is EPIPE rather than SIGPIPE, a file limit EFBIG. */
	sigaction(INTERRUPT, &catch, &caught);
	sigfillset(&most);
	sigdelset(&most, INTERRUPT);
	pthread_sigmask(SIG_SETMASK, &most, &old);
	error = start_threads(d);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error) {
		sigaction(INTERRUPT, &caught, NULL);
		queue_free(&d->queue);
		return -error;
	}
	d->started = d->running = true;
	return 0;
}

/* Interrupts a blocking write(2) of the writer. */
static void interrupt_writer(struct drain *d)
{
	int32_t id = __atomic_load_n(&d->writer_id, __ATOMIC_RELAXED);

	if (id)
		syscall(SYS_tgkill, getpid(), id, INTERRUPT);
	drain_tell(d->queued_fd);
}

/*
 * Waits until the writer is done. After an abort, interrupts it repeatedly, because a signal may arrive just before
 * the write that it should interrupt.
 */
static void wait_for_writer(struct drain *d)
{
	while (!__atomic_load_n(&d->writer_done, __ATOMIC_ACQUIRE)) {
		bool aborted = __atomic_load_n(&d->abort, __ATOMIC_ACQUIRE);

		if (aborted)
			interrupt_writer(d);
		drain_wait_told(d->end_fd, aborted ? INTERRUPT_EVERY_MS : -1);
	}
}

int32_t pmu_drain_stop(void *drain)
{
	struct drain *d = drain;

	if (d->running) {
		__atomic_store_n(&d->stop, true, __ATOMIC_RELEASE);
		drain_tell(d->wake_fd);
		wait_for_writer(d);
		pthread_join(d->emptier, NULL);
		pthread_join(d->writer, NULL);
		d->running = false;
	}
	return pmu_drain_error(d);
}

void pmu_drain_abort(void *drain)
{
	struct drain *d = drain;

	__atomic_store_n(&d->abort, true, __ATOMIC_RELEASE);
	interrupt_writer(d);
	drain_tell(d->end_fd); /* wakes pmu_drain_stop */
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

int32_t pmu_drain_see(void *drain, const void *records, uint64_t len)
{
	struct drain *d = drain;
	struct circle c = { .data = (unsigned char *)records, .size = UINT64_C(1) << 63 };
	struct tally t;

	if (!d->seen)
		return -EINVAL;
	return records_walk(&c, 0, len, &t, d->seen) == len ? 0 : -EINVAL;
}

int64_t pmu_drain_seen(void *drain, void *buf, uint64_t len)
{
	struct drain *d = drain;

	return d->seen ? (int64_t)seen_take(d->seen, buf, len) : -EINVAL;
}

int32_t pmu_drain_see_again(void *drain)
{
	struct drain *d = drain;

	if (!d->seen)
		return -EINVAL;
	seen_again(d->seen);
	return 0;
}

int32_t pmu_drain_times(void *drain, uint64_t times[2])
{
	struct drain *d = drain;

	if (!d->seen || d->seen->first > d->seen->last)
		return -ENOENT;
	times[0] = d->seen->first;
	times[1] = d->seen->last;
	return 0;
}

int64_t pmu_drain_cuts(void *drain, char *buf, uint64_t len)
{
	struct drain *d = drain;
	uint64_t bytes;

	if (!d->seen || d->running)
		return -EINVAL;
	bytes = (uint64_t)d->seen->cuts.name_count * CUTS_COMM;
	if (bytes > len)
		return -ENOSPC;
	memcpy(buf, d->seen->cuts.names, bytes);
	return (int64_t)bytes;
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
	if (d->seen)
		seen_free(d->seen);
	free(d->seen);
	if (d->epoll_fd >= 0)
		close(d->epoll_fd);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	if (d->queued_fd >= 0)
		close(d->queued_fd);
	if (d->end_fd >= 0)
		close(d->end_fd);
	free(d);
}
