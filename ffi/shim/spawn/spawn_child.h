/* A child between fork and exec; spawn.c is its parent. */
#ifndef PMU_SPAWN_CHILD_H
#define PMU_SPAWN_CHILD_H

#include "../pmu.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>

/* Everything the child needs, made before fork: after it, only async-signal-safe calls are allowed. */
struct plan {
	char **argv;       /* of the command */
	char **shell_argv; /* /bin/sh FILE ARGS...: FILE is filled in by the child */
	char **envp;
	bool own_envp;
	char **files; /* the paths to try in turn, NULL at the end */
	char *names;  /* memory of `files` */
	const char *cwd;
	struct pmu_setup setup;
	sigset_t mask;        /* signals that it has blocked */
	struct rlimit nofile; /* of open files */
	char *launcher;       /* the program that makes the child, see launcher.c; NULL: this process does */
	char **launcher_argv; /* enum launcher_argv */
	char line_number[12], file_count[12]; /* among them */
	int line;                             /* to the parent: a report each way, closed by exec */
};

/* The launcher's arguments: behind its name the line's number, how many files, the files, an empty one, then argv. */
enum launcher_argv { LAUNCHER_ARGV_LINE = 1, LAUNCHER_ARGV_COUNT, LAUNCHER_ARGV_FILES };

/* What the child tells its parent: that it is ready, that it execs now, or why it does not (`error`). */
struct report {
	int32_t stage;
	int32_t error;
	int32_t pid;     /* of the child, in a report that it is ready */
	int64_t exec_ns; /* of CLOCK_MONOTONIC, and what it had used by then: in a report that it execs */
	struct rusage used;
};

/* The whole life of the forked process. Async-signal-safe calls only, as between any fork and exec. */
__attribute__((noreturn)) void child_main(const struct plan *plan);

/* Says that the child is ready, waits for the word to go, and execs the plan's command. */
__attribute__((noreturn)) void child_wait_and_exec(const struct plan *plan);

/* Tells the parent why there will be no child, and ends. */
__attribute__((noreturn)) void child_fail(const struct plan *plan, int32_t stage, int error);

#endif
