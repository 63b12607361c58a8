/* Loads a BPF program, `spin`, that runs for about a microsecond at each getppid(), and calls that N times; prints the
 * program's name as the kernel has it among its symbols. Ends with 77 where it may not or cannot. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOPS 2000

static const struct bpf_insn spin[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = LOOPS },
	{ .code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = BPF_REG_0, .src_reg = BPF_REG_1 },
	{ .code = BPF_ALU64 | BPF_SUB | BPF_K, .dst_reg = BPF_REG_1, .imm = 1 },
	{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_1, .off = -3, .imm = 0 },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

static int cannot(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 77;
}

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

/* The id of the tracepoint that getppid() goes through, or -1. */
static int tracepoint_id(void)
{
	static const char *const roots[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	for (int i = 0; i < 2; i++) {
		char path[128];
		int id;
		snprintf(path, sizeof path, "%s/events/syscalls/sys_enter_getppid/id", roots[i]);
		FILE *file = fopen(path, "r");
		if (file) {
			int found = fscanf(file, "%d", &id);
			fclose(file);
			return found == 1 ? id : -1;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	long calls = argc > 1 ? atol(argv[1]) : 100000;
	int id = tracepoint_id();
	if (id < 0)
		return cannot("no tracepoint syscalls:sys_enter_getppid");

	union bpf_attr load;
	memset(&load, 0, sizeof load);
	load.prog_type = BPF_PROG_TYPE_TRACEPOINT;
	load.insns = (uintptr_t)spin;
	load.insn_cnt = sizeof spin / sizeof spin[0];
	load.license = (uintptr_t) "GPL";
	strcpy(load.prog_name, "spin");
	int program = bpf(BPF_PROG_LOAD, &load);
	if (program < 0)
		return cannot("bpf(BPF_PROG_LOAD)");

	struct bpf_prog_info info;
	memset(&info, 0, sizeof info);
	union bpf_attr query;
	memset(&query, 0, sizeof query);
	query.info.bpf_fd = (uint32_t)program;
	query.info.info_len = sizeof info;
	query.info.info = (uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &query) < 0)
		return cannot("bpf(BPF_OBJ_GET_INFO_BY_FD)");
	printf("bpf_prog_");
	for (size_t i = 0; i < sizeof info.tag; i++)
		printf("%02x", info.tag[i]);
	printf("_%s\n", info.name);
	fflush(stdout);

	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof attr, .config = (uint64_t)id, .sample_period = 1
	};
	int event = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	if (event < 0)
		return cannot("perf_event_open");
	if (ioctl(event, PERF_EVENT_IOC_SET_BPF, program) < 0 || ioctl(event, PERF_EVENT_IOC_ENABLE, 0) < 0)
		return cannot("PERF_EVENT_IOC_SET_BPF");
	for (long i = 0; i < calls; i++)
		syscall(SYS_getppid);
	return 0;
}
