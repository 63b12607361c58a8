/* Child between fork and exec: async-signal-safe calls only. See spawn_child.h. */
#define _GNU_SOURCE
#include "spawn_child.h"
#include "../portable.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

PMU_OLD_SYMBOL(pthread_sigmask);

#ifndef SYS_close_range
#define SYS_close_range 436 /* the same everywhere; the headers may be older than the kernel */
#endif
#define CLOEXEC_RANGE 4u /* CLOSE_RANGE_CLOEXEC */

void child_fail(const struct plan *plan, int32_t stage, int error)
{
	struct report report = { .stage = stage, .error = error };

	(void)send(plan->line, &report, sizeof(report), MSG_NOSIGNAL); /* the parent may be gone */
	_exit(127);
}

/*
 * The kernel's struct sigaction on both architectures, for the two signals that glibc keeps for itself (32 and 33) and
 * whoever started us may have had ignored: glibc catches them as soon as there are threads.
 */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

static void set_signal_of_libc(int sig, bool ignored)
{
	struct kernel_sigaction action = { .handler = ignored ? SIG_IGN : SIG_DFL };

	syscall(SYS_rt_sigaction, sig, &action, NULL, sizeof(action.mask));
}

/* Resets all signals that are not ignored: the child must not have our handlers, and Deno ignores SIGPIPE. */
static void child_signals(const struct plan *plan)
{
	struct sigaction action;

	for (int sig = 1; sig < NSIG; sig++) {
		bool ignored = sig <= 64 && (plan->setup.ignored >> (sig - 1) & 1) != 0;

		if (sigaction(sig, NULL, &action) < 0) {
			set_signal_of_libc(sig, ignored);
			continue;
		}
		if (action.sa_handler == (ignored ? SIG_IGN : SIG_DFL))
			continue;
		memset(&action, 0, sizeof(action));
		action.sa_handler = ignored ? SIG_IGN : SIG_DFL;
		sigaction(sig, &action, NULL);
	}
	pthread_sigmask(SIG_SETMASK, &plan->mask, NULL);
}

static int child_stdio(const struct plan *plan)
{
	int from[3];

	/* First move all of them above 2, so that they can be swapped. */
	for (int i = 0; i < 3; i++) {
		from[i] = plan->setup.stdio[i];
		if (from[i] >= 0 && from[i] <= 2)
			from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 3);
		if (plan->setup.stdio[i] >= 0 && from[i] < 0)
			return errno;
	}
	for (int i = 0; i < 3; i++)
		if (from[i] >= 0 && dup2(from[i], i) < 0)
			return errno;
	return 0;
}

/* Closes descriptors from 3 on at exec, including inherited ones. */
static void child_keep_stdio_only(void)
{
	struct rlimit limit = { 0 };

	if (syscall(SYS_close_range, 3u, ~0u, CLOEXEC_RANGE) == 0)
		return;
	/* Before Linux 5.11. No descriptor is beyond what fs.nr_open allows, 1048576 unless raised. */
	getrlimit(RLIMIT_NOFILE, &limit);
	for (rlim_t fd = 3; fd < limit.rlim_max && fd < 1 << 20; fd++)
		fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

/* Returns whether an ENOEXEC is about a program for another machine, which no shell can run either. */
static bool is_elf(const char *file)
{
	char magic[4] = { 0 };
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, magic, sizeof(magic));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)sizeof(magic) && memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

/* Tries to exec each file, like execvp(3); returns the errno when none could be run. */
static int child_exec(const struct plan *plan)
{
	int last = ENOENT;
	bool denied = false;

	for (char **file = plan->files; *file; file++) {
		execve(*file, plan->argv, plan->envp);
		last = errno;
		if (last == ENOEXEC && !is_elf(*file)) {
			plan->shell_argv[1] = *file;
			execve(plan->shell_argv[0], plan->shell_argv, plan->envp);
			return ENOEXEC;
		}
		if (last == EACCES)
			denied = true; /* a later directory may have an executable one */
		else if (last != ENOENT && last != ENOTDIR && last != ESTALE && last != ENODEV && last != ETIMEDOUT)
			return last;
	}
	return denied ? EACCES : last;
}

/* Taken in the child, because only the child knows when it got a CPU after the release. */
static void child_says_it_execs(const struct plan *plan)
{
	struct report report = { 0 };

	getrusage(RUSAGE_SELF, &report.used);
	report.exec_ns = pmu_clock_ns(CLOCK_MONOTONIC);
	(void)send(plan->line, &report, sizeof(report), MSG_NOSIGNAL);
}

void child_wait_and_exec(const struct plan *plan)
{
	struct report ready = { .pid = getpid() };
	char go;
	ssize_t n;

	if (send(plan->line, &ready, sizeof(ready), MSG_NOSIGNAL) < 0)
		_exit(127); /* nobody would let it go */
	do
		n = recv(plan->line, &go, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(127); /* the parent has gone, or cancelled */
	child_says_it_execs(plan);
	child_fail(plan, 0, child_exec(plan));
}

void child_main(const struct plan *plan)
{
	int error;

	child_signals(plan);
	setrlimit(RLIMIT_NOFILE, &plan->nofile); /* cannot fail: no limit is above what it was */
	error = child_stdio(plan);
	if (error)
		child_fail(plan, PMU_SPAWN_STDIO, error);
	if (plan->cwd && chdir(plan->cwd) < 0)
		child_fail(plan, PMU_SPAWN_CHDIR, errno);
	if (plan->setup.flags & PMU_SPAWN_DETACH) {
		setsid(); /* cannot fail: a new process leads no group */
		child_keep_stdio_only();
	}
	if (plan->launcher) {
		if (fcntl(plan->line, F_SETFD, 0) == 0)
			execve(plan->launcher, plan->launcher_argv, plan->envp);
		child_fail(plan, PMU_SPAWN_LAUNCHER, errno);
	}
	child_wait_and_exec(plan);
}
