// Calls spin_below through code that it makes itself, N ms long: code that keeps no frame pointers, and gives the one it
// has found away.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long sink;

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__attribute__((noinline)) static void spin_below(void)
{
	for (int i = 0; i < 1000000; i++)
		sink += (unsigned long)i;
}

__attribute__((noinline)) static void run_above(void (*made)(void (*)(void)), long end)
{
	while (now_ms() < end)
		made(spin_below);
}

int main(int argc, char **argv)
{
#if defined(__x86_64__)
	// push %rbp; xor %ebp,%ebp; sub $0x20,%rsp; call *%rdi; add $0x20,%rsp; pop %rbp; ret
	static const unsigned char code[] = { 0x55, 0x31, 0xed, 0x48, 0x83, 0xec, 0x20, 0xff,
					      0xd7, 0x48, 0x83, 0xc4, 0x20, 0x5d, 0xc3 };
#else
	static const unsigned char code[] = { 0 };
	fprintf(stderr, "generated: no code for this machine\n");
	return 3;
#endif
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	memcpy(memory, code, sizeof(code));
	void (*made)(void (*)(void));
	memcpy(&made, &memory, sizeof(made));
	run_above(made, now_ms() + (argc > 1 ? atol(argv[1]) : 300));
	return sink == 1;
}
