/* Perf records in circular buffers: rings and the drain's queue. */
#ifndef PMU_RECORDS_H
#define PMU_RECORDS_H

#include <stdint.h>

/* Positions only increase, and are masked for access. Records start at multiples of eight. */
struct circle {
	unsigned char *data;
	uint64_t size;   /* a power of two */
	uint64_t origin; /* position of the start of the data: a multiple of eight */
};

/* Sums over a range of records; the names are those of enum pmu_ring_field. */
struct tally {
	uint64_t samples, sample_bytes, records, lost, lost_samples, throttle, unthrottle;
	uint64_t first_sample, last_sample; /* positions, if there are samples */
};

struct seen;

/* Returns the address of a position. */
static inline unsigned char *circle_at(const struct circle *c, uint64_t position)
{
	return c->data + ((position - c->origin) & (c->size - 1));
}

/* Returns how many of `length` bytes from `position` on lie before the end of the buffer. */
static inline uint64_t circle_before_end(const struct circle *c, uint64_t position, uint64_t length)
{
	uint64_t to_end = c->size - ((position - c->origin) & (c->size - 1));

	return length < to_end ? length : to_end;
}

/* Reads the u64 at a multiple of eight, which never wraps around. */
uint64_t circle_u64(const struct circle *c, uint64_t position);

/* Copies `length` bytes out of the buffer, which may wrap around its end. */
void circle_read(const struct circle *c, uint64_t position, void *into, uint64_t length);

/* Copies `length` bytes into the buffer, which may wrap around its end. */
void circle_write(struct circle *c, uint64_t position, const void *from, uint64_t length);

/*
 * Tallies the whole records in [from, to) and returns the end of the last one: `to`, unless `to` truncates a record
 * or a header is invalid (too small, odd, or reaching beyond `to`). `seen`, unless NULL, notes maps, forks and execs
 * among them.
 */
uint64_t records_walk(const struct circle *c, uint64_t from, uint64_t to, struct tally *t, struct seen *seen);

#endif
