#define _GNU_SOURCE
#include "perf_helpers.h"

#include "../../ffi/shim/pmu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct perf_event_attr software_attr(uint64_t config, uint64_t period)
{
	struct perf_event_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.type = PERF_TYPE_SOFTWARE;
	attr.size = sizeof(attr);
	attr.config = config;
	attr.sample_period = period;
	attr.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
	attr.disabled = 1;
	attr.exclude_kernel = 1;
	attr.exclude_hv = 1;
	attr.watermark = 1;
	attr.wakeup_watermark = 1024;
	return attr;
}

int32_t open_faults(int32_t pid, int32_t cpu, bool inherit)
{
	struct perf_event_attr attr = software_attr(PERF_COUNT_SW_PAGE_FAULTS, 1);

	attr.inherit = inherit;
	return pmu_open(&attr, pid, cpu, -1, 0);
}

void touch_pages(size_t pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *memory = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		abort();
	madvise((void *)memory, pages * page, MADV_NOHUGEPAGE); /* one fault a page; without THP it fails */
	for (size_t i = 0; i < pages; i++)
		memory[i * page] = 1;
	munmap((void *)memory, pages * page);
}

uint64_t count_of(int32_t fd)
{
	uint64_t value;

	if (pmu_read(fd, &value, sizeof(value)) != (int64_t)sizeof(value))
		abort();
	return value;
}

struct found find_records(const void *bytes, size_t size)
{
	const char *at = bytes, *end = at + size;
	struct found found = { 0 };

	while ((size_t)(end - at) >= sizeof(struct perf_event_header)) {
		struct perf_event_header header;
		uint64_t lost;

		memcpy(&header, at, sizeof(header));
		if (header.size < sizeof(header) || header.size > end - at)
			break;
		found.records++;
		found.last_type = header.type;
		if (header.type == PERF_RECORD_SAMPLE)
			found.samples++;
		if (header.type == 68)
			found.rounds++;
		if (header.type == PERF_RECORD_LOST) {
			memcpy(&lost, at + 16, sizeof(lost));
			found.lost += lost;
		}
		if (header.type == PERF_RECORD_LOST_SAMPLES) {
			memcpy(&lost, at + 8, sizeof(lost));
			found.lost_samples += lost;
		}
		if (header.type == PERF_RECORD_COMM)
			found.comms++;
		at += header.size;
	}
	found.whole = at == end;
	return found;
}

struct found find_in_file(int fd, int64_t offset)
{
	struct found found = { 0 };
	struct stat stat;
	size_t size;
	char *bytes;

	if (fstat(fd, &stat) < 0 || stat.st_size < offset)
		return found;
	size = (size_t)(stat.st_size - offset);
	bytes = malloc(size + 1);
	if (bytes && pread(fd, bytes, size, offset) == (ssize_t)size)
		found = find_records(bytes, size);
	free(bytes);
	return found;
}

int scratch_file(void)
{
	FILE *file = tmpfile();
	int fd = file ? dup(fileno(file)) : -errno;

	if (file)
		fclose(file);
	return fd;
}
