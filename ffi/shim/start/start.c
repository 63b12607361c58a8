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
 * line.c says the line, checks.c and limits.c look at what the runtime needs, environment.c hides what is not for it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "start.h"

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
