/* Reading a perf ring. See ring.h; the layout is that of perf_event_open(2), "MMAP layout". */
#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int32_t ring_map(struct ring *r, int fd, uint32_t pages, int32_t cpu)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t mapped = ((size_t)pages + 1) * page;
	void *map = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	memset(r, 0, sizeof(*r));
	r->control = map;
	r->data = (unsigned char *)map + page;
	r->size = (uint64_t)pages * page;
	r->mapped = mapped;
	r->fd = fd;
	r->tail = r->head = r->control->data_tail;
	r->counts[PMU_RING_CPU] = (uint64_t)(int64_t)cpu;
	return 0;
}

void ring_unmap(struct ring *r)
{
	munmap(r->control, r->mapped);
}

void ring_note_head(struct ring *r)
{
	if (!r->broken)
		r->head = __atomic_load_n(&r->control->data_head, __ATOMIC_ACQUIRE);
}

void ring_release(struct ring *r)
{
	__atomic_store_n(&r->control->data_tail, r->head, __ATOMIC_RELEASE);
	r->tail = r->head;
}

/* Records start at multiples of eight, so neither a header nor a u64 field wraps around the end. */
static uint64_t u64_at(const struct ring *r, uint64_t position)
{
	uint64_t value;

	memcpy(&value, ring_at(r, position), sizeof(value));
	return value;
}

uint64_t ring_walk(const struct ring *r, uint64_t from, uint64_t to, struct tally *t)
{
	memset(t, 0, sizeof(*t));
	while (to - from >= sizeof(struct perf_event_header)) {
		struct perf_event_header header;

		memcpy(&header, ring_at(r, from), sizeof(header));
		if (header.size < sizeof(header) || header.size % 8 || header.size > to - from)
			break;
		switch (header.type) {
		case PERF_RECORD_SAMPLE:
			t->samples++;
			break;
		case PERF_RECORD_LOST: /* u64 id; u64 lost */
			if (header.size >= sizeof(header) + 16)
				t->lost += u64_at(r, from + sizeof(header) + 8);
			break;
		case PERF_RECORD_LOST_SAMPLES: /* u64 lost */
			if (header.size >= sizeof(header) + 8)
				t->lost_samples += u64_at(r, from + sizeof(header));
			break;
		case PERF_RECORD_THROTTLE:
			t->throttle++;
			break;
		case PERF_RECORD_UNTHROTTLE:
			t->unthrottle++;
			break;
		}
		t->records++;
		from += header.size;
	}
	return from;
}

int32_t ring_count_pass(struct ring *r)
{
	struct tally t = { 0 };
	uint64_t end = r->tail;

	if (r->head - r->tail <= r->size)
		end = ring_walk(r, r->tail, r->head, &t);
	if (end != r->head) {
		r->broken = true;
		r->head = end;
	}
	ring_count(r, PMU_RING_SAMPLES, t.samples);
	ring_count(r, PMU_RING_RECORDS, t.records);
	ring_count(r, PMU_RING_BYTES, r->head - r->tail);
	ring_count(r, PMU_RING_LOST, t.lost);
	ring_count(r, PMU_RING_LOST_SAMPLES, t.lost_samples);
	ring_count(r, PMU_RING_THROTTLE, t.throttle);
	ring_count(r, PMU_RING_UNTHROTTLE, t.unthrottle);
	ring_count(r, PMU_RING_BUF, 1);
	return r->broken ? -EBADMSG : 0;
}

void ring_count_dropped(struct ring *r, uint64_t written)
{
	struct tally t;

	ring_walk(r, r->tail + written, r->head, &t);
	ring_count(r, PMU_RING_DROPBUF, 1);
	ring_count(r, PMU_RING_DROPBUF_SAMPLE, t.samples);
	ring_count(r, PMU_RING_DROPPED_BYTES, r->head - r->tail - written);
}
