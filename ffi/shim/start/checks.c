/* Looks at what the runtime cannot do without: where it is not there, the runtime ends with a trace, or a signal. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>

#include "start.h"

/* Descriptors that the runtime and a small command take. */
#define DESCRIPTORS 32

void check_working_directory(void)
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

void check_descriptors(void)
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

		begin_line(&line, fd == -EMFILE ? "this process may open " : "the machine has room for ");
		add_number(&line, (uint64_t)count);
		add_text(&line, " more files, and the runtime alone takes ");
		add_number(&line, DESCRIPTORS);
		add_text(&line, fd == -EMFILE ? ": raise the limit (ulimit -n)" : ": raise fs.file-max");
		end_line(&line);
	}
}

static void check_call(const char *name, long number, long a, long b, long c)
{
	long result = CALL3(number, a, b, c);

	if (result == -EPERM || result == -EACCES || result == -ENOSYS) {
		struct line line;

		begin_line(&line, name);
		add_text(&line, " is refused, which the runtime needs: the seccomp filter has to allow it");
		end_line(&line);
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

void check_calls(bool injected)
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
