/* See records.h; the records' layouts are those of perf_event_open(2). */
#include "records.h"
#include "seen.h"

#include <linux/perf_event.h>
#include <string.h>

uint64_t circle_u64(const struct circle *c, uint64_t position)
{
	uint64_t value;

	memcpy(&value, circle_at(c, position), sizeof(value));
	return value;
}

void circle_read(const struct circle *c, uint64_t position, void *into, uint64_t length)
{
	uint64_t first = circle_before_end(c, position, length);

	memcpy(into, circle_at(c, position), first);
	memcpy((unsigned char *)into + first, c->data, length - first);
}

void circle_write(struct circle *c, uint64_t position, const void *from, uint64_t length)
{
	uint64_t first = circle_before_end(c, position, length);

	memcpy(circle_at(c, position), from, first);
	memcpy(c->data, (const unsigned char *)from + first, length - first);
}

uint64_t records_walk(const struct circle *c, uint64_t from, uint64_t to, struct tally *t, struct seen *seen)
{
	memset(t, 0, sizeof(*t));
	while (to - from >= sizeof(struct perf_event_header)) {
		struct perf_event_header header;

		memcpy(&header, circle_at(c, from), sizeof(header));
		if (header.size < sizeof(header) || header.size % 8 || header.size > to - from)
			break;
		switch (header.type) {
		case PERF_RECORD_SAMPLE:
			if (t->samples++ == 0)
				t->first_sample = from;
			t->last_sample = from;
			t->sample_bytes += header.size;
			break;
		case PERF_RECORD_LOST: /* u64 id; u64 lost */
			if (header.size >= sizeof(header) + 16)
				t->lost += circle_u64(c, from + sizeof(header) + 8);
			if (seen)
				cuts_record(&seen->cuts, c, from, &header);
			break;
		case PERF_RECORD_LOST_SAMPLES: /* u64 lost */
			if (header.size >= sizeof(header) + 8)
				t->lost_samples += circle_u64(c, from + sizeof(header));
			break;
		case PERF_RECORD_MMAP2:
			if (seen)
				cuts_record(&seen->cuts, c, from, &header);
			/* fallthrough */
		case PERF_RECORD_FORK:
			if (seen)
				seen_record(seen, c, from, &header);
			break;
		case PERF_RECORD_MMAP:
		case PERF_RECORD_COMM:
		case PERF_RECORD_EXIT:
			if (seen)
				cuts_record(&seen->cuts, c, from, &header);
			break;
		case PERF_RECORD_THROTTLE:
			t->throttle++;
			break;
		case PERF_RECORD_UNTHROTTLE:
			t->unthrottle++;
			break;
		}
		t->records++;
		from += header.size;
	}
	return from;
}
