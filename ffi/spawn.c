/* Starts a child that waits before exec, lets it go, and waits for it to end. See pmu.h. */
#define _GNU_SOURCE
#include "pmu.h"
#include "portable.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

PMU_OLD_SYMBOL(pthread_sigmask);

#define DEFAULT_PATH "/bin:/usr/bin" /* as execvp(3) when PATH is not set */

#ifndef SYS_close_range
#define SYS_close_range 436 /* the same everywhere; the headers may be older than the kernel */
#endif
#define CLOEXEC_RANGE 4u /* CLOSE_RANGE_CLOEXEC */

extern char **environ;

/* Everything the child needs, made before fork: after it, only async-signal-safe calls are allowed. */
struct plan {
	char **argv;       /* of the command */
	char **shell_argv; /* /bin/sh FILE ARGS...: FILE is filled in by the child */
	char **envp;
	bool own_envp;
	char **files; /* the paths to try in turn, NULL at the end */
	char *names;  /* memory of `files` */
	const char *cwd;
	int stdio[3];
	bool detach;
	int line; /* to the parent: a report each way, closed by exec */
};

/* What the child tells its parent: that it is ready (all zero), or why it is not. */
struct report {
	int32_t stage;
	int32_t error;
};

/* ---- before fork ----------------------------------------------------------------------------- */

/* `count` strings that follow one another in `block`, behind `before` empty places, NULL at the end. */
static char **pointers(const char *block, uint32_t count, uint32_t before)
{
	char **list = calloc((size_t)before + count + 1, sizeof(*list));

	if (!list)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		list[before + i] = (char *)block;
		block += strlen(block) + 1;
	}
	return list;
}

static const char *search_path(char **envp)
{
	for (; *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	return DEFAULT_PATH;
}

/* Fills plan->files: `path` itself when it has a slash, else it in each directory of PATH. */
static int32_t list_files(struct plan *plan, const char *path)
{
	const char *dirs = strchr(path, '/') ? "" : search_path(plan->envp);
	size_t count = 1, at = 0;
	char *name;

	for (const char *c = dirs; *c; c++)
		count += *c == ':';
	plan->files = calloc(count + 1, sizeof(*plan->files));
	/* Each name is a directory, a slash, the path and a NUL. */
	plan->names = malloc(strlen(dirs) + count * (strlen(path) + 2) + 1);
	if (!plan->files || !plan->names)
		return -ENOMEM;
	name = plan->names;
	for (;;) {
		size_t length = strcspn(dirs, ":");

		plan->files[at++] = name;
		memcpy(name, dirs, length);
		name += length;
		if (length > 0) /* an empty element of PATH is the working directory */
			*name++ = '/';
		name = stpcpy(name, path) + 1;
		if (dirs[length] == '\0')
			return 0;
		dirs += length + 1;
	}
}

static void free_plan(struct plan *plan)
{
	free(plan->argv);
	free(plan->shell_argv);
	if (plan->own_envp)
		free(plan->envp);
	free(plan->files);
	free(plan->names);
}

/* A pair of connected sockets above the standard descriptors, so that the child's dup2 cannot hit them. */
static int32_t high_socketpair(int fds[2])
{
	int low[2];
	int error = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		fds[i] = low[i] > 2 ? low[i] : fcntl(low[i], F_DUPFD_CLOEXEC, 3);
		if (fds[i] < 0)
			error = errno;
		if (low[i] <= 2)
			close(low[i]);
	}
	if (!error)
		return 0;
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return -error;
}

/* ---- in the child: async-signal-safe calls only ---------------------------------------------- */

__attribute__((noreturn)) static void child_fail(const struct plan *plan, int32_t stage, int error)
{
	struct report report = { .stage = stage, .error = error };

	(void)send(plan->line, &report, sizeof(report), MSG_NOSIGNAL); /* no one may be left to hear it */
	_exit(127);
}

/* Back to the default: what we catch (its handlers are not the child's) and SIGPIPE. */
static void child_signals(void)
{
	struct sigaction action;
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++) {
		if (sigaction(sig, NULL, &action) < 0)
			continue; /* a number that the C library keeps for itself: exec resets it */
		if (action.sa_handler == SIG_DFL || (action.sa_handler == SIG_IGN && sig != SIGPIPE))
			continue;
		memset(&action, 0, sizeof(action));
		action.sa_handler = SIG_DFL;
		sigaction(sig, &action, NULL);
	}
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static int child_stdio(const struct plan *plan)
{
	int from[3];

	/* First all of them out of the way of 0 to 2, so that swapping works. */
	for (int i = 0; i < 3; i++) {
		from[i] = plan->stdio[i];
		if (from[i] >= 0 && from[i] <= 2)
			from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 3);
		if (plan->stdio[i] >= 0 && from[i] < 0)
			return errno;
	}
	for (int i = 0; i < 3; i++)
		if (from[i] >= 0 && dup2(from[i], i) < 0)
			return errno;
	return 0;
}

/* Descriptors from 3 on end at exec, also those that came from whoever started us. */
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

/* Whether an ENOEXEC is about a program of another machine, which no shell can run either. */
static bool is_elf(const char *file)
{
	char magic[4] = { 0 };
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, magic, sizeof(magic));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)sizeof(magic) && memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

/* Tries each file as execvp(3) does; returns the errno when none of them could be run. */
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
			denied = true; /* a later directory may have one that can be run */
		else if (last != ENOENT && last != ENOTDIR && last != ESTALE && last != ENODEV && last != ETIMEDOUT)
			return last;
	}
	return denied ? EACCES : last;
}

__attribute__((noreturn)) static void child_main(const struct plan *plan)
{
	struct report ready = { 0 };
	int error;
	char go;
	ssize_t n;

	child_signals();
	error = child_stdio(plan);
	if (error)
		child_fail(plan, PMU_SPAWN_STDIO, error);
	if (plan->cwd && chdir(plan->cwd) < 0)
		child_fail(plan, PMU_SPAWN_CHDIR, errno);
	if (plan->detach) {
		setsid(); /* cannot fail: a new process leads no group */
		child_keep_stdio_only();
	}
	(void)send(plan->line, &ready, sizeof(ready), MSG_NOSIGNAL);
	do
		n = recv(plan->line, &go, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(127); /* the parent has gone, or cancelled */
	child_fail(plan, 0, child_exec(plan));
}

/* ---- in the parent --------------------------------------------------------------------------- */

/* Waits for a report. False when the line was closed without one: exec happened, or the child died. */
static bool read_report(int line, struct report *report)
{
	ssize_t n;

	do
		n = recv(line, report, sizeof(*report), MSG_WAITALL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*report);
}

static void reap(int32_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void hang_up(struct pmu_child *child)
{
	close(child->line_fd);
	child->line_fd = -1;
}

/* Forks with every signal blocked, so that no handler of ours runs in the child. */
static pid_t fork_quietly(void)
{
	sigset_t all, old;
	pid_t pid;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	error = errno;
	if (pid != 0)
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return pid;
}

static int32_t fork_child(struct plan *plan, struct pmu_child *child)
{
	struct report report;
	int line[2];
	int32_t result = high_socketpair(line);

	if (result < 0)
		return result;
	plan->line = line[1];
	child->stage = PMU_SPAWN_FORK;
	child->pid = fork_quietly();
	if (child->pid == 0) {
		close(line[0]); /* or it would not notice that the parent has gone */
		child_main(plan);
	}
	result = child->pid < 0 ? -errno : child->pid;
	close(line[1]);
	child->line_fd = line[0];
	if (child->pid > 0 && !read_report(child->line_fd, &report))
		report = (struct report){ .stage = PMU_SPAWN_FORK, .error = ESRCH }; /* killed by someone */
	if (child->pid > 0 && report.error) {
		child->stage = report.stage;
		result = -report.error;
		reap(child->pid);
	}
	if (result < 0)
		hang_up(child);
	else
		child->stage = 0;
	return result;
}

int32_t pmu_spawn(const char *path, const void *argv_block, uint32_t argc, const void *env_block,
		  uint32_t envc, const char *cwd, const int32_t stdio[3], uint32_t flags,
		  struct pmu_child *child)
{
	struct plan plan = {
		.cwd = cwd,
		.stdio = { stdio[0], stdio[1], stdio[2] },
		.detach = (flags & PMU_SPAWN_DETACH) != 0,
	};
	int32_t result;

	*child = (struct pmu_child){ -1, -1, PMU_SPAWN_PREPARE };
	if (argc == 0 || (flags & ~PMU_SPAWN_DETACH) != 0)
		return -EINVAL;
	if (*path == '\0')
		return -ENOENT;
	plan.argv = pointers(argv_block, argc, 0);
	plan.shell_argv = pointers(argv_block, argc, 1);
	plan.own_envp = env_block != NULL;
	plan.envp = env_block ? pointers(env_block, envc, 0) : environ;
	result = plan.argv && plan.shell_argv && plan.envp ? list_files(&plan, path) : -ENOMEM;
	if (result == 0) {
		plan.shell_argv[0] = "/bin/sh"; /* [1] was argv[0]: the file takes its place */
		result = fork_child(&plan, child);
	}
	free_plan(&plan);
	return result;
}

int32_t pmu_release(struct pmu_child *child)
{
	struct report report;
	char go = 1;
	int32_t result = 0;

	if (child->line_fd < 0)
		return -EINVAL;
	if (send(child->line_fd, &go, 1, MSG_NOSIGNAL) < 0)
		result = -ESRCH; /* killed while it waited */
	else if (read_report(child->line_fd, &report))
		result = -report.error;
	hang_up(child);
	if (result < 0)
		reap(child->pid);
	return result;
}

int32_t pmu_cancel(struct pmu_child *child)
{
	if (child->line_fd < 0)
		return -EINVAL;
	hang_up(child);
	reap(child->pid);
	return 0;
}

static uint64_t ns(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

int32_t pmu_wait(int32_t pid, int32_t options, int32_t *status, uint64_t *rusage)
{
	struct rusage usage;
	pid_t result;
	int raw = 0;

	if (pid < 1)
		return -EINVAL; /* 0 and below would mean any child */
	do
		result = wait4(pid, &raw, options, &usage);
	while (result < 0 && errno == EINTR);
	if (result <= 0)
		return result < 0 ? -errno : 0;
	*status = raw;
	memset(rusage, 0, PMU_RUSAGE_FIELDS * sizeof(*rusage));
	rusage[PMU_RUSAGE_UTIME_NS] = ns(usage.ru_utime);
	rusage[PMU_RUSAGE_STIME_NS] = ns(usage.ru_stime);
	rusage[PMU_RUSAGE_MAXRSS_BYTES] = (uint64_t)usage.ru_maxrss * 1024u;
	rusage[PMU_RUSAGE_MINFLT] = (uint64_t)usage.ru_minflt;
	rusage[PMU_RUSAGE_MAJFLT] = (uint64_t)usage.ru_majflt;
	rusage[PMU_RUSAGE_INBLOCK] = (uint64_t)usage.ru_inblock;
	rusage[PMU_RUSAGE_OUBLOCK] = (uint64_t)usage.ru_oublock;
	rusage[PMU_RUSAGE_NVCSW] = (uint64_t)usage.ru_nvcsw;
	rusage[PMU_RUSAGE_NIVCSW] = (uint64_t)usage.ru_nivcsw;
	return result;
}

int32_t pmu_kill(int32_t pid, int32_t sig)
{
	if (pid < 1)
		return -EINVAL; /* 0 and below would mean a whole group */
	return kill(pid, sig) < 0 ? -errno : 0;
}
