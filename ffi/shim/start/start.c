/*
 * What pmuctl runs before the runtime: says in one line why the runtime would not come up here, as it ends with a
 * trace, or a signal, where it cannot. Two shapes of one code:
 *
 * - build/shim/start-ARCH, run by scripts/pmuctl, execs its arguments: `start COUNT COMMAND...`, of which the last
 *   COUNT are the user's;
 * - in a compiled binary, where scripts/put-start.ts sets `start_next`, it runs between the dynamic linker and the
 *   runtime's own entry.
 *
 * It is linked with no C library, has no data that is written to and no address in it that would have to be relocated.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#define EXIT_UNSUPPORTED 3
/* Descriptors that the runtime and a small command take. */
#define DESCRIPTORS 32
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
#define NO_LIMIT (~0ull)

#ifndef SYS_clone3
#define SYS_clone3 435 /* the same everywhere; the headers may be older than the kernel */
#endif

/* Marks of ours in the environment of what is run; main.ts knows the second one. */
#define TRIAL_MARK "PMUCTL_TRIAL=1"
#define XFSZ_MARK "PMUCTL_XFSZ=1"

/* ---- system calls ------------------------------------------------------------------------------ */

static long call(long number, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
#endif
}

#define CALL1(number, a) call(number, (long)(a), 0, 0, 0, 0)
#define CALL2(number, a, b) call(number, (long)(a), (long)(b), 0, 0, 0)
#define CALL3(number, a, b, c) call(number, (long)(a), (long)(b), (long)(c), 0, 0)
#define CALL4(number, a, b, c, d) call(number, (long)(a), (long)(b), (long)(c), (long)(d), 0)

__attribute__((noreturn)) static void quit(int status)
{
	for (;;)
		CALL1(SYS_exit_group, status);
}

/* ---- one line ------------------------------------------------------------------------------------ */

struct line {
	size_t length;
	char text[512];
};

static void add(struct line *line, const char *text)
{
	while (*text && line->length < sizeof(line->text))
		line->text[line->length++] = *text++;
}

static void add_number(struct line *line, uint64_t number)
{
	char digits[24];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	add(line, digits + at);
}

static void begin(struct line *line, const char *cause)
{
	line->length = 0;
	add(line, "pmuctl: cannot start: ");
	add(line, cause);
}

__attribute__((noreturn)) static void end(struct line *line)
{
	add(line, "\n");
	CALL3(SYS_write, 2, line->text, line->length);
	quit(EXIT_UNSUPPORTED);
}

__attribute__((noreturn)) static void fail(const char *cause_and_remedy)
{
	struct line line;

	begin(&line, cause_and_remedy);
	end(&line);
}

/* ---- what is looked at --------------------------------------------------------------------------- */

static void check_working_directory(void)
{
	char path[4096];
	long result;

	path[0] = '\0';
	result = CALL2(SYS_getcwd, path, sizeof(path));

	if (result == -ENOENT)
		fail("the working directory has been removed: cd to another one");
	if (result < 0 && result != -ERANGE)
		fail("the path of the working directory cannot be found out: cd to another one, or allow getcwd");
	/* The kernel says "(unreachable)" of one outside of the root directory. */
	if (result > 0 && path[0] != '/')
		fail("the working directory is not below the root directory: cd to another one");
}

static void check_descriptors(void)
{
	int fds[DESCRIPTORS];
	int count = 0;
	long fd = CALL4(SYS_openat, AT_FDCWD, "/", O_PATH | O_CLOEXEC, 0);

	for (; fd >= 0 && count < DESCRIPTORS; fd = CALL3(SYS_fcntl, fds[0], F_DUPFD_CLOEXEC, 0))
		fds[count++] = (int)fd;
	if (fd >= 0)
		CALL1(SYS_close, fd);
	for (int i = 0; i < count; i++)
		CALL1(SYS_close, fds[i]);
	if (count < DESCRIPTORS && (fd == -EMFILE || fd == -ENFILE)) {
		struct line line;

		begin(&line, fd == -EMFILE ? "this process may open " : "the machine has room for ");
		add_number(&line, (uint64_t)count);
		add(&line, " more files, and the runtime alone takes ");
		add_number(&line, DESCRIPTORS);
		add(&line, fd == -EMFILE ? ": raise the limit (ulimit -n)" : ": raise fs.file-max");
		end(&line);
	}
}

static void check_call(const char *name, long number, long a, long b, long c)
{
	long result = CALL3(number, a, b, c);

	if (result == -EPERM || result == -EACCES || result == -ENOSYS) {
		struct line line;

		begin(&line, name);
		add(&line, " is refused, which the runtime needs: the seccomp filter has to allow it");
		end(&line);
	}
}

/* Makes the calls whose refusal ends the runtime with a trace or a signal, each so that it does nothing. */
static void check_runtime_calls(void)
{
	uint32_t word = 0;

	check_call("epoll_create1", SYS_epoll_create1, -1, 0, 0);
	check_call("epoll_ctl", SYS_epoll_ctl, -1, 0, -1);
	check_call("eventfd2", SYS_eventfd2, 0, -1, 0);
	check_call("fcntl", SYS_fcntl, -1, F_GETFD, 0);
	check_call("futex", SYS_futex, (long)&word, 1, 0); /* FUTEX_WAKE, of nobody */
	check_call("madvise", SYS_madvise, 1, 0, 0);
#ifdef SYS_poll
	check_call("poll", SYS_poll, 0, 0, 0);
#endif
	check_call("recvfrom", SYS_recvfrom, -1, 0, 0);
	check_call("rt_sigaction", SYS_rt_sigaction, 0, 0, 0); /* of no signal */
	check_call("socketpair", SYS_socketpair, -1, 0, 0);
	check_call("uname", SYS_uname, 0, 0, 0);
}

static void check_calls(bool injected)
{
	char path[64];
	long result = CALL2(SYS_clone3, NULL, 0);

	check_runtime_calls();

	/* The C library takes nothing but ENOSYS for a reason to make threads in the older way. */
	if (result != -EINVAL && result != -ENOSYS)
		fail("clone3 is refused, so that there can be no threads: the seccomp filter has to allow it, or answer ENOSYS");
	if (injected && CALL4(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof(path)) < 0)
		fail("/proc is not mounted, where the program finds itself: mount it");
}

/* ---- standard output ----------------------------------------------------------------------------- */

/*
 * Opens /dev/null for reading as standard output, if that is closed. The runtime would open it for reading and writing, and
 * a result would be lost without an error: this way lib/cli/standard_output.ts can tell.
 */
static void keep_output_closed(void)
{
	long fd;

	if (CALL2(SYS_fcntl, 1, F_GETFD) != -EBADF)
		return;
	fd = CALL4(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, 0);
	if (fd < 0 || fd == 1)
		return;
	CALL3(SYS_dup3, fd, 1, 0);
	CALL1(SYS_close, fd);
}

/* ---- limits ---------------------------------------------------------------------------------------- */

struct limits {
	uint64_t address_space, data; /* bytes */
	uint64_t tasks, cgroup_tasks;
};

static uint64_t soft_limit(int resource)
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
static void check_stack(void)
{
	uint64_t bytes = soft_limit(RLIMIT_STACK);

	if (bytes < STACK_BYTES) {
		struct line line;

		begin(&line, "the stack may have ");
		add_number(&line, bytes >> 10);
		add(&line, " KiB, and the runtime takes more: raise the limit (ulimit -s ");
		add_number(&line, STACK_BYTES >> 10);
		add(&line, ")");
		end(&line);
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
	add(line, *first ? " (" : ", ");
	add(line, name);
	add_number(line, value);
	*first = false;
}

__attribute__((noreturn)) static void fail_of_limits(const struct limits *limits)
{
	struct line line;
	bool first = true;

	begin(&line, "the runtime does not come up within the limits in force");
	add_limit(&line, &first, "ulimit -v ",
		  limits->address_space == NO_LIMIT ? NO_LIMIT : limits->address_space >> 10, NO_LIMIT);
	add_limit(&line, &first, "ulimit -d ", limits->data == NO_LIMIT ? NO_LIMIT : limits->data >> 10, NO_LIMIT);
	add_limit(&line, &first, "ulimit -u ", limits->tasks, MANY_TASKS);
	add_limit(&line, &first, "pids.max ", limits->cgroup_tasks, MANY_TASKS);
	add(&line, first ? ": raise them" : "): raise them");
	if (limits->address_space < ADDRESS_BYTES) {
		add(&line, ", ulimit -v to at least ");
		add_number(&line, ADDRESS_BYTES >> 10);
	}
	end(&line);
}

/* ---- a trial ---------------------------------------------------------------------------------------- */

/* What is run, and the environment. */
struct program {
	const char *file;
	char **argv;
	char **envp;
};

static size_t count_of(char **list)
{
	size_t count = 0;

	while (list[count])
		count++;
	return count;
}

/* `into`, which has room for one more than `envp` has: `mark` and all that is in `envp`. */
static void with_mark(char **into, char *mark, char **envp)
{
	*into++ = mark;
	while ((*into++ = *envp++))
		;
}

static bool has_mark(char **envp, const char *mark)
{
	for (; *envp; envp++) {
		size_t i = 0;

		while (mark[i] && (*envp)[i] == mark[i])
			i++;
		if (!mark[i] && !(*envp)[i])
			return true;
	}
	return false;
}

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

static void check_limits(const struct program *trial)
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

/* ---- the environment ---------------------------------------------------------------------------- */

/* Whether the text begins with `start`. */
static bool begins_with(const char *text, const char *start)
{
	while (*start)
		if (*text++ != *start++)
			return false;
	return true;
}

/*
 * Hides from the runtime what is meant for other programs on it: NODE_OPTIONS has it open a debugger or load a file
 * of the working directory, COMPLETE has it print its own options, OTEL_DENO has it send what it does over the
 * network. The second letter of such a name becomes HIDDEN, and lib/base/system/launcher.ts puts it back for the commands
 * that pmuctl runs. The launcher's own settings stay.
 */
#define HIDDEN '~'

static void hide_from_runtime(char **envp, bool injected)
{
	for (; *envp; envp++) {
		bool own =
			!injected && (begins_with(*envp, "DENO_DIR=") || begins_with(*envp, "DENO_NO_UPDATE_CHECK="));

		if (!own && (begins_with(*envp, "DENO_") || begins_with(*envp, "NODE_") ||
			     begins_with(*envp, "OTEL_") || begins_with(*envp, "COMPLETE=")))
			(*envp)[1] = HIDDEN;
	}
}

/* ---- the two shapes ------------------------------------------------------------------------------- */

/* How far the next entry is from start_entry; 0 where there is none, and arguments are to be run. */
extern const int64_t start_next __attribute__((visibility("hidden")));

/* As the kernel has a signal's action; the flags are none. */
struct action {
	uint64_t handler, flags, restorer, mask;
};

/* Whether a file that grows to its limit would end the program by a signal. */
static bool xfsz_ends(void)
{
	struct action action = { 0, 0, 0, 0 };

	return soft_limit(RLIMIT_FSIZE) != NO_LIMIT &&
	       CALL4(SYS_rt_sigaction, SIGXFSZ, NULL, &action, sizeof(action.mask)) == 0 && action.handler == 0;
}

/*
 * Runs the command. The runtime writes to caches of its own before any code of ours runs, and those may fail, but not
 * end it.
 */
__attribute__((noreturn)) static void run_command(char **argv, char **envp)
{
	struct action ignore = { 1, 0, 0, 0 };
	char *marked[count_of(envp) + 2];

	if (xfsz_ends()) {
		CALL4(SYS_rt_sigaction, SIGXFSZ, &ignore, NULL, sizeof(ignore.mask));
		with_mark(marked, (char *)XFSZ_MARK, envp);
		envp = marked;
	}
	CALL3(SYS_execve, argv[0], argv, envp);
	fail("the runtime is not there to be run: run scripts/setup");
}

static size_t parse(const char *text)
{
	size_t number = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (size_t)(*text - '0');
	return number;
}

/* `stack` as the kernel lays it out for a new program: argc, argv, NULL, envp, NULL. */
__attribute__((used, visibility("hidden"))) void start_main(char **stack)
{
	size_t argc = (size_t)stack[0];
	char **argv = stack + 1, **envp = argv + argc + 1;
	bool injected = start_next != 0;
	char *own_argv[] = { argv[0], (char *)"--version", NULL };
	struct program trial = { "/proc/self/exe", own_argv, envp };
	size_t users = injected || argc < 3 ? 0 : parse(argv[1]);
	char *trial_argv[injected ? 1 : argc + 2];

	if (!injected && (argc < 3 || users > argc - 3))
		quit(2); /* run by hand */
	hide_from_runtime(envp, injected);
	keep_output_closed();
	check_working_directory();
	check_descriptors();
	check_calls(injected);
	check_stack();
	if (!injected) {
		size_t own = argc - 2 - users;

		for (size_t i = 0; i < own; i++)
			trial_argv[i] = argv[2 + i];
		trial_argv[own] = (char *)"--version";
		trial_argv[own + 1] = NULL;
		trial = (struct program){ argv[2], trial_argv, envp };
	}
	check_limits(&trial);
	if (!injected)
		run_command(argv + 2, envp);
}

/* start_next is just before the entry, where scripts/put-start.ts finds it. */
#define START_NEXT                                                                                                     \
	".text\n.balign 16\n.quad 0\n.global start_next\n.hidden start_next\nstart_next: .quad 0\n.global start_entry\n"

/* Keeps what the entry behind it is given: the stack, and in rdx or x0 what is to be run at the end. */
/* clang-format off */
#if defined(__x86_64__)
__asm__(START_NEXT
	"start_entry:\n"
	"	mov %rsp, %rdi\n"
	"	push %rdx\n"
	"	push %rdx\n"
	"	call start_main\n"
	"	pop %rdx\n"
	"	pop %rdx\n"
	"	lea start_entry(%rip), %rax\n"
	"	add start_next(%rip), %rax\n"
	"	jmp *%rax\n");
#elif defined(__aarch64__)
__asm__(START_NEXT
	"start_entry:\n"
	"	mov x19, sp\n"
	"	mov x20, x0\n"
	"	mov x0, sp\n"
	"	bl start_main\n"
	"	mov x0, x20\n"
	"	mov sp, x19\n"
	"	adr x16, start_entry\n"
	"	ldr x17, start_next\n"
	"	add x16, x16, x17\n"
	"	br x16\n");
#endif
/* clang-format on */
