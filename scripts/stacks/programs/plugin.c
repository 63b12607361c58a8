// The plugin that host.c loads and unloads.
#include <stdlib.h>

static __attribute__((noinline)) long fold(const int *values, int from, int to)
{
	if (to - from < 4) {
		long sum = 0;
		for (int i = from; i < to; i++)
			sum += values[i] % 7;
		return sum;
	}
	int middle = from + (to - from) / 2;
	return fold(values, from, middle) + fold(values, middle, to);
}

long plugin_work(int count, int (*compare)(const void *, const void *))
{
	int *values = malloc((size_t)count * sizeof(*values));
	for (int i = 0; i < count; i++)
		values[i] = i * 7919 % count;
	qsort(values, (size_t)count, sizeof(*values), compare);
	long sum = fold(values, 0, count);
	free(values);
	return sum;
}
