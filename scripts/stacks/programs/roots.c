// Prints where main and a thread's function return to, as `OBJECT OFFSET` lines: code that the C library has no name for
// once it is stripped.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static void print(void *address)
{
	Dl_info info;
	if (dladdr(address, &info))
		printf("%s %lx\n", info.dli_fname, (unsigned long)((char *)address - (char *)info.dli_fbase));
}

static __attribute__((noinline)) void *in_thread(void *arg)
{
	print(__builtin_return_address(0));
	return arg;
}

int main(void)
{
	pthread_t thread;
	print(__builtin_return_address(0));
	if (pthread_create(&thread, NULL, in_thread, NULL) == 0)
		pthread_join(thread, NULL);
}
