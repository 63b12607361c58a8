/* Limits that the runtime may not come up in: what they are, and a trial of it in them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "start.h"

/* Fewer processes and threads than this may be too few: one tries. */
#define MANY_TASKS 1024
/* What a command takes above what `--version` does: address space in bytes, tasks. */
#define SPARE_BYTES (4ull << 30)
/*
 * Address space that the runtime starts in for certain: V8 reserves 48 GiB. Where it may not, it tries with less, and
 * is ended by a trap in one start of 20.
 */
#define ADDRESS_BYTES ((50ull << 30) + SPARE_BYTES)
#define SPARE_TASKS 4
#define STACK_BYTES (2ull << 20)
#define TRIAL_SECONDS 30

struct limits {
	uint64_t address_space, data; /* bytes */
	uint64_t tasks, cgroup_tasks;
};

uint64_t soft_limit(int resource)
{
	struct rlimit limit = { 0, 0 };

	if (CALL4(SYS_prlimit64, 0, resource, NULL, &limit) < 0)
		return NO_LIMIT; /* not to be known */
	return limit.rlim_cur == RLIM_INFINITY ? NO_LIMIT : limit.rlim_cur;
}

/* A number from a file; NO_LIMIT for `max`, and for a file that is not there. */
static uint64_t number_in(const char *path)
{
	char text[24] = { 0 };
	uint64_t number = 0;
	long fd = CALL4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	long n = fd < 0 ? -1 : CALL3(SYS_read, fd, text, sizeof(text));

	if (fd >= 0)
		CALL1(SYS_close, fd);
	if (n < 1 || text[0] < '0' || text[0] > '9')
		return NO_LIMIT;
	for (long i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	return number;
}

static void read_limits(struct limits *limits)
{
	limits->address_space = soft_limit(RLIMIT_AS);
	limits->data = soft_limit(RLIMIT_DATA);
	limits->tasks = soft_limit(RLIMIT_NPROC);
	limits->cgroup_tasks = number_in("/sys/fs/cgroup/pids.max");
}

/* V8 takes it for granted that it may use about 1 MiB, and is ended by a signal where it may not. */
void check_stack(void)
{
	uint64_t bytes = soft_limit(RLIMIT_STACK);

	if (bytes < STACK_BYTES) {
		struct line line;

		begin_line(&line, "the stack may have ");
		add_number(&line, bytes >> 10);
		add_text(&line, " KiB, and the runtime takes more: raise the limit (ulimit -s ");
		add_number(&line, STACK_BYTES >> 10);
		add_text(&line, ")");
		end_line(&line);
	}
}

static bool may_be_too_low(const struct limits *limits)
{
	return limits->address_space != NO_LIMIT || limits->data != NO_LIMIT || limits->tasks < MANY_TASKS ||
	       limits->cgroup_tasks < MANY_TASKS;
}

static void add_limit(struct line *line, bool *first, const char *name, uint64_t value, uint64_t below)
{
	if (value >= below)
		return;
	add_text(line, *first ? " (" : ", ");
	add_text(line, name);
	add_number(line, value);
	*first = false;
}

__attribute__((noreturn)) static void fail_of_limits(const struct limits *limits)
{
	struct line line;
	bool first = true;

	begin_line(&line, "the runtime does not come up within the limits in force");
	add_limit(&line, &first, "ulimit -v ",
		  limits->address_space == NO_LIMIT ? NO_LIMIT : limits->address_space >> 10, NO_LIMIT);
	add_limit(&line, &first, "ulimit -d ", limits->data == NO_LIMIT ? NO_LIMIT : limits->data >> 10, NO_LIMIT);
	add_limit(&line, &first, "ulimit -u ", limits->tasks, MANY_TASKS);
	add_limit(&line, &first, "pids.max ", limits->cgroup_tasks, MANY_TASKS);
	add_text(&line, first ? ": raise them" : "): raise them");
	if (limits->address_space < ADDRESS_BYTES) {
		add_text(&line, ", ulimit -v to at least ");
		add_number(&line, ADDRESS_BYTES >> 10);
	}
	end_line(&line);
}

/* ---- a trial ---------------------------------------------------------------------------------------- */

static void lower(int resource, uint64_t value, uint64_t spare)
{
	struct rlimit limit;

	if (value == NO_LIMIT || CALL4(SYS_prlimit64, 0, resource, NULL, &limit) < 0)
		return;
	limit.rlim_cur = value > spare ? value - spare : 0;
	CALL4(SYS_prlimit64, 0, resource, &limit, NULL);
}

/* In the child: the program itself, which has to get as far as its own code. */
__attribute__((noreturn)) static void run_trial(const struct program *program, const struct limits *limits)
{
	struct itimerval alarm = { .it_value.tv_sec = TRIAL_SECONDS };
	char *envp[count_of(program->envp) + 2];
	long null = CALL4(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);

	for (int fd = 0; fd < 3; fd++)
		CALL3(SYS_dup3, null, fd, 0);
	with_mark(envp, (char *)TRIAL_MARK, program->envp);
	lower(RLIMIT_AS, limits->address_space, SPARE_BYTES);
	lower(RLIMIT_DATA, limits->data, SPARE_BYTES);
	lower(RLIMIT_NPROC, limits->tasks, SPARE_TASKS);
	CALL3(SYS_setitimer, ITIMER_REAL, &alarm, NULL);
	CALL3(SYS_execve, program->file, program->argv, envp);
	quit(127);
}

void check_limits(const struct program *trial)
{
	struct limits limits;
	int status = -1;
	long pid, result;

	read_limits(&limits);
	if (!may_be_too_low(&limits) || has_mark(trial->envp, TRIAL_MARK))
		return;
	if (limits.address_space < ADDRESS_BYTES)
		fail_of_limits(&limits);
	pid = call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		run_trial(trial, &limits);
	do
		result = pid < 0 ? pid : CALL4(SYS_wait4, pid, &status, 0, NULL);
	while (result == -EINTR);
	if (result < 0 || status != 0)
		fail_of_limits(&limits);
}
