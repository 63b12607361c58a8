/*
 * parts CTL ACK PAGES [AROUND]: touches AROUND fresh pages (by default PAGES), then PAGES more between an `enable` and a
 * `disable` that it writes into the FIFO CTL, then AROUND more. After each command it waits for what comes through the FIFO
 * ACK, unless that is empty, and prints the number of bytes. Each part also takes CPU time, in a function of its own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frame.h"

#define SPINS 2000

static void touch(size_t pages)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, pages * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		abort();
	madvise(memory, pages * size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < pages; i++) {
		memory[i * size] = 1;
		for (volatile int spin = 0; spin < SPINS; spin++)
			;
	}
}

__attribute__((noinline)) static void before(size_t pages)
{
	KEEP_FRAME;
	touch(pages);
}

__attribute__((noinline)) static void part(size_t pages)
{
	KEEP_FRAME;
	touch(pages);
}

__attribute__((noinline)) static void after(size_t pages)
{
	KEEP_FRAME;
	touch(pages);
}

static void say(int ctl, int ack, const char *command)
{
	char answer[64];

	if (write(ctl, command, strlen(command)) < 0)
		abort();
	if (ack >= 0)
		printf("%zd\n", read(ack, answer, sizeof answer));
}

int main(int argc, char **argv)
{
	int ctl = argc > 3 ? open(argv[1], O_WRONLY) : -1;
	int ack = argc > 3 && argv[2][0] ? open(argv[2], O_RDONLY) : -1;
	size_t pages = argc > 3 ? strtoul(argv[3], 0, 10) : 0;
	size_t around = argc > 4 ? strtoul(argv[4], 0, 10) : pages;

	if (ctl < 0 || pages == 0)
		return 2;
	before(around);
	say(ctl, ack, "enable\n");
	part(pages);
	say(ctl, ack, "disable\n");
	after(around);
	return 0;
}
