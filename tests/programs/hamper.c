/*
 * Runs a command where something is in its way:
 *   hamper refuse ERRNO CALL COMMAND...   the system call, one of CALLS, fails, by a seccomp filter
 *   hamper nonblocking COMMAND...         its standard output is a pipe that does not block, and is read slowly
 *   hamper closed FDS COMMAND...          the descriptors named by the digits of FDS are closed
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(char **command)
{
	execvp(command[0], command);
	perror(command[0]);
	_exit(127);
}

static void refuse(int error, unsigned int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) {
		perror("seccomp");
		_exit(127);
	}
}

static int nonblocking(char **command)
{
	int fds[2], status;
	char bytes[5000];
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return 127;
	fcntl(fds[0], F_SETFL, 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		run(command);
	}
	close(fds[1]);
	while ((n = read(fds[0], bytes, sizeof(bytes))) > 0) {
		if (write(1, bytes, (size_t)n) != n)
			return 127;
		usleep(500);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const struct {
	const char *name;
	unsigned int number;
} CALLS[] = {
	{ "clone3", 435 }, /* the same everywhere; the headers may be older than the kernel */
	{ "epoll_create1", SYS_epoll_create1 },
	{ "epoll_ctl", SYS_epoll_ctl },
	{ "eventfd2", SYS_eventfd2 },
	{ "madvise", SYS_madvise },
	{ "prlimit64", SYS_prlimit64 },
	{ "recvfrom", SYS_recvfrom },
	{ "rt_sigaction", SYS_rt_sigaction },
	{ "socketpair", SYS_socketpair },
	{ "uname", SYS_uname },
};

static unsigned int number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(CALLS) / sizeof(*CALLS); i++)
		if (strcmp(CALLS[i].name, name) == 0)
			return CALLS[i].number;
	fprintf(stderr, "hamper: no call %s\n", name);
	_exit(127);
}

int main(int argc, char **argv)
{
	if (argc > 4 && strcmp(argv[1], "refuse") == 0) {
		refuse(strcmp(argv[2], "EPERM") == 0 ? EPERM : ENOSYS, number_of(argv[3]));
		run(argv + 4);
	}
	if (argc > 3 && strcmp(argv[1], "closed") == 0) {
		for (const char *digit = argv[2]; *digit; digit++)
			close(*digit - '0');
		run(argv + 3);
	}
	if (argc > 2 && strcmp(argv[1], "nonblocking") == 0)
		return nonblocking(argv + 2);
	return 2;
}
