/* pmu_open, reads and ioctls, on software events. */
#define _GNU_SOURCE
#include "harness.h"
#include "perf_helpers.h"

#include "../../ffi/shim/pmu.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void counts_what_happens(void)
{
	int32_t fd = open_faults(0, -1, false);
	uint64_t first;

	REQUIRE(fd >= 0);
	touch_pages(50);
	CHECK_EQ(count_of(fd), 0); /* it was opened disabled */
	CHECK_EQ(pmu_enable(fd, 0), 0);
	touch_pages(100);
	CHECK_EQ(pmu_disable(fd, 0), 0);
	first = count_of(fd);
	CHECK(first >= 100);
	touch_pages(50);
	CHECK_EQ(count_of(fd), first);
	CHECK_EQ(pmu_reset(fd, 0), 0);
	CHECK_EQ(count_of(fd), 0);
	CHECK_EQ(pmu_close(fd), 0);
}

/* Software events have no counter, and their page says nothing: 0, or the width that x86 puts on every page. */
static void tells_the_width_of_a_counter(void)
{
	int32_t fd = open_faults(0, -1, false);

	REQUIRE(fd >= 0);
	CHECK(pmu_width(fd) == 0 || pmu_width(fd) >= 32);
	CHECK_EQ(pmu_close(fd), 0);
	CHECK_EQ(pmu_width(fd), -EBADF);
}

static void reads_a_group(void)
{
	static const uint64_t configs[3] = {
		PERF_COUNT_SW_CPU_CLOCK,
		PERF_COUNT_SW_PAGE_FAULTS,
		PERF_COUNT_SW_CONTEXT_SWITCHES,
	};
	/* nr, time enabled, time running, then value and id of each */
	uint64_t read[3 + 3 * 2], id;
	int32_t fds[3];

	for (int i = 0; i < 3; i++) {
		struct perf_event_attr attr = software_attr(configs[i], 0);

		attr.disabled = i == 0;
		attr.exclude_kernel = i != 2; /* a context switch happens in the kernel */
		attr.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_ENABLED |
				   PERF_FORMAT_TOTAL_TIME_RUNNING;
		fds[i] = pmu_open(&attr, 0, -1, i == 0 ? -1 : fds[0], 0);
		if (fds[i] == -EACCES && i == 2) { /* not for everyone; then with user space only */
			attr.exclude_kernel = 1;
			fds[i] = pmu_open(&attr, 0, -1, fds[0], 0);
		}
		REQUIRE(fds[i] >= 0);
	}
	CHECK_EQ(pmu_enable(fds[0], 1), 0);
	touch_pages(200);
	CHECK_EQ(pmu_disable(fds[0], 1), 0);
	CHECK_EQ(pmu_read(fds[0], read, sizeof(read)), sizeof(read));
	CHECK_EQ(read[0], 3);
	CHECK(read[1] > 0);
	CHECK_EQ(read[1], read[2]); /* software events always run */
	CHECK(read[3] > 0);
	CHECK(read[5] >= 200);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(pmu_id(fds[i], &id), 0);
		CHECK_EQ(id, read[4 + 2 * i]);
	}
	CHECK_EQ(pmu_read(fds[0], read, 8), -ENOSPC);
	CHECK_EQ(pmu_reset(fds[0], 1), 0);
	CHECK_EQ(pmu_read(fds[0], read, sizeof(read)), sizeof(read));
	CHECK_EQ(read[5], 0);
	for (int i = 2; i >= 0; i--)
		pmu_close(fds[i]);
}

static void learns_the_attr_size_of_the_kernel(void)
{
	_Alignas(8) unsigned char bytes[1024] = { 0 };
	struct perf_event_attr attr = software_attr(PERF_COUNT_SW_DUMMY, 0);
	uint32_t size = sizeof(bytes);

	memcpy(bytes, &attr, sizeof(attr));
	memcpy(bytes + offsetof(struct perf_event_attr, size), &size, sizeof(size));
	bytes[sizeof(bytes) - 1] = 1; /* a field of some later kernel */
	CHECK_EQ(pmu_open(bytes, 0, -1, -1, 0), -E2BIG);
	memcpy(&size, bytes + offsetof(struct perf_event_attr, size), sizeof(size));
	CHECK(size >= PERF_ATTR_SIZE_VER0 && size < sizeof(bytes));
}

static void refuses_with_the_errno(void)
{
	struct perf_event_attr attr = software_attr(PERF_COUNT_SW_DUMMY, 0);
	uint64_t value;
	int32_t fd;

	attr.type = 0x7fffffff;
	fd = pmu_open(&attr, 0, -1, -1, 0);
	CHECK_EQ(fd, -ENOENT);
	attr = software_attr(PERF_COUNT_SW_DUMMY, 0);
	CHECK_EQ(pmu_open(&attr, 0x7ffffffe, -1, -1, 0), -ESRCH);
	CHECK_EQ(pmu_open(&attr, 0, -1, 0x7ffffffe, 0), -EBADF);
	CHECK_EQ(pmu_read(-1, &value, sizeof(value)), -EBADF);
	CHECK_EQ(pmu_enable(-1, 0), -EBADF);
	CHECK_EQ(pmu_id(-1, &value), -EBADF);
	CHECK_EQ(pmu_close(-1), -EBADF);
	fd = pmu_open(&attr, 0, -1, -1, 0);
	REQUIRE(fd >= 0);
	CHECK_EQ(pmu_set_filter(fd, "common_pid == 1"), -EINVAL); /* not a tracepoint */
	CHECK_EQ(pmu_set_output(fd, fd), -EINVAL);
	CHECK_EQ(pmu_refresh(fd, 1), -EINVAL); /* it does not sample */
	CHECK_EQ(pmu_period(fd, 1), -EINVAL);
	pmu_close(fd);
}

static void changes_the_period_of_a_sampling_event(void)
{
	int32_t fd = open_faults(0, -1, false);

	REQUIRE(fd >= 0);
	CHECK_EQ(pmu_period(fd, 3), 0);
	CHECK_EQ(pmu_period(fd, 0), -EINVAL);
	CHECK_EQ(pmu_refresh(fd, 2), 0); /* enabled for two samples, of three faults each */
	touch_pages(60);
	CHECK(count_of(fd) >= 6 && count_of(fd) < 60);
	pmu_close(fd);
}

/* A new empty file that is gone once it is closed. */
static int32_t create_file(void)
{
	char path[64];
	int32_t fd;

	snprintf(path, sizeof(path), "/tmp/pmu-events-test-%d", (int)getpid());
	fd = pmu_create(path, 0600);
	unlink(path);
	return fd;
}

static void names_a_file_once_it_has_its_bytes(void)
{
	char path[64];
	int32_t fd = pmu_create_nameless("/tmp", 0600), again;
	struct stat stat;

	if (fd == -EOPNOTSUPP || fd == -EISDIR)
		return; /* the file system of /tmp has no such files */
	REQUIRE(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(pmu_write(fd, "abc", 3), 3);
	snprintf(path, sizeof(path), "/tmp/pmu-events-test-%d", (int)getpid());
	CHECK(access(path, F_OK) < 0);
	CHECK_EQ(pmu_name(fd, path), 0);
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK_EQ(stat.st_size, 3);
	CHECK_EQ(stat.st_nlink, 1);
	CHECK_EQ(pmu_create(path, 0600), -EWOULDBLOCK);
	again = pmu_create_nameless("/tmp", 0600);
	CHECK_EQ(pmu_name(again, path), -EEXIST);
	pmu_close(again);
	pmu_close(fd);
	unlink(path);
	CHECK_EQ(pmu_create_nameless("/nowhere/at/all", 0600), -ENOENT);
	CHECK_EQ(pmu_name(-1, path), -ENOENT);
}

static void hands_no_descriptor_to_programs(void)
{
	int32_t fds[4];

	fds[0] = open_faults(0, -1, false);
	REQUIRE(fds[0] >= 0);
	CHECK_EQ(pmu_pipe(fds + 1), 0);
	fds[3] = create_file();
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		CHECK_EQ(pmu_close(fds[i]), 0);
	}
}

static void writes_and_seeks(void)
{
	char read[8] = { 0 };
	int32_t fd = create_file();

	REQUIRE(fd >= 0);
	CHECK_EQ(pmu_write(fd, "abcdef", 6), 6);
	CHECK_EQ(pmu_seek(fd, 0, 1), 6);
	CHECK_EQ(pmu_seek(fd, 2, 0), 2);
	CHECK_EQ(pmu_read(fd, read, sizeof(read)), 4);
	CHECK(memcmp(read, "cdef", 4) == 0);
	CHECK_EQ(pmu_seek(fd, -1, 0), -EINVAL);
	CHECK_EQ(pmu_seek(fd, 1, 0), 1);
	CHECK_EQ(pmu_write_at(fd, "XY", 2, 3), 2);
	CHECK_EQ(pmu_write_at(fd, "XY", 2, -1), -EINVAL);
	CHECK_EQ(pmu_read(fd, read, sizeof(read)), 5);
	CHECK(memcmp(read, "bcXYf", 5) == 0);
	CHECK_EQ(pmu_truncate(fd, 3), 0);
	CHECK_EQ(pmu_seek(fd, 0, 2), 3);
	CHECK_EQ(pmu_truncate(-1, 3), -EBADF);
	CHECK(pmu_overwrite_in_place(fd) >= 0);
	pmu_close(fd);
	CHECK_EQ(pmu_overwrite_in_place(-1), -EBADF);
	CHECK_EQ(pmu_create("/nowhere/at/all", 0600), -ENOENT);
	fd = open("/dev/full", O_WRONLY);
	CHECK_EQ(pmu_write(fd, "abcdef", 6), -ENOSPC);
	close(fd);
}

static void opens_a_regular_file_to_read(void)
{
	char path[] = "/tmp/pmu-input-XXXXXX", read_back[2];
	int fd = mkstemp(path), input;

	REQUIRE(fd >= 0);
	CHECK_EQ(pmu_write(fd, "ab", 2), 2);
	close(fd);
	input = pmu_open_input(path);
	CHECK(input >= 0);
	CHECK_EQ(read(input, read_back, 2), 2);
	CHECK_EQ(pmu_write(input, "c", 1), -EBADF);
	pmu_close(input);
	unlink(path);
	CHECK_EQ(pmu_open_input(path), -ENOENT);
	REQUIRE(mkfifo(path, 0600) == 0);
	CHECK_EQ(pmu_open_input(path), -EINVAL);
	unlink(path);
	CHECK_EQ(pmu_open_input("/tmp"), -EINVAL);
}

static void opens_a_fifo_that_has_a_reader(void)
{
	char path[] = "/tmp/pmu-fifo-XXXXXX", read_back[2];
	int fd = mkstemp(path), reader;

	REQUIRE(fd >= 0);
	close(fd);
	CHECK_EQ(pmu_open_fifo(path), -EINVAL);
	unlink(path);
	CHECK_EQ(pmu_open_fifo(path), -ENOENT);
	REQUIRE(mkfifo(path, 0600) == 0);
	CHECK_EQ(pmu_open_fifo(path), -ENXIO);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	fd = pmu_open_fifo(path);
	CHECK(fd >= 0);
	CHECK_EQ(pmu_write(fd, "ab", 2), 2);
	CHECK_EQ(read(reader, read_back, 2), 2);
	pmu_close(fd);
	close(reader);
	unlink(path);
}

static void takes_commands_from_a_fifo(void)
{
	char path[] = "/tmp/pmu-control-XXXXXX", bytes[4096] = { 0 };
	int fd = mkstemp(path), wake[2];
	int64_t n;

	REQUIRE(fd >= 0 && pmu_pipe(wake) == 0);
	close(fd);
	CHECK_EQ(pmu_open_control(path), -EINVAL);
	unlink(path);
	CHECK_EQ(pmu_open_control(path), -ENOENT);
	CHECK_EQ(pmu_open_control("/tmp"), -EISDIR);
	REQUIRE(mkfifo(path, 0600) == 0);
	fd = pmu_open_control(path);
	unlink(path);
	REQUIRE(fd >= 0);
	/* Nobody has its other end, and nothing waits. */
	CHECK_EQ(pmu_read(fd, bytes, sizeof(bytes)), -EAGAIN);
	CHECK_EQ(pmu_try_write(fd, "enable\n", 7), 7);
	CHECK_EQ(pmu_wait_readable(fd, wake[0]), 1);
	CHECK_EQ(pmu_read(fd, bytes, sizeof(bytes)), 7);
	CHECK_EQ(pmu_write(wake[1], "x", 1), 1);
	CHECK_EQ(pmu_wait_readable(fd, wake[0]), 0);
	do
		n = pmu_try_write(fd, bytes, sizeof(bytes));
	while (n == sizeof(bytes));
	CHECK_EQ(n, -EAGAIN);
	pmu_close(fd);
	pmu_close(wake[0]);
	pmu_close(wake[1]);
}

static void raises_the_limit_of_open_files(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max > 64 ? 64 : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	CHECK_EQ(pmu_rlimit_nofile(0), limit.rlim_max);
	getrlimit(RLIMIT_NOFILE, &limit);
	CHECK_EQ(limit.rlim_cur, limit.rlim_max);
	/* No one may have this many: it stays as it was, and says so. */
	CHECK_EQ(pmu_rlimit_nofile(1ULL << 40), limit.rlim_max);
}

static void tells_the_time(void)
{
	int64_t before = pmu_clock_ns(CLOCK_MONOTONIC);
	int64_t after = pmu_clock_ns(CLOCK_MONOTONIC);

	CHECK(before > 0 && after >= before);
	CHECK_EQ(pmu_clock_ns(12345), -EINVAL);
	CHECK(pmu_clock_res_ns(CLOCK_MONOTONIC) > 0);
	CHECK_EQ(pmu_clock_res_ns(12345), -EINVAL);
	CHECK_EQ(pmu_abi_version(), PMU_ABI_VERSION);
}

/* Loads `return 0` as a socket filter; a negative number where that is not permitted. */
static int load_bpf_program(void)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (uintptr_t)nothing;
	attr.insn_cnt = 2;
	attr.license = (uintptr_t) "GPL";
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static void finds_the_code_of_bpf_programs(void)
{
	uint64_t starts[64];
	uint32_t lengths[64], id = 0;
	int32_t count, compiled = 0;
	int program = load_bpf_program();

	if (program < 0) {
		CHECK(pmu_bpf_code(&id, starts, lengths, 64) < 0);
		return;
	}
	while ((count = pmu_bpf_code(&id, starts, lengths, 64)) >= 0) {
		for (int32_t i = 0; i < count && i < 64; i++)
			compiled += lengths[i] > 0;
	}
	CHECK_EQ(count, -ENOENT);
	CHECK(compiled > 0);
	/* Of more functions than there is room for, it tells the number alone. */
	id = 0;
	CHECK(pmu_bpf_code(&id, starts, lengths, 0) >= 0);
	CHECK(id > 0);
	id = INT32_MAX - 1;
	CHECK_EQ(pmu_bpf_code(&id, starts, lengths, 64), -ENOENT);
	close(program);
}

int main(void)
{
	static const struct test tests[] = {
		{ "pmu_enable(), pmu_disable() and pmu_reset() bound what is counted", counts_what_happens, true },
		{ "pmu_width() reads the event's page, and refuses what is no event", tells_the_width_of_a_counter,
		  true },
		{ "pmu_read() gives a group's counts with their ids", reads_a_group, true },
		{ "pmu_open() passes on the attr size the kernel knows", learns_the_attr_size_of_the_kernel, true },
		{ "every refusal comes with its errno", refuses_with_the_errno, true },
		{ "pmu_period() and pmu_refresh() work on a sampling event", changes_the_period_of_a_sampling_event,
		  true },
		{ "descriptors are close-on-exec", hands_no_descriptor_to_programs, true },
		{ "pmu_bpf_code() tells where BPF programs lie, one by one", finds_the_code_of_bpf_programs, false },
		{ "pmu_write() and pmu_seek() work on files", writes_and_seeks, false },
		{ "pmu_name() names a file that nobody saw before", names_a_file_once_it_has_its_bytes, false },
		{ "pmu_open_fifo() opens a FIFO that has a reader, and nothing else", opens_a_fifo_that_has_a_reader,
		  false },
		{ "pmu_open_control() opens a FIFO without waiting, and nothing else", takes_commands_from_a_fifo,
		  false },
		{ "pmu_open_input() opens a regular file to read it, and nothing else", opens_a_regular_file_to_read,
		  false },
		{ "pmu_rlimit_nofile() raises the soft limit to the hard one", raises_the_limit_of_open_files, false },
		{ "pmu_clock_ns() goes forward, and pmu_clock_res_ns() has its steps", tells_the_time, false },
	};

	return RUN_TESTS(tests);
}
