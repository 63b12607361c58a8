// Loads its plugin, calls it, has it call back, and unloads it, over and over: host PLUGIN MS
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	long end = now_ms() + (argc > 2 ? atol(argv[2]) : 500), sum = 0;
	while (now_ms() < end) {
		void *plugin = dlopen(argv[1], RTLD_NOW);
		if (!plugin) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		long (*work)(int, int (*)(const void *, const void *));
		*(void **)&work = dlsym(plugin, "plugin_work");
		for (int i = 0; i < 20; i++)
			sum += work(3000, compare);
		dlclose(plugin);
	}
	printf("%ld\n", sum);
}
