/* The thread that empties a drain's rings into its queue. See drain.h. */
#define _GNU_SOURCE
#include "drain.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Polling interval for conditions without a wake-up: a ring whose events have no task left, a full queue. */
#define LOOK_MS 10

#define RECORD_FINISHED_ROUND 68 /* record type of the perf tools: tools/lib/perf/include/perf/event.h */

static const struct perf_event_header finished_round = {
	.type = RECORD_FINISHED_ROUND,
	.size = sizeof(finished_round),
};

/* Appends the record for `r`'s dropped samples, with the time of the last of them, by which readers sort. */
static void append_loss(struct drain *d, const struct ring *r, const struct circle *c)
{
	struct loss loss = d->loss;
	uint32_t cpu = (uint32_t)r->counts[PMU_RING_CPU];

	memcpy(loss.record + sizeof(struct perf_event_header), &r->pass.samples, sizeof(r->pass.samples));
	if (loss.time_at >= 0)
		circle_read(c, r->pass.last_sample + (uint64_t)loss.sample_time_at, loss.record + loss.time_at, 8);
	if (loss.cpu_at >= 0)
		memcpy(loss.record + loss.cpu_at, &cpu, sizeof(cpu));
	queue_append_bytes(&d->queue, loss.record, loss.length);
}

/* Queues all records in [from, to) except samples, and a record that stands for those. */
static void queue_rest(struct drain *d, const struct ring *r, const struct circle *c, uint64_t from, uint64_t to)
{
	uint64_t kept_from = from;

	for (uint64_t at = from; at != to;) {
		struct perf_event_header header;

		circle_read(c, at, &header, sizeof(header));
		if (header.type == PERF_RECORD_SAMPLE) {
			queue_append(&d->queue, c, kept_from, at - kept_from);
			kept_from = at + header.size;
		}
		at += header.size;
	}
	queue_append(&d->queue, c, kept_from, to - kept_from);
	append_loss(d, r, c);
}

/* Queues all records in [from, *to), and tallies the copy, which is in the cache by then; see ring_walk on `*to`. */
static void queue_all(struct drain *d, struct ring *r, const struct circle *c, uint64_t from, uint64_t *to)
{
	uint64_t at = d->queue.put, end = at + (*to - from);

	queue_append(&d->queue, c, from, *to - from);
	drain_note_error(d, -ring_walk(r, &d->queue.bytes, at, &end, d->seen));
	queue_cut(&d->queue, end);
	*to = from + (end - at);
	if (d->seen)
		seen_times(d->seen, &d->queue.bytes, &r->pass);
}

uint64_t drain_queue_records(struct drain *d, uint32_t ring, const struct circle *c, uint64_t from, uint64_t to,
			     bool samples)
{
	struct ring *r = &d->rings[ring];
	bool drop = !samples && r->pass.samples > 0;

	queue_begin(&d->queue, drop ? ENTRY_REST : ENTRY_PASS, ring);
	if (drop)
		queue_rest(d, r, c, from, to);
	else
		queue_all(d, r, c, from, &to);
	if (from == to) { /* not even one valid record */
		queue_cut(&d->queue, d->queue.filling);
		return to;
	}
	queue_end(&d->queue, drop ? 0 : r->pass.samples);
	ring_count_pass(r, to - from);
	if (drop) {
		ring_count(r->counts, PMU_RING_DROPBUF, 1);
		ring_count_dropped(r->counts, r->pass.samples, r->pass.sample_bytes);
	}
	return to;
}

uint64_t drain_look(struct drain *d)
{
	uint64_t size = ENTRY_OVERHEAD + sizeof(finished_round);

	for (uint32_t i = 0; i < d->ring_count; i++) {
		struct ring *r = &d->rings[i];

		drain_note_error(d, -ring_look(r));
		size += ENTRY_OVERHEAD + (r->head - r->tail);
	}
	return size;
}

/* Tallies the records in place. Returns the bytes that all but the samples need in the queue. */
static uint64_t look_into_rings(struct drain *d)
{
	uint64_t size = ENTRY_OVERHEAD + sizeof(finished_round);

	for (uint32_t i = 0; i < d->ring_count; i++) {
		struct ring *r = &d->rings[i];

		drain_note_error(d, -ring_walk(r, &r->records, r->tail, &r->head, d->seen));
		size += ENTRY_OVERHEAD + (r->head - r->tail) - r->pass.sample_bytes + d->loss.length;
	}
	return size;
}

/* Empties all rings. With `samples`, takes everything; else all but the samples that look_into_rings() has found. */
static void take_pass(struct drain *d, bool samples)
{
	bool any = false;

	for (uint32_t i = 0; i < d->ring_count; i++) {
		struct ring *r = &d->rings[i];

		if (r->head != r->tail)
			r->head = drain_queue_records(d, i, &r->records, r->tail, r->head, samples);
		if (r->head == r->tail) {
			ring_count(r->counts, PMU_RING_EMPTYBUF, 1);
			continue;
		}
		any = true;
		ring_release(r);
	}
	if (any)
		drain_end_round(d);
}

void drain_end_round(struct drain *d)
{
	if (!(d->flags & PMU_DRAIN_NO_ROUNDS)) {
		queue_begin(&d->queue, ENTRY_ROUND, 0);
		queue_append_bytes(&d->queue, &finished_round, sizeof(finished_round));
		queue_end(&d->queue, 0);
	}
	queue_publish(&d->queue);
	drain_signal(d->queued_fd);
}

/*
 * Makes one pass over all rings, or over none when the queue is full, so that rounds stay true; the kernel then
 * counts what does not fit into the rings. On the `last` pass nothing is urgent or dropped.
 */
static void pass(struct drain *d, bool last)
{
	uint64_t size;

	queue_rewind(&d->queue);
	if (d->seen)
		cuts_end_pass(&d->seen->cuts); /* of the previous pass */
	size = drain_look(d);
	d->choked = false;
	if (queue_used(&d->queue) + size <= d->queue_limit || (last && queue_room(&d->queue) >= size))
		take_pass(d, true);
	else if (!last && d->loss.length && queue_room(&d->queue) >= look_into_rings(d))
		take_pass(d, false);
	else
		d->choked = true;
}

/*
 * Replaces the ring's event by the next one, because all tasks of the event have ended and epoll would report that
 * forever.
 */
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
	d->hungup = true; /* the children of those tasks may run on */
}

void drain_wait_for_records(struct drain *d)
{
	struct epoll_event events[64];
	int ms = (d->hungup || d->choked) && d->interval_ms > LOOK_MS ? LOOK_MS : d->interval_ms;
	int n = epoll_wait(d->epoll_fd, events, 64, ms);

	if (n < 0 && errno != EINTR) {
		drain_note_error(d, errno);
		usleep(LOOK_MS * 1000);
	}
	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 == WAKE_EVENT)
			drain_wait_signal(d->wake_fd, 0);
		else if (events[i].events & (EPOLLHUP | EPOLLERR))
			next_waker(d, (uint32_t)events[i].data.u64);
	}
}

void drain_end_queue(struct drain *d)
{
	if (d->seen)
		cuts_end(&d->seen->cuts);
	__atomic_store_n(&d->all_queued, true, __ATOMIC_RELEASE);
	drain_signal(d->queued_fd);
}

void *drain_emptier_main(void *argument)
{
	struct drain *d = argument;
	bool last = false;

	prctl(PR_SET_NAME, "pmuctl-drain");
	while (!last || d->choked) {
		drain_wait_for_records(d);
		last = __atomic_load_n(&d->stop, __ATOMIC_ACQUIRE);
		pass(d, last);
	}
	drain_end_queue(d);
	return NULL;
}
