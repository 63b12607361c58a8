/* Starts and ends N threads, T at a time, each of which touches K fresh pages. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t pages;

static void *touch(void *unused)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(0, pages * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return "mmap";
	madvise(p, pages * size, MADV_NOHUGEPAGE); /* one fault a page, not one a huge page */
	for (size_t i = 0; i < pages; i++)
		p[i * size] = 1;
	munmap(p, pages * size);
	return unused;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1000;
	int at_once = argc > 2 ? atoi(argv[2]) : 4;
	pthread_t *ids = calloc((size_t)(at_once > 0 ? at_once : 1), sizeof(*ids));

	pages = argc > 3 ? strtoul(argv[3], 0, 10) : 20;
	for (int started = 0; started < threads;) {
		int n = 0;
		for (; n < at_once && started < threads; n++, started++)
			if (pthread_create(&ids[n], 0, touch, 0)) {
				perror("pthread_create");
				return 1;
			}
		while (n > 0) {
			void *failed;
			pthread_join(ids[--n], &failed);
			if (failed)
				return 1;
		}
	}
	free(ids);
	return 0;
}
