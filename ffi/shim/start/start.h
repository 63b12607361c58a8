/*
 * What the parts of the start share: see start.c.
 */
#ifndef START_H
#define START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#ifndef SYS_clone3
#define SYS_clone3 435 /* the same everywhere; the headers may be older than the kernel */
#endif

/* Marks of ours in the environment of what is run; lib/base/system/launcher.ts knows the second one. */
#define TRIAL_MARK "PMUCTL_TRIAL=1"
#define XFSZ_MARK "PMUCTL_XFSZ=1"

#define NO_LIMIT (~0ull)

/* ---- system calls, for there is no C library ------------------------------------------------------ */

static inline long call(long number, long a, long b, long c, long d, long e)
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

__attribute__((noreturn)) static inline void quit(int status)
{
	for (;;)
		CALL1(SYS_exit_group, status);
}

/* Hidden, so that no address of one has to be relocated. */
#pragma GCC visibility push(hidden)

/* ---- line.c: the one line that is said ------------------------------------------------------------ */

struct line {
	size_t length;
	char text[512];
};

/* Begins a line with what cannot be done, and the cause. */
void begin_line(struct line *line, const char *cause);
void add_text(struct line *line, const char *text);
void add_number(struct line *line, uint64_t number);
/* Writes the line to standard error, and ends the process. */
__attribute__((noreturn)) void end_line(struct line *line);
/* Says one line, and ends the process. */
__attribute__((noreturn)) void fail(const char *cause_and_remedy);

/* ---- environment.c: what the environment is given, and what is hidden in it ----------------------- */

size_t count_of(char **list);
/* `into`, which has room for one more than `envp` has: `mark` and all that is in `envp`. */
void with_mark(char **into, char *mark, char **envp);
bool has_mark(char **envp, const char *mark);
/* Hides from the runtime what is meant for other programs on it. */
void hide_from_runtime(char **envp, bool injected);

/* ---- checks.c: what the runtime cannot do without ------------------------------------------------- */

/* Each ends the process, with its one line, where the runtime would not come up. */
void check_working_directory(void);
void check_descriptors(void);
void check_calls(bool injected);

/* ---- limits.c: limits that the runtime may not come up in ----------------------------------------- */

/* What is run, and the environment. */
struct program {
	const char *file;
	char **argv;
	char **envp;
};

/* The limit in force; NO_LIMIT where there is none, or it is not to be known. */
uint64_t soft_limit(int resource);
void check_stack(void);
/* Where limits may be too low, tries whether `trial` comes up in them. */
void check_limits(const struct program *trial);

#pragma GCC visibility pop

#endif
