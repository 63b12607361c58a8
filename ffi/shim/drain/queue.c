/* See queue.h. */
#define _GNU_SOURCE
#include "queue.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

int32_t queue_make(struct queue *q, uint64_t size)
{
	uint64_t power = 4096;
	void *map;

	while (power < size)
		power *= 2;
	map = mmap(NULL, power, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -errno;
	memset(q, 0, sizeof(*q));
	q->bytes.data = map;
	q->bytes.size = power;
	return 0;
}

void queue_free(struct queue *q)
{
	if (q->bytes.data)
		munmap(q->bytes.data, q->bytes.size);
	memset(q, 0, sizeof(*q));
}

uint64_t queue_used(const struct queue *q)
{
	return q->put - __atomic_load_n(&q->tail, __ATOMIC_ACQUIRE);
}

uint64_t queue_room(const struct queue *q)
{
	return q->bytes.size - queue_used(q);
}

void queue_rewind(struct queue *q)
{
	/* The consumer holds no position in the buffer, and reads none before head has moved. */
	if (queue_used(q) == 0)
		q->bytes.origin = q->put;
}

void queue_begin(struct queue *q, enum entry_kind kind, uint32_t ring)
{
	struct entry e = { .kind = kind, .ring = ring };

	q->filling = q->put;
	queue_append_bytes(q, &e, sizeof(e));
}

void queue_append(struct queue *q, const struct circle *from, uint64_t position, uint64_t length)
{
	uint64_t first = circle_before_end(from, position, length);

	queue_append_bytes(q, circle_at(from, position), first);
	if (first < length)
		queue_append_bytes(q, circle_at(from, position + first), length - first);
}

void queue_append_bytes(struct queue *q, const void *bytes, uint64_t length)
{
	circle_write(&q->bytes, q->put, bytes, length);
	q->put += length;
}

void queue_cut(struct queue *q, uint64_t position)
{
	q->put = position;
}

void queue_end(struct queue *q, uint64_t samples)
{
	uint64_t length = q->put - q->filling - sizeof(struct entry);

	circle_write(&q->bytes, q->filling + offsetof(struct entry, length), &length, sizeof(length));
	circle_write(&q->bytes, q->filling + offsetof(struct entry, samples), &samples, sizeof(samples));
	q->put = (q->put + 15) & ~UINT64_C(15);
}

void queue_publish(struct queue *q)
{
	__atomic_store_n(&q->head, q->put, __ATOMIC_RELEASE);
}

bool queue_next(const struct queue *q, uint64_t *position, struct entry *e, uint64_t *bytes)
{
	if (*position == __atomic_load_n(&q->head, __ATOMIC_ACQUIRE))
		return false;
	circle_read(&q->bytes, *position, e, sizeof(*e));
	*bytes = *position + sizeof(*e);
	*position = (*bytes + e->length + 15) & ~UINT64_C(15);
	return true;
}

void queue_release(struct queue *q, uint64_t position)
{
	__atomic_store_n(&q->tail, position, __ATOMIC_RELEASE);
}
