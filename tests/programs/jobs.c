/*
 * Runs N short jobs, two at a time: copies of this very program named job-0 ... job-3, each of which
 * spins in the function of its number. HOW they are started: fork, vfork, spawn (posix_spawn), thread (a
 * thread that is not the first of its process calls exec), or reuse (fork, one at a time, all with one
 * process id: through /proc/sys/kernel/ns_last_pid, which needs root).
 *
 *     jobs HOW N FOLDER-OF-THE-COPIES [LOOPS]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"

#define JOBS 4

static volatile unsigned long sink;

#define SPIN(k)                                                                                                        \
	__attribute__((noinline)) static void spin_##k(unsigned long n)                                                \
	{                                                                                                              \
		unsigned long x = k + 1;                                                                               \
		KEEP_FRAME;                                                                                            \
		for (unsigned long i = 0; i < n; i++)                                                                  \
			x = x * 6364136223846793005UL + (i ^ k);                                                       \
		sink = x;                                                                                              \
	}
SPIN(0)
SPIN(1)
SPIN(2)
SPIN(3)

static void (*const spins[JOBS])(unsigned long) = { spin_0, spin_1, spin_2, spin_3 };

static char path[4096], loops[32];
static char *job_argv[] = { path, loops, 0 };
extern char **environ;

static void *exec_job(void *unused)
{
	execv(path, job_argv);
	_exit(127);
	return unused;
}

static pid_t start(const char *how)
{
	pid_t pid;

	if (!strcmp(how, "spawn"))
		return posix_spawn(&pid, path, 0, 0, job_argv, environ) ? -1 : pid;
	if (!strcmp(how, "vfork")) {
		pid = vfork();
		if (pid == 0)
			exec_job(0);
		return pid;
	}
	pid = fork();
	if (pid == 0) {
		if (!strcmp(how, "thread")) {
			pthread_t thread;
			pthread_create(&thread, 0, exec_job, 0);
			pthread_join(thread, 0);
		}
		exec_job(0);
	}
	return pid;
}

/* The next process gets `pid`, unless another takes it first. */
static void next_pid(pid_t pid)
{
	FILE *last = fopen("/proc/sys/kernel/ns_last_pid", "w");

	if (!last || fprintf(last, "%d", pid - 1) < 0 || fclose(last)) {
		perror("/proc/sys/kernel/ns_last_pid");
		exit(1);
	}
}

static int reap(void)
{
	int status;

	return wait(&status) > 0 && status == 0;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	int running = 0, reuse = argc > 1 && !strcmp(argv[1], "reuse"), at_once = reuse ? 1 : 2;
	pid_t first = 0;

	if (!strncmp(name, "job-", 4)) {
		spins[atoi(name + 4) % JOBS](strtoul(argv[1], 0, 10));
		return 0;
	}
	if (argc < 4)
		return 2;
	snprintf(loops, sizeof loops, "%s", argc > 4 ? argv[4] : "1000000");
	for (int i = 0; i < atoi(argv[2]); i++) {
		pid_t pid;

		snprintf(path, sizeof path, "%s/job-%d", argv[3], i % JOBS);
		if (running == at_once && (running--, !reap()))
			return 1;
		if (reuse && first)
			next_pid(first);
		pid = start(argv[1]);
		if (pid < 0)
			return 1;
		if (!first)
			first = pid;
		running++;
	}
	while (running-- > 0)
		if (!reap())
			return 1;
	return 0;
}
