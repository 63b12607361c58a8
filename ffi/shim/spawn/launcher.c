/*
 * The shim as a program: makes the child of pmu_spawn in a process that has next to no memory, because a
 * child's peak memory begins with what its parent has at fork, and Deno has some 60 MB. The child gets this
 * process's parent for its own (CLONE_PARENT), so that pmuctl waits for it as for any other.
 */
#define _GNU_SOURCE
#include "spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What makes a shared library a program: the dynamic linker that loads it, and an entry for ld's -e. */
#if defined(__x86_64__)
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define ENTRY "pmu_launcher: mov %rsp, %rdi\n\tand $-16, %rsp\n\tcall pmu_launcher_main\n"
#elif defined(__aarch64__)
#define LOADER "/lib/ld-linux-aarch64.so.1"
#define ENTRY "pmu_launcher: mov x0, sp\n\tbl pmu_launcher_main\n"
#endif

__attribute__((section(".interp"), used)) static const char loader[] = LOADER;
__asm__(".text\n.global pmu_launcher\n.hidden pmu_launcher\n" ENTRY);

/* `stack` as the kernel lays it out for a new program: argc, argv, NULL, envp, NULL. */
__attribute__((noreturn, used, visibility("hidden"))) void pmu_launcher_main(char **stack)
{
	long argc = (long)stack[0];
	char **argv = stack + 1;
	long count = argc > LAUNCHER_ARGV_FILES ? strtol(argv[LAUNCHER_ARGV_COUNT], NULL, 10) : 0;
	struct plan plan = { .files = argv + LAUNCHER_ARGV_FILES, .envp = argv + argc + 1 };
	long child;

	if (count < 1 || LAUNCHER_ARGV_FILES + count + 1 >= argc)
		_exit(2); /* run by hand */
	plan.line = (int)strtol(argv[LAUNCHER_ARGV_LINE], NULL, 10);
	plan.files[count] = NULL; /* an empty argument stood there */
	plan.argv = plan.files + count + 1;
	plan.shell_argv = calloc((size_t)(argc - count), sizeof(*plan.shell_argv));
	if (!plan.shell_argv || fcntl(plan.line, F_SETFD, FD_CLOEXEC) < 0)
		child_fail(&plan, PMU_SPAWN_PREPARE, errno);
	plan.shell_argv[0] = "/bin/sh"; /* [1], argv[0], is the file's place */
	for (long i = 1; plan.argv[i]; i++)
		plan.shell_argv[i + 1] = plan.argv[i];
	child = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (child < 0)
		child_fail(&plan, PMU_SPAWN_FORK, errno);
	if (child > 0)
		_exit(0);
	child_wait_and_exec(&plan);
}
