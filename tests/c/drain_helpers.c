#define _GNU_SOURCE
#include "drain_helpers.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_RINGS 1024

uint64_t stat_of(void *drain, int ring, enum pmu_ring_field field)
{
	static uint64_t words[1 + MAX_RINGS * PMU_RING_FIELDS];

	if (pmu_drain_stats(drain, words, sizeof(words)) < 0 || words[0] <= (uint64_t)ring)
		abort();
	return words[1 + ring * PMU_RING_FIELDS + field];
}

uint64_t samples_written(void *drain)
{
	uint64_t rings, sum = 0;

	pmu_drain_stats(drain, &rings, sizeof(rings));
	for (uint64_t i = 0; i < rings; i++)
		sum += stat_of(drain, (int)i, PMU_RING_SAMPLES) - stat_of(drain, (int)i, PMU_RING_DROPBUF_SAMPLE);
	return sum;
}

uint64_t u64_in_file(int fd, int64_t offset)
{
	uint64_t value;

	if (pread(fd, &value, sizeof(value), offset) != (ssize_t)sizeof(value))
		abort();
	return value;
}

struct fake_ring make_fake_ring(uint32_t pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct fake_ring ring = { .fd = (int)syscall(SYS_memfd_create, "ring", 0), .size = pages * page };
	void *map;

	if (ring.fd < 0 || ftruncate(ring.fd, (off_t)(page + ring.size)) < 0)
		abort();
	map = mmap(NULL, page + ring.size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, 0);
	if (map == MAP_FAILED)
		abort();
	ring.control = map;
	ring.data = (unsigned char *)map + page;
	return ring;
}

void free_fake_ring(struct fake_ring *ring)
{
	munmap(ring->control, (size_t)sysconf(_SC_PAGESIZE) + ring->size);
	close(ring->fd);
}

static void put_word(struct fake_ring *ring, const void *word)
{
	memcpy(ring->data + ring->head % ring->size, word, 8);
	ring->head += 8;
}

void put_header(struct fake_ring *ring, uint32_t type, uint16_t size)
{
	struct perf_event_header header = { .type = type, .size = size };

	put_word(ring, &header);
}

void put_record(struct fake_ring *ring, uint32_t type, const uint64_t *body, size_t words)
{
	put_header(ring, type, (uint16_t)(8 + 8 * words));
	for (size_t i = 0; i < words; i++)
		put_word(ring, &body[i]);
}

void publish(struct fake_ring *ring)
{
	__atomic_store_n(&ring->control->data_head, ring->head, __ATOMIC_RELEASE);
}

uint64_t tail_of(const struct fake_ring *ring)
{
	return __atomic_load_n(&ring->control->data_tail, __ATOMIC_ACQUIRE);
}
