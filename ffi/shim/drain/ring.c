/* Reading a perf ring. See ring.h; the layout is that of perf_event_open(2), "MMAP layout". */
#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
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
	r->records.data = (unsigned char *)map + page;
	r->records.size = (uint64_t)pages * page;
	r->mapped = mapped;
	r->wake_fd = fd;
	ring_take_up(r);
	r->counts[PMU_RING_CPU] = (uint64_t)(int64_t)cpu;
	return 0;
}

void ring_take_up(struct ring *r)
{
	r->tail = r->head = __atomic_load_n(&r->control->data_tail, __ATOMIC_ACQUIRE);
}

void ring_unmap(struct ring *r)
{
	munmap(r->control, r->mapped);
	free(r->stand_ins);
}

int32_t ring_add_stand_in(struct ring *r, int fd)
{
	int *more = realloc(r->stand_ins, (r->stand_in_count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	r->stand_ins = more;
	more[r->stand_in_count++] = fd;
	return 0;
}

int32_t ring_look(struct ring *r)
{
	memset(&r->pass, 0, sizeof(r->pass));
	r->head = r->broken ? r->tail : __atomic_load_n(&r->control->data_head, __ATOMIC_ACQUIRE);
	if (r->head - r->tail > r->records.size) {
		r->broken = true;
		r->head = r->tail;
	}
	return r->broken ? -EBADMSG : 0;
}

int32_t ring_walk(struct ring *r, const struct circle *c, uint64_t from, uint64_t *to, struct seen *seen)
{
	uint64_t end = records_walk(c, from, *to, &r->pass, seen);

	if (end == *to)
		return 0;
	r->broken = true;
	*to = end;
	return -EBADMSG;
}

void ring_count_pass(struct ring *r, uint64_t bytes)
{
	ring_count(r->counts, PMU_RING_SAMPLES, r->pass.samples);
	ring_count(r->counts, PMU_RING_RECORDS, r->pass.records);
	ring_count(r->counts, PMU_RING_BYTES, bytes);
	ring_count(r->counts, PMU_RING_LOST, r->pass.lost);
	ring_count(r->counts, PMU_RING_LOST_SAMPLES, r->pass.lost_samples);
	ring_count(r->counts, PMU_RING_THROTTLE, r->pass.throttle);
	ring_count(r->counts, PMU_RING_UNTHROTTLE, r->pass.unthrottle);
	ring_count(r->counts, PMU_RING_BUF, 1);
}

void ring_release(struct ring *r)
{
	__atomic_store_n(&r->control->data_tail, r->head, __ATOMIC_RELEASE);
	r->tail = r->head;
}

void ring_counts(const struct ring *r, uint64_t words[PMU_RING_FIELDS])
{
	for (int field = 0; field < PMU_RING_FIELDS; field++)
		words[field] = __atomic_load_n(&r->counts[field], __ATOMIC_RELAXED) +
			       __atomic_load_n(&r->failed[field], __ATOMIC_RELAXED);
}
