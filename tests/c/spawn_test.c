/* Children that wait before exec: release, failures of every kind, what they inherit, what they used. */
#define _GNU_SOURCE
#include "harness.h"
#include "perf_helpers.h"

#include "../../ffi/shim/pmu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct pmu_setup INHERIT = { .stdio = { -1, -1, -1 } };
static char dir[] = "/tmp/pmu-spawn-test-XXXXXX";

/* `sh -c SCRIPT`, standard output to `out` (-1: ours), in `cwd`; pmu_spawn's result. */
static int32_t spawn_script(const char *script, int32_t out, const char *cwd, struct pmu_child *child)
{
	struct pmu_setup setup = { .stdio = { -1, out, -1 } };
	char argv[4096];
	int length = snprintf(argv, sizeof(argv), "sh%c-c%c%s", 0, 0, script);

	if (length < 0 || length >= (int)sizeof(argv))
		abort();
	return pmu_spawn("sh", argv, 3, NULL, 0, cwd, &setup, NULL, child);
}

/* Releases the child, waits for it, and gives its wait status, or a negative errno of release. */
static int32_t finish(struct pmu_child *child)
{
	uint64_t rusage[PMU_RUSAGE_FIELDS];
	int32_t status = -1, result = pmu_release(child);

	if (result < 0)
		return result;
	CHECK_EQ(pmu_wait(child->pid, 0, &status, rusage), child->pid);
	return status;
}

/* What the script writes, run to its end; up to the size of `text`, NUL-terminated. */
static void output_of(const char *script, const char *cwd, char *text, size_t size)
{
	struct pmu_child child;
	int32_t pipe[2];
	int64_t n;
	size_t at = 0;

	*text = '\0';
	CHECK_EQ(pmu_pipe(pipe), 0);
	CHECK(spawn_script(script, pipe[1], cwd, &child) > 0);
	close(pipe[1]);
	CHECK_EQ(finish(&child), 0);
	while (at < size - 1 && (n = pmu_read(pipe[0], text + at, size - 1 - at)) > 0)
		at += (size_t)n;
	text[at] = '\0';
	close(pipe[0]);
}

/* Spawns a file without arguments and releases it: the errno as pmu_release gives it, or its status. */
static int32_t run_file(const char *path, const char *path_variable)
{
	char env[4200];
	int length = snprintf(env, sizeof(env), "PATH=%s", path_variable ? path_variable : "");
	struct pmu_child child;

	if (length < 0 || length >= (int)sizeof(env))
		abort();
	if (pmu_spawn(path, path, 1, env, path_variable != NULL, NULL, &INHERIT, NULL, &child) < 0)
		return -9999;
	return finish(&child);
}

static void write_file(const char *name, const char *bytes, size_t length, mode_t mode)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length || fchmod(fd, mode) < 0)
		abort();
	close(fd);
}

static const char *in_dir(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void waits_until_released(void)
{
	struct pmu_child child;
	uint64_t rusage[PMU_RUSAGE_FIELDS];
	int32_t status = 0, pipe[2];
	char text[8] = { 0 };

	CHECK_EQ(pmu_pipe(pipe), 0);
	REQUIRE(spawn_script("echo ran; exit 7", pipe[1], NULL, &child) > 0);
	close(pipe[1]);
	CHECK_EQ(child.stage, 0);
	usleep(20000);
	CHECK_EQ(pmu_wait(child.pid, WNOHANG, &status, rusage), 0);
	fcntl(pipe[0], F_SETFL, O_NONBLOCK);
	CHECK_EQ(pmu_read(pipe[0], text, sizeof(text)), -EAGAIN);
	fcntl(pipe[0], F_SETFL, 0);
	CHECK_EQ(pmu_release(&child), 0);
	CHECK_EQ(pmu_release(&child), -EINVAL); /* once only */
	CHECK_EQ(pmu_cancel(&child), -EINVAL);
	CHECK_EQ(pmu_read(pipe[0], text, sizeof(text)), 4);
	CHECK(strcmp(text, "ran\n") == 0);
	CHECK_EQ(pmu_wait(child.pid, 0, &status, rusage), child.pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 7);
	CHECK_EQ(pmu_wait(child.pid, 0, &status, rusage), -ECHILD);
	close(pipe[0]);
}

static void counts_from_its_first_instruction(void)
{
	struct perf_event_attr attr = software_attr(PERF_COUNT_SW_PAGE_FAULTS, 0);
	struct pmu_child child;
	int32_t event;

	attr.enable_on_exec = 1;
	REQUIRE(spawn_script("exit 0", -1, NULL, &child) > 0);
	event = pmu_open(&attr, child.pid, -1, -1, 0);
	REQUIRE(event >= 0);
	usleep(10000);
	CHECK_EQ(count_of(event), 0); /* nothing of the waiting is counted */
	CHECK_EQ(finish(&child), 0);
	CHECK(count_of(event) > 0);
	pmu_close(event);
}

static void reports_what_exec_refuses(void)
{
	CHECK_EQ(run_file("/no/such/program", "/bin"), -ENOENT);
	CHECK_EQ(run_file("no-such-program", "/bin:/usr/bin"), -ENOENT);
	CHECK_EQ(run_file(dir, "/bin"), -EACCES); /* a directory */
	write_file("not-executable", "#!/bin/sh\n", 10, 0600);
	CHECK_EQ(run_file(in_dir("not-executable"), "/bin"), -EACCES);
	write_file("no-interpreter", "#!/no/such/interpreter\n", 23, 0700);
	CHECK_EQ(run_file(in_dir("no-interpreter"), "/bin"), -ENOENT);
	write_file("foreign", "\177ELF for no machine", 20, 0700);
	CHECK_EQ(run_file(in_dir("foreign"), "/bin"), -ENOEXEC);
	CHECK_EQ(run_file(in_dir("foreign/below"), "/bin"), -ENOTDIR);
	CHECK_EQ(run_file("", "/bin"), -9999);
	CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1); /* every one of them was reaped */
	CHECK_EQ(errno, ECHILD);
}

static void searches_path(void)
{
	char first[64], path[256];

	/* The first PATH entry has it without permission to run it, the second can be run. */
	snprintf(first, sizeof(first), "%s/first", dir);
	mkdir(first, 0700);
	write_file("first/tool", "#!/bin/sh\nexit 1\n", 17, 0600);
	write_file("tool", "#!/bin/sh\nexit 5\n", 17, 0700);
	snprintf(path, sizeof(path), "%s:%s", first, dir);
	CHECK_EQ(WEXITSTATUS(run_file("tool", path)), 5);
	strcat(first, ":/nowhere");
	CHECK_EQ(run_file("tool", first), -EACCES); /* rather than the later ENOENT */
	CHECK_EQ(run_file("tool", "/nowhere"), -ENOENT);
	CHECK_EQ(run_file("tool", ""), -ENOENT);
	CHECK_EQ(WEXITSTATUS(run_file("true", NULL)), 0); /* no PATH: the system's directories */
}

static void runs_scripts_without_a_first_line(void)
{
	struct pmu_child child;
	char argv[256];
	int length;

	write_file("script", "test \"$0 $1 $2\" = \"$WANT\" && exit 3\n", 36, 0700);
	length = snprintf(argv, sizeof(argv), "name%cone%ctwo", 0, 0);
	CHECK(length > 0);
	snprintf(argv + 128, 100, "WANT=%s one two", in_dir("script"));
	REQUIRE(pmu_spawn(in_dir("script"), argv, 3, argv + 128, 1, NULL, &INHERIT, NULL, &child) > 0);
	CHECK_EQ(WEXITSTATUS(finish(&child)), 3);
}

static void gives_argv_and_environment(void)
{
	static const char argv[] = "sh\0-c\0test \"$1|$2|$A|$B\" = '||x y|' && test -z \"$HOME\"\0sh\0\0";
	static const char env[] = "A=x y\0B=\0PATH=/usr/bin:/bin";
	struct pmu_setup unknown = { .stdio = { -1, -1, -1 }, .flags = 1u << 31 };
	struct pmu_child child;

	REQUIRE(pmu_spawn("/bin/sh", argv, 5, env, 3, NULL, &INHERIT, NULL, &child) > 0);
	CHECK_EQ(finish(&child), 0);
	CHECK_EQ(pmu_spawn("/bin/sh", argv, 0, env, 3, NULL, &INHERIT, NULL, &child), -EINVAL);
	CHECK_EQ(pmu_spawn("/bin/sh", argv, 5, env, 3, NULL, &unknown, NULL, &child), -EINVAL);
	CHECK_EQ(child.stage, PMU_SPAWN_PREPARE);
}

/* A descriptor that exec would leave open does not come along. Field 6 of /proc/PID/stat is the session. */
static void detaches(void)
{
	static const char argv[] =
		"sh\0-c\0set -- $(cat /proc/$$/stat) && test \"$6\" = \"$$\" && test ! -e /proc/$$/fd/100";
	struct pmu_setup detached = { .stdio = { -1, -1, -1 }, .flags = PMU_SPAWN_DETACH };
	struct pmu_child child;
	int kept = dup2(1, 100);

	CHECK_EQ(kept, 100);
	REQUIRE(pmu_spawn("/bin/sh", argv, 3, NULL, 0, NULL, &detached, NULL, &child) > 0);
	CHECK_EQ(finish(&child), 0);
	REQUIRE(pmu_spawn("/bin/sh", argv, 3, NULL, 0, NULL, &INHERIT, NULL, &child) > 0);
	CHECK(finish(&child) != 0); /* neither of it without the flag */
	close(kept);
}

static void changes_directory(void)
{
	struct pmu_child child;
	char text[4096], want[4096];

	snprintf(want, sizeof(want), "%s\n", dir);
	output_of("pwd -P", dir, text, sizeof(text));
	CHECK(strcmp(text, want) == 0);
	CHECK_EQ(spawn_script("exit 0", -1, "/no/such/directory", &child), -ENOENT);
	CHECK_EQ(child.stage, PMU_SPAWN_CHDIR);
}

static void redirects_stdio(void)
{
	static const char argv[] = "sh\0-c\0cat; echo error >&2";
	int32_t in[2], first[2], second[2];
	struct pmu_setup setup;
	struct pmu_child child;
	char text[64] = { 0 };
	int saved[3];

	CHECK_EQ(pmu_pipe(in), 0);
	CHECK_EQ(pmu_pipe(first), 0);
	CHECK_EQ(pmu_pipe(second), 0);
	CHECK_EQ(pmu_write(in[1], "input\n", 6), 6);
	close(in[1]);
	/* Our 1 is `first`, our 2 is `second`; the child has them the other way round. */
	for (int fd = 1; fd < 3; fd++)
		saved[fd] = dup(fd);
	dup2(first[1], 1);
	dup2(second[1], 2);
	setup = (struct pmu_setup){ .stdio = { in[0], 2, 1 } };
	(void)pmu_spawn("sh", argv, 3, NULL, 0, NULL, &setup, NULL, &child);
	for (int fd = 1; fd < 3; fd++) {
		dup2(saved[fd], fd);
		close(saved[fd]);
	}
	close(first[1]);
	close(second[1]);
	REQUIRE(child.pid > 0);
	CHECK_EQ(finish(&child), 0);
	CHECK_EQ(pmu_read(second[0], text, sizeof(text)), 6);
	CHECK(memcmp(text, "input\n", 6) == 0);
	CHECK_EQ(pmu_read(first[0], text, sizeof(text)), 6);
	CHECK(memcmp(text, "error\n", 6) == 0);
	close(in[0]);
	close(first[0]);
	close(second[0]);
	setup.stdio[0] = 0x7ffffffe;
	CHECK_EQ(pmu_spawn("sh", argv, 3, NULL, 0, NULL, &setup, NULL, &child), -EBADF);
	CHECK_EQ(child.stage, PMU_SPAWN_STDIO);
}

/* The descriptors of this process that it leaves open for programs it starts, one a line. */
static void inheritable(char *text, size_t size)
{
	size_t at = 0;

	*text = '\0';
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) == 0) /* open, and not close-on-exec */
			at += (size_t)snprintf(text + at, size - at, "%d\n", fd);
}

static void passes_on_no_descriptor(void)
{
	char text[8192], want[8192];
	int32_t ours[2];

	CHECK_EQ(pmu_pipe(ours), 0);
	inheritable(want, sizeof(want));
	output_of("fd=0; while [ $fd -lt 1024 ]; do [ -e /proc/$$/fd/$fd ] && echo $fd; fd=$((fd+1)); done", NULL, text,
		  sizeof(text));
	CHECK(strcmp(text, want) == 0);
	close(ours[0]);
	close(ours[1]);
}

static void catch_signal(int sig)
{
	(void)sig;
}

/* Bit of a signal in the masks of /proc/PID/status. */
#define BIT(sig) (UINT64_C(1) << ((sig)-1))

/* Whoever started us had SIGHUP ignored (nohup) and SIGUSR2 blocked; we catch one signal and ignore others. */
static void gives_signals_as_asked_and_our_mask(void)
{
	struct sigaction caught = { .sa_handler = catch_signal }, ignored = { .sa_handler = SIG_IGN };
	struct sigaction old_usr1, old_hup, old_pipe;
	struct pmu_setup setup = { .ignored = BIT(SIGHUP) | BIT(SIGUSR1) };
	static const char argv[] = "grep\0-E\0^Sig(Blk|Ign)\0/proc/self/status";
	char text[256] = { 0 }, want[256];
	struct pmu_child child;
	int32_t pipe[2];
	sigset_t usr2, old;

	CHECK_EQ(pmu_pipe(pipe), 0);
	setup.stdio[0] = setup.stdio[2] = -1;
	setup.stdio[1] = pipe[1];
	sigaction(SIGUSR1, &caught, &old_usr1);
	sigaction(SIGHUP, &ignored, &old_hup);
	sigaction(SIGPIPE, &ignored, &old_pipe); /* as Deno does */
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	sigprocmask(SIG_SETMASK, &usr2, &old);
	REQUIRE(pmu_spawn("grep", argv, 4, NULL, 0, NULL, &setup, NULL, &child) > 0);
	close(pipe[1]);
	CHECK_EQ(finish(&child), 0);
	CHECK(pmu_read(pipe[0], text, sizeof(text) - 1) > 0);
	snprintf(want, sizeof(want), "SigBlk:\t%016" PRIx64 "\nSigIgn:\t%016" PRIx64 "\n", BIT(SIGUSR2), setup.ignored);
	CHECK(strcmp(text, want) == 0);
	close(pipe[0]);
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(SIGUSR1, &old_usr1, NULL);
	sigaction(SIGHUP, &old_hup, NULL);
	sigaction(SIGPIPE, &old_pipe, NULL);
}

/* The limits that `sh` prints, soft and hard, as a child of this setup. */
static void limits_of_child(const struct pmu_setup *asked, char *text, size_t size)
{
	static const char argv[] = "sh\0-c\0ulimit -Sn; ulimit -Hn";
	struct pmu_setup setup = *asked;
	struct pmu_child child;
	int32_t pipe[2];
	int64_t n;

	CHECK_EQ(pmu_pipe(pipe), 0);
	setup.stdio[1] = pipe[1];
	REQUIRE(pmu_spawn("sh", argv, 3, NULL, 0, NULL, &setup, NULL, &child) > 0);
	close(pipe[1]);
	CHECK_EQ(finish(&child), 0);
	n = pmu_read(pipe[0], text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	close(pipe[0]);
}

/* In a process of its own: limits that were lowered stay so. */
static void gives_back_the_limit_of_open_files(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		struct rlimit limit = { 100, 200 };
		struct pmu_setup asked = INHERIT;
		char text[64], raised[64];

		setrlimit(RLIMIT_NOFILE, &limit);
		pmu_rlimit_nofile(1 << 12); /* raises the soft one, and as root the hard one, too */
		limits_of_child(&asked, text, sizeof(text));
		asked.nofile = 150;
		limits_of_child(&asked, raised, sizeof(raised));
		_exit(strcmp(text, "100\n200\n") == 0 && strcmp(raised, "150\n200\n") == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
}

/* A child that leads a group is ended with all that it has started. */
static void ends_a_group(void)
{
	static const char argv[] = "sh\0-c\0sleep 1000 & echo; wait";
	struct pmu_setup setup = { .stdio = { -1, -1, -1 }, .flags = PMU_SPAWN_GROUP };
	struct pmu_child child;
	uint64_t rusage[PMU_RUSAGE_FIELDS];
	int32_t status = 0, pipe[2];
	char byte;

	CHECK_EQ(pmu_pipe(pipe), 0);
	setup.stdio[1] = pipe[1];
	REQUIRE(pmu_spawn("sh", argv, 3, NULL, 0, NULL, &setup, NULL, &child) > 0);
	close(pipe[1]);
	CHECK_EQ(getpgid(child.pid), child.pid);
	CHECK_EQ(pmu_release(&child), 0);
	CHECK_EQ(pmu_read(pipe[0], &byte, 1), 1); /* both run */
	CHECK_EQ(pmu_kill_group(child.pid, SIGTERM), 0);
	CHECK_EQ(pmu_wait(child.pid, 0, &status, rusage), child.pid);
	CHECK_EQ(WTERMSIG(status), SIGTERM);
	CHECK_EQ(pmu_read(pipe[0], &byte, 1), 0); /* nobody has the other end any more */
	close(pipe[0]);
	CHECK_EQ(pmu_kill_group(1, SIGTERM), -EINVAL);
	CHECK_EQ(pmu_kill_group(0, SIGTERM), -EINVAL);
}

static void can_be_killed_and_cancelled_while_it_waits(void)
{
	struct pmu_child child;
	int32_t status;
	uint64_t rusage[PMU_RUSAGE_FIELDS];
	siginfo_t ended;

	REQUIRE(spawn_script("exit 0", -1, NULL, &child) > 0);
	CHECK_EQ(pmu_cancel(&child), 0);
	CHECK_EQ(pmu_wait(child.pid, 0, &status, rusage), -ECHILD);
	REQUIRE(spawn_script("exit 0", -1, NULL, &child) > 0);
	CHECK_EQ(pmu_kill(child.pid, SIGTERM), 0);
	CHECK_EQ(waitid(P_PID, (id_t)child.pid, &ended, WEXITED | WNOWAIT), 0); /* dead, and not reaped */
	CHECK_EQ(pmu_release(&child), -ESRCH);
	CHECK_EQ(pmu_wait(child.pid, 0, &status, rusage), -ECHILD);
}

static void dies_with_its_parent(void)
{
	int32_t gone[2], pids[2];
	char byte;
	pid_t parent;
	int32_t pid = 0;

	/* The child holds the write end of `gone`, as does a second child made before the parent dies. */
	CHECK_EQ(pmu_pipe(gone), 0);
	CHECK_EQ(pmu_pipe(pids), 0);
	parent = fork();
	if (parent == 0) {
		struct pmu_child child, second;
		struct pmu_setup setup = { .stdio = { -1, gone[1], -1 } };
		static const char argv[] = "sh\0-c\0echo ran";

		if (pmu_spawn("sh", argv, 3, NULL, 0, NULL, &setup, NULL, &child) < 0 ||
		    pmu_spawn("sh", argv, 3, NULL, 0, NULL, &setup, NULL, &second) < 0)
			_exit(1);
		pmu_write(pids[1], &child.pid, sizeof(child.pid));
		kill(getpid(), SIGKILL);
	}
	close(gone[1]);
	close(pids[1]);
	waitpid(parent, NULL, 0);
	CHECK_EQ(pmu_read(pids[0], &pid, sizeof(pid)), sizeof(pid));
	CHECK(pid > 0);
	/* The pipe ends, without a word from the script, when both have exited. */
	CHECK_EQ(pmu_read(gone[0], &byte, 1), 0);
	close(gone[0]);
	close(pids[0]);
}

static void reports_signals_and_usage(void)
{
	static const char burn[] = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; kill -9 $$";
	struct pmu_child child;
	uint64_t rusage[PMU_RUSAGE_FIELDS];
	int32_t status = 0;

	REQUIRE(spawn_script(burn, -1, NULL, &child) > 0);
	CHECK_EQ(pmu_release(&child), 0);
	CHECK_EQ(pmu_wait(child.pid, 0, &status, rusage), child.pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGKILL);
	CHECK(rusage[PMU_RUSAGE_UTIME_NS] > 1000000); /* a hundred thousand turns take a millisecond at least */
	CHECK(rusage[PMU_RUSAGE_MAXRSS_BYTES] > 100000);
	CHECK(rusage[PMU_RUSAGE_MINFLT] > 0);
	for (int i = PMU_RUSAGE_ENDED_NS + 1; i < PMU_RUSAGE_FIELDS; i++)
		CHECK_EQ(rusage[i], 0);
	CHECK_EQ(pmu_wait(0, 0, &status, rusage), -EINVAL);
	CHECK_EQ(pmu_kill(0, SIGTERM), -EINVAL);
	CHECK_EQ(pmu_kill(-1, SIGTERM), -EINVAL);
}

static void works_without_standard_descriptors(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		struct pmu_child child;
		static const char argv[] = "sh\0-c\0exit 4";

		for (int fd = 0; fd < 3; fd++)
			close(fd);
		if (pmu_spawn("sh", argv, 3, NULL, 0, NULL, &INHERIT, NULL, &child) < 0)
			_exit(1);
		_exit(WEXITSTATUS(finish(&child)));
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(WEXITSTATUS(status), 4);
}

int main(void)
{
	static const struct test tests[] = {
		{ "a child waits until it is released", waits_until_released, false },
		{ "events opened before release count from exec on", counts_from_its_first_instruction, true },
		{ "pmu_release() reports what exec refuses", reports_what_exec_refuses, false },
		{ "a name without a slash is searched in PATH", searches_path, false },
		{ "a script without a first line is run by sh", runs_scripts_without_a_first_line, false },
		{ "a child gets exactly the given argv and environment", gives_argv_and_environment, false },
		{ "a detached child has a session of its own and no descriptor besides", detaches, false },
		{ "a child starts in the given directory", changes_directory, false },
		{ "a child gets the given descriptors, even swapped ones", redirects_stdio, false },
		{ "a child gets no descriptor besides", passes_on_no_descriptor, false },
		{ "a child ignores what it is asked to and has our mask", gives_signals_as_asked_and_our_mask, false },
		{ "a child gets the limit of open files from before it was raised", gives_back_the_limit_of_open_files,
		  false },
		{ "a child in a group of its own is ended with what it started", ends_a_group, false },
		{ "a waiting child can be killed and cancelled", can_be_killed_and_cancelled_while_it_waits, false },
		{ "a waiting child exits when its parent dies", dies_with_its_parent, false },
		{ "pmu_wait() reports the signal and the resources", reports_signals_and_usage, false },
		{ "pmu_spawn() works when 0 to 2 are closed", works_without_standard_descriptors, false },
	};
	char command[4096];
	int result;

	if (!mkdtemp(dir))
		return 1;
	result = RUN_TESTS(tests);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	return system(command) != 0 || result;
}
