/* See batch.h. */
#define _GNU_SOURCE
#include "batch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

_Static_assert(BATCH_PARTS <= IOV_MAX, "one writev takes a whole batch");

#define RECORD_FINISHED_ROUND 68 /* of the perf tools: tools/lib/perf/include/perf/event.h */

static const struct perf_event_header finished_round = {
	.type = RECORD_FINISHED_ROUND,
	.size = sizeof(finished_round),
};

static void add_part(struct batch *b, const void *base, uint64_t length)
{
	b->parts[b->part_count].iov_base = (void *)base;
	b->parts[b->part_count].iov_len = length;
	b->part_count++;
	b->bytes += length;
}

void batch_add_ring(struct batch *b, struct ring *r)
{
	uint64_t length = r->head - r->tail;
	uint64_t to_end = r->size - (r->tail & (r->size - 1));

	b->rings[b->ring_count++] = r;
	if (length > to_end) {
		add_part(b, ring_at(r, r->tail), to_end);
		add_part(b, r->data, length - to_end);
	} else {
		add_part(b, ring_at(r, r->tail), length);
	}
	/* Full, when it could not take another ring and a round. */
	if (b->bytes >= BATCH_BYTES || b->part_count + 3 > BATCH_PARTS)
		batch_flush(b);
}

void batch_add_round(struct batch *b)
{
	add_part(b, &finished_round, sizeof(finished_round));
	b->round = true;
}

/* Writes the parts, using them up. Returns the bytes written: fewer than all when b->error was set. */
static uint64_t write_parts(struct batch *b)
{
	struct iovec *parts = b->parts;
	int left = b->part_count;
	uint64_t done = 0;

	while (left > 0) {
		ssize_t n = writev(b->out_fd, parts, left);

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
			struct pollfd writable = { .fd = b->out_fd, .events = POLLOUT };

			poll(&writable, 1, -1); /* whatever it says, the next writev says it too */
		} else if (n == 0 || errno != EINTR) {
			b->error = n == 0 ? EIO : errno;
			break;
		}
	}
	return done;
}

void batch_flush(struct batch *b)
{
	uint64_t done = b->error ? 0 : write_parts(b);
	uint64_t left = done; /* of what was written: the part beyond the rings settled so far */
	uint64_t kept = 0;    /* of what was written: whole records */

	for (int i = 0; i < b->ring_count; i++) {
		struct ring *r = b->rings[i];
		uint64_t whole = r->head - r->tail;

		if (left >= whole) {
			left -= whole;
		} else {
			struct tally t;

			whole = ring_walk(r, r->tail, r->tail + left, &t) - r->tail;
			left = 0;
			ring_count_dropped(r, whole);
		}
		kept += whole;
		ring_release(r);
	}
	if (b->round && left >= sizeof(finished_round))
		kept += sizeof(finished_round);
	if (done > kept) /* in a file, what comes next overwrites the cut record; a pipe refuses */
		(void)lseek(b->out_fd, -(off_t)(done - kept), SEEK_CUR);
	__atomic_fetch_add(&b->written, kept, __ATOMIC_RELAXED);
	b->part_count = b->ring_count = 0;
	b->bytes = 0;
	b->round = false;
}
