/*
 * Rings written backward, in which the kernel overwrites the oldest records: see pmu.h. The head of such a ring
 * decreases from 0: the newest record begins at it, older ones follow upward, and everything a ring's size or more
 * above it has been overwritten.
 */
#define _GNU_SOURCE
#include "../pmu.h"
#include "records.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct flight_ring {
	struct perf_event_mmap_page *control;
	struct circle records;
	size_t mapped; /* size of control page and data */
	int fd;
	uint64_t last_head;  /* head at the last take: records above it have been taken */
	struct circle copy;  /* records copied by the last take, newest first */
	struct circle taken; /* those records, oldest first */
	uint64_t taken_bytes;
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
	r->records.size = r->copy.size = r->taken.size = (uint64_t)pages * page;
	r->mapped = r->records.size + page;
	r->fd = fd;
	/* Read-only: so the kernel knows that nobody frees space, and overwrites. */
	map = mmap(NULL, r->mapped, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	r->control = map;
	r->records.data = (unsigned char *)map + page;
	/* Allocated now, because a machine in trouble may have no memory left when a dump is requested. */
	r->copy.data = malloc(r->copy.size);
	r->taken.data = malloc(r->taken.size);
	return r->copy.data && r->taken.data ? 0 : -ENOMEM;
}

static void unmap_ring(struct flight_ring *r)
{
	if (r->control)
		munmap(r->control, r->mapped);
	free(r->copy.data);
	free(r->taken.data);
}

int32_t pmu_flight_add(void *flight, int32_t fd, uint32_t pages, int32_t cpu)
{
	struct flight *f = flight;
	struct flight_ring *rings, ring;
	int32_t error;

	if (pages == 0 || (pages & (pages - 1)))
		return -EINVAL;
	rings = realloc(f->rings, (f->ring_count + 1) * sizeof(*rings));
	if (!rings)
		return -ENOMEM;
	f->rings = rings;
	error = map_ring(&ring, fd, pages);
	if (error) {
		unmap_ring(&ring);
		return error;
	}
	ring.counts[PMU_FLIGHT_CPU] = (uint64_t)(int64_t)cpu;
	rings[f->ring_count] = ring;
	return (int32_t)f->ring_count++;
}

static uint64_t head_of(const struct flight_ring *r)
{
	return __atomic_load_n(&r->control->data_head, __ATOMIC_ACQUIRE);
}

/* Copies new records, newest first; the ring is paused meanwhile. Returns the valid bytes. */
static uint64_t copy_new(struct flight_ring *r, uint64_t *head)
{
	uint64_t size = r->records.size, length, moved;

	*head = head_of(r);
	length = r->last_head - *head;
	if (length > size)
		length = size;
	circle_read(&r->records, *head, r->copy.data, length);
	/* A record in progress when the ring was paused took its space from the oldest ones. */
	moved = *head - head_of(r);
	if (moved > size - length)
		length = moved < size ? size - moved : 0;
	return length;
}

/* Reverses the order of the records in [0, end) of the copy into `taken`. */
static void turn_round(struct flight_ring *r, uint64_t end)
{
	unsigned char *to = r->taken.data + end;
	struct perf_event_header header;

	for (uint64_t at = 0; at < end; at += header.size) {
		memcpy(&header, r->copy.data + at, sizeof(header));
		to -= header.size;
		memcpy(to, r->copy.data + at, header.size);
	}
	r->taken_bytes = end;
}

static int32_t pause_output(const struct flight_ring *r, uint32_t pause)
{
	/* ENOTTY: not an event (the tests' rings are memory files), so nothing writes to it. */
	return ioctl(r->fd, PERF_EVENT_IOC_PAUSE_OUTPUT, pause) < 0 && errno != ENOTTY ? -errno : 0;
}

static int32_t take_ring(struct flight_ring *r)
{
	int32_t error = pause_output(r, 1);
	uint64_t head, length;
	struct tally t;

	if (error)
		return error;
	length = copy_new(r, &head);
	error = pause_output(r, 0);
	/*
	 * The last record of the copy may be truncated, because the kernel has overwritten its end; it is left out
	 * then.
	 */
	turn_round(r, records_walk(&r->copy, 0, length, &t, NULL));
	r->counts[PMU_FLIGHT_SAMPLES] = t.samples;
	r->counts[PMU_FLIGHT_RECORDS] = t.records;
	r->counts[PMU_FLIGHT_BYTES] = r->taken_bytes;
	r->counts[PMU_FLIGHT_LOST] = t.lost;
	r->counts[PMU_FLIGHT_LOST_SAMPLES] = t.lost_samples;
	r->counts[PMU_FLIGHT_THROTTLE] = t.throttle;
	r->counts[PMU_FLIGHT_OVERWRITTEN_BYTES] = r->last_head - head - r->taken_bytes;
	r->counts[PMU_FLIGHT_DROPPED_SAMPLES] = 0;
	r->last_head = head;
	return error;
}

int32_t pmu_flight_take(void *flight)
{
	struct flight *f = flight;
	int32_t first = 0;

	/* Ring by ring, so that each is paused only while it is copied. */
	for (uint32_t i = 0; i < f->ring_count; i++) {
		int32_t error = take_ring(&f->rings[i]);

		if (error && !first)
			first = error;
	}
	return first;
}

/* Writes all bytes, or until an error; adds the written ones to `*done`. Returns 0 or -errno. */
static int32_t write_bytes(int out_fd, const unsigned char *bytes, uint64_t length, uint64_t *done)
{
	while (length > 0) {
		ssize_t n = write(out_fd, bytes, length);

		if (n > 0) {
			bytes += n;
			length -= (uint64_t)n;
			*done += (uint64_t)n;
		} else if (n == 0 || errno != EINTR) {
			return n == 0 ? -EIO : -errno;
		}
	}
	return 0;
}

/*
 * Writes the records taken from a ring, and the spare bytes after them. Where not all spare bytes fit, they replace
 * the last records; `*whole` is the bytes of whole records that are left. Returns 0 or -errno.
 */
static int32_t write_taken(struct flight_ring *r, int out_fd, uint32_t spare, uint64_t *whole)
{
	static const unsigned char zeros[PMU_SPARE_MAX];
	uint64_t done = 0;
	int32_t error = write_bytes(out_fd, r->taken.data, r->taken_bytes, &done);
	struct tally t;

	if (!error)
		error = write_bytes(out_fd, zeros, spare, &done);
	*whole = records_walk(&r->taken, 0, done > spare ? done - spare : 0, &t, NULL);
	if (done > *whole)
		(void)lseek(out_fd, -(off_t)(done - *whole), SEEK_CUR);
	records_walk(&r->taken, *whole, r->taken_bytes, &t, NULL);
	r->counts[PMU_FLIGHT_DROPPED_SAMPLES] = t.samples;
	return error;
}

int32_t pmu_flight_write(void *flight, int32_t out_fd, uint32_t spare, uint64_t *written)
{
	struct flight *f = flight;
	int32_t first = spare > PMU_SPARE_MAX ? -EINVAL : 0;

	*written = 0;
	if (first)
		return first;
	for (uint32_t i = 0; i < f->ring_count; i++) {
		uint64_t whole;
		int32_t error = write_taken(&f->rings[i], out_fd, spare, &whole);

		*written += whole;
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
