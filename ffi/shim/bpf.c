/* Addresses of the machine code of BPF programs, by bpf(2). See pmu.h. */
#define _GNU_SOURCE
#include "pmu.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

/* Opens the first program whose id is above `*id`, and stores its id there. Returns a descriptor or -errno. */
static int open_next(uint32_t *id)
{
	for (;;) {
		union bpf_attr attr;
		int fd;

		memset(&attr, 0, sizeof attr);
		attr.start_id = *id;
		if (bpf(BPF_PROG_GET_NEXT_ID, &attr) < 0)
			return -errno;
		*id = attr.next_id;
		memset(&attr, 0, sizeof attr);
		attr.prog_id = *id;
		fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT) /* unloaded meanwhile: try the next one */
			return -errno;
	}
}

int32_t pmu_bpf_code(uint32_t *id, uint64_t *starts, uint32_t *lengths, uint32_t capacity)
{
	struct bpf_prog_info info;
	union bpf_attr attr;
	int fd = open_next(id);
	int error = 0;

	if (fd < 0)
		return fd;
	memset(&info, 0, sizeof info);
	info.nr_jited_ksyms = capacity;
	info.jited_ksyms = (uintptr_t)starts;
	info.nr_jited_func_lens = capacity;
	info.jited_func_lens = (uintptr_t)lengths;
	memset(&attr, 0, sizeof attr);
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof info;
	attr.info.info = (uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		error = -errno;
	close(fd);
	return error ? error : (int32_t)info.nr_jited_ksyms;
}
