/*
 * Rings written backward, of which the kernel overwrites the oldest records: see pmu.h. The head of such a ring
 * falls from 0 on: the youngest record begins at it, older ones follow upward, and what lies a ring's size above
 * has been overwritten.
 */
#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RECORD_HEADER sizeof(struct perf_event_header)

struct flight_ring {
	struct perf_event_mmap_page *control;
	const unsigned char *data;
	size_t mapped;
	uint64_t size; /* of data: a power of two */
	int fd;
	uint64_t last_head; /* at the last take: what lies above has been taken */
	unsigned char *copy;  /* what a take copied, youngest record first */
	unsigned char *taken; /* the same, oldest record first */
	uint64_t taken_bytes, written_bytes;
	uint64_t counts[PMU_FLIGHT_FIELDS];
};

struct flight {
	struct flight_ring *rings;
	uint32_t ring_count;
};

void *pmu_flight_new(void)
{
	return calloc(1, sizeof(struct flight));
}

static int32_t map_ring(struct flight_ring *r, int fd, uint32_t pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *map;

	memset(r, 0, sizeof(*r));
	r->size = (uint64_t)pages * page;
	r->mapped = r->size + page;
	r->fd = fd;
	/* Not writable: that tells the kernel that nobody will make room, and to overwrite. */
	map = mmap(NULL, r->mapped, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	r->control = map;
	r->data = (unsigned char *)map + page;
	/* Here rather than at a dump: a machine in trouble may have no memory then. */
	r->copy = malloc(r->size);
	r->taken = malloc(r->size);
	return r->copy && r->taken ? 0 : -ENOMEM;
}

static void unmap_ring(struct flight_ring *r)
{
	if (r->control)
		munmap(r->control, r->mapped);
	free(r->copy);
	free(r->taken);
}

int32_t pmu_flight_add(void *flight, int32_t fd, uint32_t pages, int32_t cpu)
{
	struct flight *f = flight;
	struct flight_ring *rings;
	int32_t error;

	if (pages == 0 || (pages & (pages - 1)))
		return -EINVAL;
	rings = realloc(f->rings, (f->ring_count + 1) * sizeof(*rings));
	if (!rings)
		return -ENOMEM;
	f->rings = rings;
	error = map_ring(&rings[f->ring_count], fd, pages);
	if (error) {
		unmap_ring(&rings[f->ring_count]);
		return error;
	}
	rings[f->ring_count].counts[PMU_FLIGHT_CPU] = (uint64_t)(int64_t)cpu;
	return (int32_t)f->ring_count++;
}

static uint64_t head_of(const struct flight_ring *r)
{
	return __atomic_load_n(&r->control->data_head, __ATOMIC_ACQUIRE);
}

/* Copies what is new, youngest record first; the ring stands still meanwhile. Returns the bytes that are good. */
static uint64_t copy_new(struct flight_ring *r, uint64_t *head)
{
	uint64_t written, length, at, to_end, moved;

	*head = head_of(r);
	written = r->last_head - *head;
	length = written < r->size ? written : r->size;
	at = *head & (r->size - 1);
	to_end = r->size - at;
	if (length > to_end) {
		memcpy(r->copy, r->data + at, to_end);
		memcpy(r->copy + to_end, r->data, length - to_end);
	} else {
		memcpy(r->copy, r->data + at, length);
	}
	/* A record that was being written when the ring was stopped took its place from the oldest ones. */
	moved = *head - head_of(r);
	if (moved > r->size - length)
		length = moved < r->size ? r->size - moved : 0;
	return length;
}

static void count_record(struct flight_ring *r, const unsigned char *record, const struct perf_event_header *header)
{
	uint64_t lost;

	r->counts[PMU_FLIGHT_RECORDS]++;
	switch (header->type) {
	case PERF_RECORD_SAMPLE:
		r->counts[PMU_FLIGHT_SAMPLES]++;
		break;
	case PERF_RECORD_LOST: /* u64 id; u64 lost */
	case PERF_RECORD_LOST_SAMPLES: /* u64 lost */
		lost = header->type == PERF_RECORD_LOST ? 8 : 0;
		if (header->size < RECORD_HEADER + lost + 8)
			break;
		memcpy(&lost, record + RECORD_HEADER + lost, sizeof(lost));
		r->counts[header->type == PERF_RECORD_LOST ? PMU_FLIGHT_LOST : PMU_FLIGHT_LOST_SAMPLES] += lost;
		break;
	case PERF_RECORD_THROTTLE:
		r->counts[PMU_FLIGHT_THROTTLE]++;
		break;
	}
}

/* The whole records in the `length` bytes of the copy, counted, and turned round into `taken`. */
static void turn_round(struct flight_ring *r, uint64_t length)
{
	struct perf_event_header header;
	uint64_t end = 0;
	unsigned char *to;

	/* The last record there may be cut: the kernel has overwritten its end. */
	for (; length - end >= RECORD_HEADER; end += header.size) {
		memcpy(&header, r->copy + end, sizeof(header));
		if (header.size < sizeof(header) || header.size % 8 || header.size > length - end)
			break;
	}
	to = r->taken + end;
	for (uint64_t at = 0; at < end; at += header.size) {
		memcpy(&header, r->copy + at, sizeof(header));
		to -= header.size;
		memcpy(to, r->copy + at, header.size);
		count_record(r, to, &header);
	}
	r->taken_bytes = end;
}

static int32_t pause_output(const struct flight_ring *r, uint32_t pause)
{
	/* ENOTTY: not an event (the tests' rings are memory files), and nothing that writes by itself. */
	return ioctl(r->fd, PERF_EVENT_IOC_PAUSE_OUTPUT, pause) < 0 && errno != ENOTTY ? -errno : 0;
}

static int32_t take_ring(struct flight_ring *r)
{
	uint64_t head, length, cpu = r->counts[PMU_FLIGHT_CPU];
	int32_t error = pause_output(r, 1);

	if (error)
		return error;
	length = copy_new(r, &head);
	error = pause_output(r, 0);
	memset(r->counts, 0, sizeof(r->counts));
	r->counts[PMU_FLIGHT_CPU] = cpu;
	turn_round(r, length);
	r->counts[PMU_FLIGHT_BYTES] = r->taken_bytes;
	r->counts[PMU_FLIGHT_OVERWRITTEN_BYTES] = r->last_head - head - r->taken_bytes;
	r->last_head = head;
	r->written_bytes = 0;
	return error;
}

int32_t pmu_flight_take(void *flight)
{
	struct flight *f = flight;
	int32_t first = 0;

	/* One ring after another: each stands still only while it is copied itself. */
	for (uint32_t i = 0; i < f->ring_count; i++) {
		int32_t error = take_ring(&f->rings[i]);

		if (error && !first)
			first = error;
	}
	return first;
}

/* Writes what was taken from a ring. Returns 0 or -errno; r->written_bytes are whole records then, too. */
static int32_t write_taken(struct flight_ring *r, int out_fd)
{
	struct perf_event_header header;
	uint64_t done = 0, at = 0;
	int32_t error = 0;

	while (done < r->taken_bytes && !error) {
		ssize_t n = write(out_fd, r->taken + done, r->taken_bytes - done);

		if (n > 0)
			done += (uint64_t)n;
		else if (n == 0 || errno != EINTR)
			error = n == 0 ? -EIO : -errno;
	}
	while (at < done) {
		memcpy(&header, r->taken + at, sizeof(header));
		if (header.size > done - at)
			break;
		at += header.size;
	}
	if (done > at)
		(void)lseek(out_fd, -(off_t)(done - at), SEEK_CUR);
	r->written_bytes = at;
	r->counts[PMU_FLIGHT_DROPPED_SAMPLES] = 0;
	for (; at < r->taken_bytes; at += header.size) {
		memcpy(&header, r->taken + at, sizeof(header));
		r->counts[PMU_FLIGHT_DROPPED_SAMPLES] += header.type == PERF_RECORD_SAMPLE;
	}
	return error;
}

int32_t pmu_flight_write(void *flight, int32_t out_fd, uint64_t *written)
{
	struct flight *f = flight;
	int32_t first = 0;

	*written = 0;
	for (uint32_t i = 0; i < f->ring_count; i++) {
		int32_t error = write_taken(&f->rings[i], out_fd);

		*written += f->rings[i].written_bytes;
		if (error && !first)
			first = error;
	}
	return first;
}

int64_t pmu_flight_stats(void *flight, uint64_t *buf, uint64_t len)
{
	struct flight *f = flight;
	uint64_t filled = 0;

	for (uint32_t i = 0; i < f->ring_count; i++) {
		if ((filled + PMU_FLIGHT_FIELDS) * sizeof(*buf) > len)
			break;
		memcpy(buf + filled, f->rings[i].counts, sizeof(f->rings[i].counts));
		filled += PMU_FLIGHT_FIELDS;
	}
	return (int64_t)(filled * sizeof(*buf));
}

void pmu_flight_free(void *flight)
{
	struct flight *f = flight;

	if (!f)
		return;
	for (uint32_t i = 0; i < f->ring_count; i++)
		unmap_ring(&f->rings[i]);
	free(f->rings);
	free(f);
}
