/*
 * Runs a program in surroundings that are unlike the usual ones in all that a program inherits: limits, ignored and
 * blocked signals, umask, nice, CPUs, descriptors, and arguments and variables whose bytes are no UTF-8.
 *
 *     outside [-u] PROGRAM [ARG]...   appends arguments of its own; -u: none but UTF-8, SIGPIPE as it is, and the
 *                                     signal by which glibc sets user ids as it is by default
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ARGS 256
/* glibc's own, which sigaction(2) of glibc does not take. */
#define SIGSETXID 33

int main(int argc, char **argv)
{
	static char *extra[] = { "", "--", "two words\n", "\xef\xbf\xbd", "a\xff\xc3", "\xe2\x82" };
	const int utf8_alone = argc > 1 && !strcmp(argv[1], "-u"), not_utf8 = 2;
	static char *variables[] = { "Z=last comes first",      "ODD=\xff\xfe", "with.dot=1",
				     "BASH_FUNC_f%%=() { :; }", "EMPTY=",       "LINES=one\ntwo" };
	char *environment[64], *args[MAX_ARGS + 8];
	struct rlimit files = { 512, 4096 }, core = { 1 << 20, 1 << 20 };
	static const unsigned long default_action[4]; /* struct sigaction of the kernel */
	cpu_set_t one;
	sigset_t blocked;
	int count = 0, variable = 0;

	if (argc < 2 || argc > MAX_ARGS)
		return 2;
	for (int i = 1 + utf8_alone; i < argc; i++)
		args[count++] = argv[i];
	for (int i = 0; i < (int)(sizeof(extra) / sizeof(*extra)) - (utf8_alone ? not_utf8 : 0); i++)
		args[count++] = extra[i];
	args[count] = NULL;
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		environment[variable++] = variables[i];
	for (char **each = environ; *each && variable < 60; each++)
		if (!strncmp(*each, "PATH=", 5) || !strncmp(*each, "HOME=", 5) || !strncmp(*each, "PMUCTL", 6))
			environment[variable++] = *each;
	environment[variable] = NULL;

	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &core);
	if (utf8_alone)
		syscall(SYS_rt_sigaction, SIGSETXID, default_action, NULL, 8);
	else
		signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigaddset(&blocked, SIGWINCH);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	umask(027);
	if (nice(3) < 0)
		return 2;
	/* One CPU of those there are, the same each time. */
	sched_getaffinity(0, sizeof(one), &one);
	for (int cpu = 0; CPU_COUNT(&one) > 1; cpu++)
		CPU_CLR(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	prctl(PR_SET_TIMERSLACK, 123456);
	dup2(open("/dev/zero", O_RDONLY), 7);
	dup2(open("/dev/zero", O_RDONLY), 300);
	execvpe(args[0], args, environment);
	perror(args[0]);
	return 127;
}
