/* Allocates, fills and frees N blocks of 16 bytes to 64 KiB, of which 256 exist at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 256

static volatile unsigned char sum; /* so that nothing can be left out */

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], 0, 10) : 1000;
	unsigned long x = 1;
	static unsigned char *blocks[BLOCKS];

	for (unsigned long i = 0; i < n; i++) {
		unsigned char **block = &blocks[i % BLOCKS];
		size_t size;

		x = x * 6364136223846793005UL + 1442695040888963407UL;
		size = 16 + (x >> 48);
		if (*block)
			sum ^= **block;
		free(*block);
		*block = malloc(size);
		if (!*block) {
			perror("malloc");
			return 1;
		}
		memset(*block, (int)i, size);
	}
	return 0;
}
