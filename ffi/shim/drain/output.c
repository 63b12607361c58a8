/* See output.h. */
#define _GNU_SOURCE
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

_Static_assert(OUTPUT_PARTS <= IOV_MAX, "one writev takes them all");

#define SIZE_FIELD_EVERY_NS INT64_C(200000000)

static const unsigned char zeros[PMU_SPARE_MAX];

static bool aborted(const struct output *o)
{
	return __atomic_load_n(o->aborted, __ATOMIC_RELAXED);
}

/* Adds a range of the circular buffer to the parts; it may take two. */
static int add_parts(struct iovec *parts, int count, const struct circle *c, uint64_t position, uint64_t length)
{
	uint64_t first = circle_before_end(c, position, length);

	parts[count++] = (struct iovec){ circle_at(c, position), first };
	if (first < length)
		parts[count++] = (struct iovec){ circle_at(c, position + first), length - first };
	return count;
}

/* Writes and consumes the parts. Returns the bytes written: fewer than all when o->error was set. */
static uint64_t write_parts(struct output *o, int left)
{
	struct iovec *parts = o->parts;
	uint64_t done = 0;

	while (left > 0) {
		ssize_t n;

		if (aborted(o)) {
			o->error = ECANCELED;
			break;
		}
		n = writev(o->fd, parts, left);
		if (n > 0) {
			done += (uint64_t)n;
			while (left > 0 && (size_t)n >= parts->iov_len) {
				n -= (ssize_t)parts->iov_len;
				parts++;
				left--;
			}
			if (left > 0) {
				parts->iov_base = (char *)parts->iov_base + n;
				parts->iov_len -= (size_t)n;
			}
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd writable = { .fd = o->fd, .events = POLLOUT };

			poll(&writable, 1, -1); /* any error recurs in the next writev */
		} else if (n == 0 || errno != EINTR) {
			o->error = n == 0 ? EIO : errno;
			break;
		}
	}
	return done;
}

/*
 * Accounts for the entries in [queue->tail, end). `done` bytes were written: first the entries', then spare bytes.
 * Where not all spare bytes fit, they replace the last records.
 */
static void settle(struct output *o, struct queue *q, uint64_t end, uint64_t done)
{
	uint64_t left =
		done > o->spare ? done - o->spare : 0; /* bytes written after the entries accounted for so far */
	uint64_t kept = 0;                             /* bytes of whole records among them */
	uint64_t at = q->tail, bytes;
	struct entry e;

	while (at != end && queue_next(q, &at, &e, &bytes)) {
		uint64_t *failed;
		struct tally t;
		uint64_t whole;

		if (left >= e.length) {
			left -= e.length;
			kept += e.length;
			o->rings[e.ring].unlisted += e.samples;
			continue;
		}
		whole = records_walk(&q->bytes, bytes, bytes + left, &t, NULL) - bytes;
		left = 0;
		kept += whole;
		if (e.kind == ENTRY_ROUND)
			continue;
		o->rings[e.ring].unlisted += t.samples;
		records_walk(&q->bytes, bytes + whole, bytes + e.length, &t, NULL);
		failed = o->rings[e.ring].failed;
		ring_count_dropped(failed, t.samples, e.length - whole);
		if (e.kind == ENTRY_PASS) /* ENTRY_REST has been counted already */
			ring_count(failed, PMU_RING_DROPBUF, 1);
	}
	if (done >
	    kept) /* in a file, the next write overwrites the truncated record and the spare bytes; a pipe refuses */
		(void)lseek(o->fd, -(off_t)(done - kept), SEEK_CUR);
	__atomic_fetch_add(&o->written, kept, __ATOMIC_RELAXED);
	queue_release(q, end);
}

void output_take_spare(struct output *o)
{
	uint64_t done;

	if (!o->spare)
		return;
	o->parts[0] = (struct iovec){ (void *)(uintptr_t)zeros, o->spare };
	done = write_parts(o, 1);
	(void)lseek(o->fd, -(off_t)done, SEEK_CUR);
}

bool output_write(struct output *o, struct queue *q)
{
	uint64_t at = q->tail, end = at, bytes, total = 0;
	struct entry e;
	int count = 0;

	while (total < OUTPUT_BYTES && count + 2 < OUTPUT_PARTS && queue_next(q, &at, &e, &bytes)) {
		count = add_parts(o->parts, count, &q->bytes, bytes, e.length);
		total += e.length;
		end = at;
	}
	if (end == q->tail)
		return false;
	if (o->spare)
		o->parts[count++] = (struct iovec){ (void *)(uintptr_t)zeros, o->spare };
	settle(o, q, end, o->error ? 0 : write_parts(o, count));
	return true;
}

/* Writes the size field; returns false on failure. */
static bool write_size(struct output *o)
{
	uint64_t size = o->written;
	ssize_t n;

	do
		n = pwrite(o->fd, &size, sizeof(size), o->size_field_at);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(size)) {
		if (!o->error)
			o->error = n < 0 ? errno : EIO;
		return false;
	}
	o->size_field = size;
	for (uint32_t i = 0; i < o->ring_count; i++)
		o->rings[i].unlisted = 0;
	return true;
}

int output_renew_size(struct output *o, bool now)
{
	int64_t clock, due;

	if (o->size_field_at < 0 || (!now && o->size_field == o->written))
		return -1;
	clock = pmu_clock_ns(CLOCK_MONOTONIC);
	due = o->size_field_ns + SIZE_FIELD_EVERY_NS - clock;
	if (!now && due > 0)
		return (int)(due / 1000000) + 1;
	o->size_field_ns = clock;
	write_size(o);
	return -1;
}

void output_end(struct output *o)
{
	if (o->size_field_at < 0 || write_size(o))
		return;
	for (uint32_t i = 0; i < o->ring_count; i++) {
		struct ring *r = &o->rings[i];

		ring_count_dropped(r->failed, r->unlisted, 0);
		ring_count(r->failed, PMU_RING_DROPBUF, r->unlisted > 0);
	}
	__atomic_store_n(&o->written, o->size_field, __ATOMIC_RELAXED);
}
