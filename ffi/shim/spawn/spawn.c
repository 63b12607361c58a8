/* Starts a child that waits before exec, releases it, and waits for its end. See pmu.h. */
#define _GNU_SOURCE
#include "../portable.h"
#include "../nofile.h"
#include "spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

PMU_OLD_SYMBOL(pthread_sigmask);

#define DEFAULT_PATH "/bin:/usr/bin" /* like execvp(3) when PATH is not set */

extern char **environ;

/* ---- before fork ----------------------------------------------------------------------------- */

/* Returns an array of the `count` consecutive strings in `block`, after `before` empty slots, with a final NULL. */
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

/* Fills plan->files: `path` itself if it has a slash, else its path in each directory of PATH. */
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

/* Allocates the launcher's arguments, all filled in but the number of the line. Returns false without memory. */
static bool list_launcher_argv(struct plan *plan, uint32_t argc)
{
	uint32_t files = 0;

	while (plan->files[files])
		files++;
	plan->launcher_argv = calloc((size_t)files + argc + LAUNCHER_ARGV_FILES + 2, sizeof(*plan->launcher_argv));
	if (!plan->launcher_argv)
		return false;
	(void)snprintf(plan->file_count, sizeof(plan->file_count), "%u", files);
	plan->launcher_argv[0] = "pmuctl-launcher";
	plan->launcher_argv[LAUNCHER_ARGV_LINE] = plan->line_number;
	plan->launcher_argv[LAUNCHER_ARGV_COUNT] = plan->file_count;
	memcpy(plan->launcher_argv + LAUNCHER_ARGV_FILES, plan->files, files * sizeof(*plan->files));
	plan->launcher_argv[LAUNCHER_ARGV_FILES + files] = "";
	memcpy(plan->launcher_argv + LAUNCHER_ARGV_FILES + files + 1, plan->argv, argc * sizeof(*plan->argv));
	return true;
}

static void free_plan(struct plan *plan)
{
	free(plan->argv);
	free(plan->shell_argv);
	if (plan->own_envp)
		free(plan->envp);
	free(plan->files);
	free(plan->names);
	free(plan->launcher_argv);
}

/* Creates a pair of connected sockets above the standard descriptors, so that the child's dup2 cannot hit them. */
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

/* ---- in the parent --------------------------------------------------------------------------- */

/* Waits for a report. Returns false when the line closes without one: the child has called exec, or died. */
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

static int32_t fork_child(struct plan *plan, struct pmu_child *child)
{
	struct report report;
	sigset_t all;
	int line[2] = { -1, -1 };
	pid_t pid; /* not child->pid: a child of vfork() writes to the parent's memory */
	int32_t result = high_socketpair(line);

	if (result < 0)
		return result;
	plan->line = line[1];
	(void)snprintf(plan->line_number, sizeof(plan->line_number), "%d", line[1]);
	child->stage = PMU_SPAWN_FORK;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &plan->mask); /* so that none of our handlers runs in the child */
	/*
	 * vfork copies none of our page tables, which takes milliseconds with Deno's memory, and the page faults
	 * after it as well. It waits for the child's exec, which only the launcher's comes at once.
	 */
	/* NOLINTNEXTLINE(*.vfork,*.Vfork): posix_spawn(3) has no limits and reports no stage; all signals are blocked */
	pid = plan->launcher ? vfork() : fork();
	if (pid == 0) {
		close(line[0]); /* otherwise it would not notice the parent's end */
		child_main(plan);
	}
	result = pid < 0 ? -errno : pid;
	child->pid = pid;
	pthread_sigmask(SIG_SETMASK, &plan->mask, NULL);
	close(line[1]);
	child->line_fd = line[0];
	if (pid > 0 && !read_report(child->line_fd, &report))
		report = (struct report){ .stage = PMU_SPAWN_FORK, .error = ESRCH }; /* killed by another process */
	if (pid > 0 && plan->launcher)
		reap(pid); /* it has forked the child and ends */
	if (pid > 0 && report.error) {
		child->stage = report.stage;
		result = -report.error;
		if (!plan->launcher)
			reap(pid);
	} else if (pid > 0) {
		result = child->pid = report.pid;
		/* Done here, before the exec, so that whoever signals the group knows that it exists. */
		if (plan->setup.flags & PMU_SPAWN_GROUP)
			setpgid(child->pid, child->pid);
	}
	if (result < 0)
		hang_up(child);
	else
		child->stage = 0;
	return result;
}

int32_t pmu_spawn(const char *path, const void *argv_block, uint32_t argc, const void *env_block, uint32_t envc,
		  const char *cwd, const struct pmu_setup *setup, const char *launcher, struct pmu_child *child)
{
	struct plan plan = { .cwd = cwd, .setup = *setup };
	int32_t result;

	*child = (struct pmu_child){ .pid = -1, .line_fd = -1, .stage = PMU_SPAWN_PREPARE };
	if (argc == 0 || (setup->flags & ~(PMU_SPAWN_DETACH | PMU_SPAWN_GROUP)) != 0)
		return -EINVAL;
	if (*path == '\0')
		return -ENOENT;
	nofile_outside(&plan.nofile);
	if (setup->nofile != 0 && setup->nofile <= plan.nofile.rlim_max)
		plan.nofile.rlim_cur = setup->nofile;
	plan.argv = pointers(argv_block, argc, 0);
	plan.shell_argv = pointers(argv_block, argc, 1);
	plan.own_envp = env_block != NULL;
	plan.envp = env_block ? pointers(env_block, envc, 0) : environ;
	result = plan.argv && plan.shell_argv && plan.envp ? list_files(&plan, path) : -ENOMEM;
	if (result == 0) {
		plan.shell_argv[0] = "/bin/sh"; /* [1] was argv[0]: the file takes its place */
		plan.launcher = (char *)launcher;
		result = !launcher || list_launcher_argv(&plan, argc) ? fork_child(&plan, child) : -ENOMEM;
	}
	free_plan(&plan);
	return result;
}

static uint64_t ns(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

static void fill_rusage(uint64_t fields[PMU_RUSAGE_FIELDS], const struct rusage *usage)
{
	memset(fields, 0, PMU_RUSAGE_FIELDS * sizeof(*fields));
	fields[PMU_RUSAGE_UTIME_NS] = ns(usage->ru_utime);
	fields[PMU_RUSAGE_STIME_NS] = ns(usage->ru_stime);
	fields[PMU_RUSAGE_MAXRSS_BYTES] = (uint64_t)usage->ru_maxrss * 1024u;
	fields[PMU_RUSAGE_MINFLT] = (uint64_t)usage->ru_minflt;
	fields[PMU_RUSAGE_MAJFLT] = (uint64_t)usage->ru_majflt;
	fields[PMU_RUSAGE_INBLOCK] = (uint64_t)usage->ru_inblock;
	fields[PMU_RUSAGE_OUBLOCK] = (uint64_t)usage->ru_oublock;
	fields[PMU_RUSAGE_NVCSW] = (uint64_t)usage->ru_nvcsw;
	fields[PMU_RUSAGE_NIVCSW] = (uint64_t)usage->ru_nivcsw;
}

int32_t pmu_release(struct pmu_child *child)
{
	struct report report;
	char go = 1;
	int32_t result = 0;

	if (child->line_fd < 0)
		return -EINVAL;
	if (send(child->line_fd, &go, 1, MSG_NOSIGNAL) < 0 || !read_report(child->line_fd, &report)) {
		result = -ESRCH; /* killed while it waited */
	} else {
		child->exec_ns = report.exec_ns;
		fill_rusage(child->used, &report.used);
		if (read_report(child->line_fd, &report))
			result = -report.error;
	}
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

int32_t pmu_wait(int32_t pid, int32_t options, int32_t *status, uint64_t *rusage)
{
	struct rusage usage;
	int64_t ended_ns;
	pid_t result;
	int raw = 0;

	if (pid < 1)
		return -EINVAL; /* 0 and below would mean any child */
	do
		result = wait4(pid, &raw, options, &usage);
	while (result < 0 && errno == EINTR);
	if (result <= 0)
		return result < 0 ? -errno : 0;
	ended_ns = pmu_clock_ns(CLOCK_MONOTONIC);
	fill_rusage(rusage, &usage);
	rusage[PMU_RUSAGE_ENDED_NS] = (uint64_t)ended_ns;
	*status = raw;
	return result;
}

int32_t pmu_kill(int32_t pid, int32_t sig)
{
	if (pid < 1)
		return -EINVAL; /* 0 and below would mean a whole group */
	return kill(pid, sig) < 0 ? -errno : 0;
}

int32_t pmu_kill_group(int32_t pid, int32_t sig)
{
	if (pid < 2)
		return -EINVAL; /* 0 would mean our own group, 1 every process */
	return kill(-pid, sig) < 0 ? -errno : 0;
}
