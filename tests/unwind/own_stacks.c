// Stops itself at places that a timer picks, and prints registers, stack and the call chain that the compiler's own unwinder
// finds: as `regs` (by DWARF number), `stack` (its address and bytes) and `chain`, then `maps`. Arguments: how many, and
// how many microseconds apart.
#define _GNU_SOURCE
#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { PIECE = 65536, FRAMES = 200 };

static uintptr_t stack_end;
static volatile int left;
static volatile unsigned long sink;

static void print_registers(const ucontext_t *context)
{
	printf("regs");
#if defined(__x86_64__)
	static const int order[] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
				     REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP };
	for (int i = 0; i < 17; i++)
		printf(" %llx", (unsigned long long)context->uc_mcontext.gregs[order[i]]);
#else
	for (int i = 0; i < 31; i++)
		printf(" %llx", (unsigned long long)context->uc_mcontext.regs[i]);
	printf(" %llx %llx", (unsigned long long)context->uc_mcontext.sp, (unsigned long long)context->uc_mcontext.pc);
#endif
	printf("\n");
}

static uintptr_t pc_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return context->uc_mcontext.gregs[REG_RIP];
#else
	return context->uc_mcontext.pc;
#endif
}

static uintptr_t sp_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return context->uc_mcontext.gregs[REG_RSP];
#else
	return context->uc_mcontext.sp;
#endif
}

static void print_stack(uintptr_t sp)
{
	static const char digits[] = "0123456789abcdef";
	static char text[2 * PIECE + 1];
	size_t size = stack_end - sp < PIECE ? stack_end - sp : PIECE;
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = ((unsigned char *)sp)[i];
		text[2 * i] = digits[byte >> 4];
		text[2 * i + 1] = digits[byte & 15];
	}
	text[2 * size] = 0;
	printf("stack %llx %s\n", (unsigned long long)sp, text);
}

static void on_timer(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info;
	if (left <= 0)
		return;
	left--;
	void *chain[FRAMES];
	int depth = backtrace(chain, FRAMES), from = 0;
	while (from < depth && (uintptr_t)chain[from] != pc_of(context))
		from++;
	print_registers(context);
	print_stack(sp_of(context));
	printf("chain");
	for (int i = from; i < depth; i++)
		printf(" %llx", (unsigned long long)(uintptr_t)chain[i]);
	printf("\n");
	// once more from here: over the frame that the signal made
	ucontext_t own;
	getcontext(&own);
	print_registers(&own);
	print_stack(sp_of(&own));
	printf("chain %llx", (unsigned long long)pc_of(&own));
	for (int i = 1; i < depth; i++)
		printf(" %llx", (unsigned long long)(uintptr_t)chain[i]);
	printf("\n");
}

__attribute__((noinline)) static unsigned long leaf(unsigned long n)
{
	unsigned long sum = 0;
	for (unsigned long i = 0; i < n; i++)
		sum = sum * 31 + i;
	return sum;
}

__attribute__((noinline)) static unsigned long sized(int depth, unsigned long n)
{
	if (depth == 0)
		return leaf(n);
	char array[16 + 8 * depth];
	memset(array, depth, sizeof array);
	return sized(depth - 1, n) + array[3];
}

__attribute__((noinline)) static unsigned long aligned(int n)
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

__attribute__((noinline)) static void sorts(void)
{
	int numbers[100];
	for (int i = 0; i < 100; i++)
		numbers[i] = (i * 7919) % 311;
	qsort(numbers, 100, sizeof *numbers, compare);
	sink += numbers[3];
}

__attribute__((noinline)) static void clocks(void)
{
	struct timespec now;
	for (int i = 0; i < 50; i++)
		clock_gettime(CLOCK_MONOTONIC, &now);
	sink += now.tv_nsec;
}

int main(int argc, char **argv)
{
	void *first[2];
	backtrace(first, 2); // loads what it needs, outside of the handler
	stack_end = (uintptr_t)argv;
	left = argc > 1 ? atoi(argv[1]) : 10;
	int us = argc > 2 ? atoi(argv[2]) : 1000;
	struct sigaction action = { .sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART };
	sigaction(SIGALRM, &action, NULL);
	struct itimerval every = { { 0, us }, { 0, us } };
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; left > 0; i++) {
		sink += sized(i % 40, 300) + aligned(i % 100);
		sorts();
		clocks();
	}
	struct itimerval never = { { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &never, NULL);
	printf("maps\n");
	char line[4096];
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, maps))
		fputs(line, stdout);
	return 0;
}
