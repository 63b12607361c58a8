/* Stretches of perf records in a circular buffer: what they hold. Rings and the drain's queue are such buffers. */
#ifndef PMU_RECORDS_H
#define PMU_RECORDS_H

#include <stdint.h>

/* Positions grow for ever and are masked for access. Records start at multiples of eight. */
struct circle {
	unsigned char *data;
	uint64_t size;   /* a power of two */
	uint64_t origin; /* the position that lies at the start of the data: a multiple of eight */
};

/* Sums over a stretch of records; the names are those of enum pmu_ring_field. */
struct tally {
	uint64_t samples, sample_bytes, records, lost, lost_samples, throttle, unthrottle;
	uint64_t first_sample, last_sample; /* positions, where there are samples */
};

struct seen;

/* The address of a position. */
static inline unsigned char *circle_at(const struct circle *c, uint64_t position)
{
	return c->data + ((position - c->origin) & (c->size - 1));
}

/* How many of `length` bytes from `position` on lie before the end of the data. */
static inline uint64_t circle_before_end(const struct circle *c, uint64_t position, uint64_t length)
{
	uint64_t to_end = c->size - ((position - c->origin) & (c->size - 1));

	return length < to_end ? length : to_end;
}

/* The u64 at a multiple of eight: never in two parts. */
uint64_t circle_u64(const struct circle *c, uint64_t position);

/* Copies `length` bytes out of the circle, around its end where they go there. */
void circle_read(const struct circle *c, uint64_t position, void *into, uint64_t length);

/* Copies `length` bytes into the circle, likewise. */
void circle_write(struct circle *c, uint64_t position, const void *from, uint64_t length);

/*
 * Sums up the whole records in [from, to) and returns where the last of them ends. That is `to`,
 * unless `to` cuts a record or a header cannot be: too small, odd, or reaching beyond `to`. `seen` gets what
 * the records tell of what runs; NULL: nobody wants to know.
 */
uint64_t records_walk(const struct circle *c, uint64_t from, uint64_t to, struct tally *t, struct seen *seen);

#endif
