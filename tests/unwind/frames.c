// Functions whose frames differ: leaves, arrays of unknown size, aligned locals, a callback, recursion.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile unsigned long sink;

__attribute__((noinline)) unsigned long leaf(unsigned long n)
{
	unsigned long sum = 0;
	for (unsigned long i = 0; i < n; i++)
		sum = sum * 31 + i;
	return sum;
}

__attribute__((noinline)) unsigned long sized(int depth, unsigned long n)
{
	if (depth == 0)
		return leaf(n);
	char array[16 + 8 * depth];
	memset(array, depth, sizeof array);
	return sized(depth - 1, n) + array[3];
}

__attribute__((noinline)) unsigned long aligned(int n)
{
	_Alignas(128) char array[256];
	char more[n + 1];
	memset(array, n, sizeof array);
	memset(more, n, sizeof more);
	return leaf(n) + array[n & 255] + more[n];
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

__attribute__((noinline)) void sorts(void)
{
	int numbers[200];
	for (int i = 0; i < 200; i++)
		numbers[i] = rand();
	qsort(numbers, 200, sizeof *numbers, compare);
	sink += numbers[3];
}

__attribute__((noinline)) void prints(void)
{
	char text[200];
	for (int i = 0; i < 20; i++)
		snprintf(text, sizeof text, "%d %s %f", i, "hello", i * 1.5);
	sink += text[2];
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;
	for (int i = 0; i < rounds; i++) {
		sink += sized(i % 40, 300) + aligned(i % 100);
		sorts();
		prints();
	}
	return 0;
}
