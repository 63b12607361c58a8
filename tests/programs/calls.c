/*
 * T threads call sched_get_priority_min(2), which hardly another program does, N times each, by number; every 16th time
 * each maps a page of code besides, and unmaps it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static long calls;

static void *call(void *unused)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	for (long i = 0; i < calls; i++) {
		syscall(SYS_sched_get_priority_min, 0);
		if (i % 16 == 0) {
			void *p = mmap(0, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			if (p == MAP_FAILED)
				return "mmap";
			munmap(p, size);
		}
	}
	return unused;
}

int main(int argc, char **argv)
{
	int threads = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t *ids = calloc((size_t)(threads > 0 ? threads : 1), sizeof(*ids));
	void *failed = 0;

	calls = argc > 1 ? atol(argv[1]) : 100000;
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], 0, call, 0)) {
			perror("pthread_create");
			return 1;
		}
	for (int i = 0; i < threads && !failed; i++)
		pthread_join(ids[i], &failed);
	free(ids);
	return failed != 0;
}
