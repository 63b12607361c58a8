/* Which programs the kernel stopped measuring at their exec, from the records of several rings. */
#include "../../ffi/shim/drain/cuts.h"
#include "harness.h"

#include <string.h>

#define EXEC PERF_RECORD_MISC_COMM_EXEC

/* Any of the records, with a name where it is a COMM. */
static void tell_at(struct cuts *cuts, uint32_t type, uint16_t misc, uint32_t tid, const char *name, uint64_t time)
{
	struct {
		struct perf_event_header header;
		uint32_t words[4];
		char rest[24];
	} record = { .header = { .type = type, .misc = misc, .size = sizeof(record) } };
	struct circle c = { .data = (unsigned char *)&record, .size = 64 };

	if (type == PERF_RECORD_COMM) {
		record.words[0] = record.words[1] = tid;
		memcpy((char *)&record + sizeof(record.header) + 8, name, strlen(name));
	} else if (type == PERF_RECORD_EXIT) {
		record.words[0] = record.words[2] = tid;
		record.words[1] = record.words[3] = 1;
	} else {
		record.words[0] = record.words[1] = tid;
	}
	memcpy((char *)&record + sizeof(record) - 8, &time, sizeof(time));
	cuts_record(cuts, &c, 0, &record.header);
}

/* The same of records without times, which count in the order that they come in. */
static void tell(struct cuts *cuts, uint32_t type, uint16_t misc, uint32_t tid, const char *name)
{
	tell_at(cuts, type, misc, tid, name, 0);
}

static void finds_what_ends_at_its_exec(void)
{
	struct cuts cuts = { 0 };

	tell(&cuts, PERF_RECORD_COMM, EXEC, 7, "sudo");
	tell(&cuts, PERF_RECORD_EXIT, 0, 7, NULL);
	tell(&cuts, PERF_RECORD_COMM, EXEC, 8, "sh");
	tell(&cuts, PERF_RECORD_MMAP2, 0, 8, NULL);
	tell(&cuts, PERF_RECORD_EXIT, 0, 8, NULL);
	tell(&cuts, PERF_RECORD_COMM, EXEC, 9, "a-name-of-fifteen");
	tell(&cuts, PERF_RECORD_EXIT, 0, 9, NULL);
	tell(&cuts, PERF_RECORD_COMM, EXEC, 10, "sudo");
	tell(&cuts, PERF_RECORD_EXIT, 0, 10, NULL);
	tell(&cuts, PERF_RECORD_COMM, EXEC, 11, "runs-on");
	cuts_end(&cuts);
	CHECK_EQ(cuts.name_count, 2);
	CHECK(strcmp(cuts.names[0], "sudo") == 0);
	CHECK(strcmp(cuts.names[1], "a-name-of-fifte") == 0);
}

/* The thread has moved to another CPU, whose ring is gone through later. */
static void waits_for_maps_of_other_rings(void)
{
	struct cuts cuts = { 0 };

	tell(&cuts, PERF_RECORD_COMM, EXEC, 7, "short");
	tell(&cuts, PERF_RECORD_EXIT, 0, 7, NULL);
	cuts_end_pass(&cuts);
	tell(&cuts, PERF_RECORD_MMAP, 0, 7, NULL);
	cuts_end_pass(&cuts);
	cuts_end(&cuts);
	CHECK_EQ(cuts.name_count, 0);
	tell(&cuts, PERF_RECORD_COMM, EXEC, 7, "cut");
	tell(&cuts, PERF_RECORD_EXIT, 0, 7, NULL);
	cuts_end_pass(&cuts);
	CHECK_EQ(cuts.name_count, 0);
	cuts_end_pass(&cuts);
	CHECK_EQ(cuts.name_count, 1);
}

/* The ring that has the shell's own exec and maps is read after the one in which it becomes the program. */
static void goes_by_time_where_rings_are_read_in_another_order(void)
{
	struct cuts cuts = { .time_back = 8 };

	tell_at(&cuts, PERF_RECORD_COMM, EXEC, 7, "sudo", 30);
	tell_at(&cuts, PERF_RECORD_EXIT, 0, 7, NULL, 31);
	tell_at(&cuts, PERF_RECORD_COMM, EXEC, 7, "sh", 10);
	tell_at(&cuts, PERF_RECORD_MMAP2, 0, 7, NULL, 11);
	/* This one ran on, and was read backwards. */
	tell_at(&cuts, PERF_RECORD_EXIT, 0, 8, NULL, 40);
	tell_at(&cuts, PERF_RECORD_MMAP2, 0, 8, NULL, 22);
	tell_at(&cuts, PERF_RECORD_COMM, EXEC, 8, "plain", 21);
	cuts_end(&cuts);
	CHECK_EQ(cuts.name_count, 1);
	CHECK(strcmp(cuts.names[0], "sudo") == 0);
}

static void trusts_nothing_where_records_were_lost(void)
{
	struct cuts cuts = { 0 };

	tell(&cuts, PERF_RECORD_COMM, EXEC, 7, "busy");
	tell(&cuts, PERF_RECORD_LOST, 0, 0, NULL);
	tell(&cuts, PERF_RECORD_EXIT, 0, 7, NULL);
	/* A thread that names itself has not exec'ed. */
	tell(&cuts, PERF_RECORD_COMM, 0, 8, "renamed");
	tell(&cuts, PERF_RECORD_EXIT, 0, 8, NULL);
	/* Cut short itself. */
	tell(&cuts, PERF_RECORD_EXIT, 0, 9, NULL);
	cuts_end(&cuts);
	CHECK_EQ(cuts.name_count, 0);
}

static void keeps_no_more_than_it_has_room_for(void)
{
	struct cuts cuts = { 0 };
	char name[8];

	for (uint32_t i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		tell(&cuts, PERF_RECORD_COMM, EXEC, i, name);
	}
	for (uint32_t i = 0; i < 300; i++)
		tell(&cuts, PERF_RECORD_EXIT, 0, i, NULL);
	cuts_end(&cuts);
	CHECK_EQ(cuts.name_count, CUTS_NAMES);
	for (uint32_t i = 0; i < CUTS_NAMES; i++)
		CHECK(strlen(cuts.names[i]) == 4); /* of the youngest: p236 to p299 */
}

int main(void)
{
	static const struct test tests[] = {
		{ "a program whose events end at its exec is found, and no other", finds_what_ends_at_its_exec, false },
		{ "a map in a ring that is read later tells of a program that ran", waits_for_maps_of_other_rings,
		  false },
		{ "times put the records of several rings in order", goes_by_time_where_rings_are_read_in_another_order,
		  false },
		{ "nothing is concluded from what may be missing", trusts_nothing_where_records_were_lost, false },
		{ "very many programs take no more room", keeps_no_more_than_it_has_room_for, false },
	};

	return RUN_TESTS(tests);
}
