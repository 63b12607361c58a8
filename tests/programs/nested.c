/*
 * Spends its time in spin, a leaf, and in read(2) of /dev/zero, N times each below functions whose frames are found in
 * different ways: rest has one by the stack pointer, grow changes its size by alloca, descend is recursive. Every other
 * time they are called by on_signal, the handler of a signal.
 */
#include <alloca.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define APART __attribute__((noipa))
#define DEPTH 20

static int zero;
static volatile unsigned result;

APART unsigned spin(unsigned x)
{
	for (int i = 0; i < 20000; i++)
		x = x * 1664525u + 1013904223u;
	return x;
}

APART unsigned rest(unsigned x, char *bytes, size_t size)
{
	unsigned sum = spin(x) + spin(x + 1);

	if (read(zero, bytes, size) < 0)
		return 0;
	return sum + (unsigned char)bytes[0];
}

APART unsigned grow(unsigned x)
{
	size_t size = 1024 + x % 512;
	char *bytes = alloca(size);

	return rest(x, bytes, size) + 1;
}

APART unsigned descend(unsigned x, int depth)
{
	return (depth > 0 ? descend(x + 1, depth - 1) : grow(x)) * 3;
}

APART void on_signal(int number)
{
	result += descend((unsigned)number, DEPTH);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 100;

	zero = open("/dev/zero", O_RDONLY);
	signal(SIGUSR1, on_signal);
	for (int i = 0; i < count; i++) {
		result += descend((unsigned)i, DEPTH);
		raise(SIGUSR1);
	}
	return zero < 0;
}
