/*
 * The shim as a program: forks the child of pmu_spawn from a process with hardly any memory, because a child's peak
 * memory starts at its parent's size at the fork, and Deno has about 60 MB. The child becomes a child of this
 * process's parent (CLONE_PARENT), so pmuctl waits for it like for any other.
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

/* Makes a shared library executable: the dynamic linker that loads it, and an entry point for ld's -e. */
#if defined(__x86_64__)
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define ENTRY "pmu_launcher: mov %rsp, %rdi\n\tand $-16, %rsp\n\tcall pmu_launcher_main\n"
#elif defined(__aarch64__)
#define LOADER "/lib/ld-linux-aarch64.so.1"
#define ENTRY "pmu_launcher: mov x0, sp\n\tbl pmu_launcher_main\n"
#endif

__attribute__((section(".interp"), used)) static const char loader[] = LOADER;
__asm__(".text\n.global pmu_launcher\n.hidden pmu_launcher\n" ENTRY);

/* Entry point. `stack` is the kernel's layout for a new program: argc, argv, NULL, envp, NULL. */
__attribute__((noreturn, used, visibility("hidden"))) void pmu_launcher_main(char **stack)
{
	long argc = (long)stack[0];
	char **argv = stack + 1;
	long count = argc > LAUNCHER_ARGV_FILES ? strtol(argv[LAUNCHER_ARGV_COUNT], NULL, 10) : 0;
	struct plan plan = { .files = argv + LAUNCHER_ARGV_FILES, .envp = argv + argc + 1 };
	long child;

	if (count < 1 || LAUNCHER_ARGV_FILES + count + 1 >= argc)
		_exit(2); /* not started by pmu_spawn */
	plan.line = (int)strtol(argv[LAUNCHER_ARGV_LINE], NULL, 10);
	plan.files[count] = NULL; /* replaces an empty argument */
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
