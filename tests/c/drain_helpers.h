/* A drain's statistics by name, and rings made by hand in memory files. */
#ifndef DRAIN_HELPERS_H
#define DRAIN_HELPERS_H

#include "../../ffi/shim/pmu.h"

#include <linux/perf_event.h>
#include <stddef.h>

/* One field of one ring. */
uint64_t stat_of(void *drain, int ring, enum pmu_ring_field field);

/* Samples taken less samples dropped, over all rings. */
uint64_t samples_written(void *drain);

/* The u64 at this offset of a file. */
uint64_t u64_in_file(int fd, int64_t offset);

/*
 * A ring that the test fills in the kernel's place: a memory file of a control page and data pages.
 * epoll does not take it, so a drain serves it at its interval.
 */
struct fake_ring {
	int fd;
	struct perf_event_mmap_page *control;
	unsigned char *data;
	uint64_t size, head;
};
struct fake_ring make_fake_ring(uint32_t pages);
void free_fake_ring(struct fake_ring *ring);

/* Appends a record of 8 + 8 * `words` bytes whose body is `body`; seen by the drain once published. */
void put_record(struct fake_ring *ring, uint32_t type, const uint64_t *body, size_t words);

/* Appends a bare header, however wrong its size. */
void put_header(struct fake_ring *ring, uint32_t type, uint16_t size);

/* Lets the drain see all up to the head. */
void publish(struct fake_ring *ring);

/* How far the drain has read. */
uint64_t tail_of(const struct fake_ring *ring);

#endif
