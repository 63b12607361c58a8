/*
 * The threads of a drain: one empties the rings into a queue (emptier.c), the other writes, and may have to wait.
 * Starts them, wakes them, and ends them.
 */
#define _GNU_SOURCE
#include "drain.h"
#include "../portable.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

PMU_OLD_SYMBOL(pthread_create);
PMU_OLD_SYMBOL(pthread_join);
PMU_OLD_SYMBOL(pthread_sigmask);

/*
 * Default size of the queue: three times the rings, like tprof's three buffers per CPU, and enough for a disk that
 * stalls for a second or two. Memory is used only as it fills.
 */
#define QUEUE_RINGS 3
#define MIN_QUEUE (UINT64_C(16) << 20)
/* Part of their size that rings have at most once a caller has unwound the stacks in them. */
#define GIVEN_SHARE 8
/* Room that such a queue has at least, with rings of that size or more: several pieces of ring_output.ts. */
#define MIN_GIVEN (UINT64_C(1) << 20)

/* Real-time signal that interrupts the writer's write(2); its handler does nothing. */
#define INTERRUPT (SIGRTMAX - 1)
#define INTERRUPT_EVERY_MS 1

void drain_note_error(struct drain *d, int error)
{
	int none = 0;

	if (error)
		__atomic_compare_exchange_n(&d->error, &none, error, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void drain_signal(int event_fd)
{
	uint64_t one = 1;

	while (write(event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void drain_wait_signal(int event_fd, int ms)
{
	struct pollfd wanted = { .fd = event_fd, .events = POLLIN };
	uint64_t count;

	if (poll(&wanted, 1, ms) > 0 && read(event_fd, &count, sizeof(count)) < 0)
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
			drain_wait_signal(d->queued_fd, output_renew_size(&d->out, false));
	}
	output_end(&d->out);
	drain_note_error(d, d->out.error);
	__atomic_store_n(&d->writer_done, true, __ATOMIC_RELEASE);
	drain_signal(d->end_fd);
	return NULL;
}

static void interrupted(int signal)
{
	(void)signal; /* its only purpose is to make write(2) return EINTR */
}

/* ---- start and end --------------------------------------------------------------------------- */

/* Creates the queue; it has room for all rings together, or for what a caller makes of them. */
static int32_t make_queue(struct drain *d)
{
	uint64_t rings = 4096, wanted = d->queue_bytes;

	for (uint32_t i = 0; i < d->ring_count; i++)
		rings += d->rings[i].records.size + 2 * ENTRY_OVERHEAD + d->loss.length;
	/* Callers in place of stacks are much smaller, and are given in pieces. */
	if ((d->flags & PMU_DRAIN_BY_CALLER) && rings > MIN_GIVEN)
		rings = rings / GIVEN_SHARE > MIN_GIVEN ? rings / GIVEN_SHARE : MIN_GIVEN;
	if (!wanted)
		wanted = rings * QUEUE_RINGS > MIN_QUEUE ? rings * QUEUE_RINGS : MIN_QUEUE;
	d->queue_limit = wanted > rings ? wanted : rings;
	return queue_make(&d->queue, d->queue_limit + d->queue_limit / 4);
}

/* Starts both threads with the caller's blocked signals. Returns 0 or a positive errno. */
static int start_threads(struct drain *d)
{
	int error = pthread_create(&d->writer, NULL, writer_main, d);

	if (error || (d->flags & PMU_DRAIN_BY_CALLER))
		return error;
	error = pthread_create(&d->emptier, NULL, drain_emptier_main, d);
	if (error) {
		__atomic_store_n(&d->all_queued, true, __ATOMIC_RELEASE);
		drain_signal(d->queued_fd);
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
	drain_signal(d->queued_fd);
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
		drain_wait_signal(d->end_fd, aborted ? INTERRUPT_EVERY_MS : -1);
	}
}

void pmu_drain_ask_to_stop(void *drain)
{
	struct drain *d = drain;

	__atomic_store_n(&d->stop, true, __ATOMIC_RELEASE);
	drain_signal(d->wake_fd);
}

int32_t pmu_drain_stop(void *drain)
{
	struct drain *d = drain;

	if (d->running) {
		pmu_drain_ask_to_stop(d);
		wait_for_writer(d);
		if (!(d->flags & PMU_DRAIN_BY_CALLER))
			pthread_join(d->emptier, NULL);
		pthread_join(d->writer, NULL);
		drain_restore_priority(d);
		d->running = false;
	}
	return pmu_drain_error(d);
}

void pmu_drain_abort(void *drain)
{
	struct drain *d = drain;

	__atomic_store_n(&d->abort, true, __ATOMIC_RELEASE);
	interrupt_writer(d);
	drain_signal(d->end_fd); /* wakes pmu_drain_stop */
}
