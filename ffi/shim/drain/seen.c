/* See seen.h; the records' layouts are those of perf_event_open(2). */
#include "seen.h"

#include "../portable.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* PERF_RECORD_MMAP2 up to its file name. */
struct mmap2 {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	unsigned char identity[24]; /* device and inode, or the build id */
	uint32_t prot, flags;
	char filename[];
};

/* The start of PERF_RECORD_FORK. */
struct fork {
	struct perf_event_header header;
	uint32_t pid, ppid;
};

/* Size limit of a PERF_RECORD_MMAP2 with the longest path and its trailer. */
#define MAX_RECORD 8192

_Static_assert(sizeof(struct perf_event_header) == 8 && offsetof(struct perf_event_header, size) == 6 &&
		       offsetof(struct fork, pid) == 8 && offsetof(struct fork, ppid) == 12,
	       "ffi/drain.ts reads entries at these offsets, 8 bytes further");
_Static_assert(sizeof(uint64_t) + MAX_RECORD <= 1 << 16, "ffi/drain.ts has room for the longest entry");

int32_t seen_make(struct seen *s)
{
	memset(s, 0, sizeof(*s));
	s->time_at = -1;
	s->first = UINT64_MAX;
	pthread_mutex_init(&s->lock, NULL);
	s->bytes = malloc(SEEN_BYTES);
	return s->bytes ? 0 : -ENOMEM;
}

void seen_free(struct seen *s)
{
	if (!s->bytes)
		return;
	free(s->bytes);
	pthread_mutex_destroy(&s->lock);
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash(uint64_t h, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++)
		h = (h ^ at[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Returns a hash that identifies the mapped file; never 0. Run-time code is identified by its process. */
static uint64_t hash_of(const struct mmap2 *map)
{
	size_t length = strnlen(map->filename, map->header.size - sizeof(*map));
	uint64_t h = hash(UINT64_C(0xcbf29ce484222325), map->filename, length);

	h = hash(h, map->identity, sizeof(map->identity));
	if (length >= 2 && memcmp(map->filename, "//", 2) == 0)
		h = hash(h, &map->pid, sizeof(map->pid));
	return h ? h : 1;
}

static void forget(struct seen *s)
{
	memset(s->known, 0, sizeof(s->known));
	s->known_count = 0;
}

/* Returns the slot that holds `h`, or the free slot where it belongs. */
static uint64_t *slot_of(struct seen *s, uint64_t h)
{
	uint32_t slot = (uint32_t)h & (SEEN_SLOTS - 1);

	while (s->known[slot] && s->known[slot] != h)
		slot = (slot + 1) & (SEEN_SLOTS - 1);
	return &s->known[slot];
}

/* Adds an entry; returns false, and adds nothing, when there is no room for it. */
static bool append(struct seen *s, uint64_t h, const void *record, uint16_t size)
{
	if (s->used + sizeof(h) + size > SEEN_BYTES)
		return false;
	memcpy(s->bytes + s->used, &h, sizeof(h));
	memcpy(s->bytes + s->used + sizeof(h), record, size);
	s->used += sizeof(h) + size;
	return true;
}

/* Adds a new mapped file. Without room it stays unknown: its next mapping adds it. */
static void append_file(struct seen *s, uint64_t h, const void *record, uint16_t size)
{
	uint64_t *slot;

	if (s->known_count > SEEN_SLOTS / 2)
		forget(s);
	slot = slot_of(s, h);
	if (*slot || !append(s, h, record, size))
		return;
	*slot = h;
	s->known_count++;
}

void seen_record(struct seen *s, const struct circle *c, uint64_t position, const struct perf_event_header *header)
{
	union {
		unsigned char bytes[MAX_RECORD];
		struct mmap2 map;
		struct fork fork;
	} record;

	if (header->size > sizeof(record) || header->size < sizeof(record.fork))
		return;
	circle_read(c, position, record.bytes, header->size);
	pthread_mutex_lock(&s->lock);
	if (header->type == PERF_RECORD_FORK) {
		if (record.fork.pid != record.fork.ppid) /* not a thread */
			append(s, 0, &record, header->size);
	} else if (!(header->misc & PERF_RECORD_MISC_MMAP_DATA) && header->size > sizeof(record.map)) {
		append_file(s, hash_of(&record.map), &record, header->size);
	}
	pthread_mutex_unlock(&s->lock);
}

void seen_times(struct seen *s, const struct circle *c, const struct tally *t)
{
	uint64_t first, last;

	if (s->time_at < 0 || t->samples == 0)
		return;
	circle_read(c, t->first_sample + (uint64_t)s->time_at, &first, sizeof(first));
	circle_read(c, t->last_sample + (uint64_t)s->time_at, &last, sizeof(last));
	if (first < s->first)
		s->first = first;
	if (last > s->last)
		s->last = last;
}

uint64_t seen_take(struct seen *s, void *buf, uint64_t len)
{
	uint64_t end = 0;

	pthread_mutex_lock(&s->lock);
	while (end < s->used) {
		struct perf_event_header header;
		uint64_t size;

		memcpy(&header, s->bytes + end + sizeof(uint64_t), sizeof(header));
		size = sizeof(uint64_t) + header.size;
		if (end + size > len)
			break;
		end += size;
	}
	memcpy(buf, s->bytes, end);
	memmove(s->bytes, s->bytes + end, s->used - end);
	s->used -= end;
	pthread_mutex_unlock(&s->lock);
	return end;
}

void seen_again(struct seen *s)
{
	pthread_mutex_lock(&s->lock);
	forget(s);
	pthread_mutex_unlock(&s->lock);
}
