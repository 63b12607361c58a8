/* Runs a loop of four instructions N times: 4 N instructions beyond those of starting up. */
#include <stdlib.h>

#include "frame.h"

__attribute__((noinline)) static void loop(unsigned long n)
{
	KEEP_FRAME;
#if defined(__x86_64__)
	__asm__ volatile("1: nop\n nop\n sub $1, %0\n jne 1b\n" : "+r"(n) : : "cc");
#elif defined(__aarch64__)
	__asm__ volatile("1: nop\n nop\n subs %0, %0, #1\n b.ne 1b\n" : "+r"(n) : : "cc");
#else
#error "write the loop for this machine"
#endif
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], 0, 10) : 10000000;
	if (n)
		loop(n);
	return 0;
}
