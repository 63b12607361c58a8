/*
 * kick PERIOD: keeps a pinned cycles event of this sampling period open on each CPU until it is killed. QEMU looks
 * at an `instructions` counter only when the CPU stops for something; without the kicks an overflow of it is seen at
 * the next tick, 4 ms late.
 */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_HARDWARE,
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.sample_period = argc > 1 ? strtoull(argv[1], NULL, 0) : 0,
		.sample_type = PERF_SAMPLE_IP,
		.pinned = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (attr.sample_period == 0) {
		fprintf(stderr, "usage: kick PERIOD\n");
		return 2;
	}
	for (int cpu = 0; cpu < cpus; cpu++) {
		if (syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC) < 0) {
			perror("kick: perf_event_open");
			return 1;
		}
	}
	puts("kicking");
	fflush(stdout);
	for (;;)
		pause();
}
