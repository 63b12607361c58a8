/* Events, descriptors and clocks: one system call each. See pmu.h. */
#define _GNU_SOURCE
#include "pmu.h"
#include "nofile.h"
#include "portable.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

PMU_OLD_SYMBOL(pthread_sigmask);

uint32_t pmu_abi_version(void)
{
	return PMU_ABI_VERSION;
}

int32_t pmu_open(void *attr, int32_t pid, int32_t cpu, int32_t group_fd, uint32_t flags)
{
	unsigned long all = (unsigned long)flags | PERF_FLAG_FD_CLOEXEC;
	long fd = syscall(SYS_perf_event_open, attr, pid, cpu, group_fd, all);

	return fd < 0 ? -errno : (int32_t)fd;
}

int32_t pmu_close(int32_t fd)
{
	/* Not again after EINTR: Linux has released the descriptor by then. */
	return close(fd) < 0 ? -errno : 0;
}

int64_t pmu_read(int32_t fd, void *buf, uint64_t len)
{
	ssize_t n;

	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int32_t pmu_width(int32_t fd)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	struct perf_event_mmap_page *page = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	int32_t width;

	if (page == MAP_FAILED)
		return -errno;
	width = page->pmc_width;
	munmap(page, size);
	return width;
}

static int32_t event_ioctl(int32_t fd, unsigned long request, unsigned long argument)
{
	int result;

	do
		result = ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

int32_t pmu_enable(int32_t fd, int32_t group)
{
	return event_ioctl(fd, PERF_EVENT_IOC_ENABLE, group ? PERF_IOC_FLAG_GROUP : 0);
}

int32_t pmu_disable(int32_t fd, int32_t group)
{
	return event_ioctl(fd, PERF_EVENT_IOC_DISABLE, group ? PERF_IOC_FLAG_GROUP : 0);
}

int32_t pmu_reset(int32_t fd, int32_t group)
{
	return event_ioctl(fd, PERF_EVENT_IOC_RESET, group ? PERF_IOC_FLAG_GROUP : 0);
}

int32_t pmu_refresh(int32_t fd, int32_t n)
{
	return event_ioctl(fd, PERF_EVENT_IOC_REFRESH, (unsigned long)n);
}

int32_t pmu_period(int32_t fd, uint64_t period)
{
	return event_ioctl(fd, PERF_EVENT_IOC_PERIOD, (unsigned long)&period);
}

int32_t pmu_id(int32_t fd, uint64_t *id)
{
	return event_ioctl(fd, PERF_EVENT_IOC_ID, (unsigned long)id);
}

int32_t pmu_set_output(int32_t fd, int32_t target_fd)
{
	return event_ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, (unsigned long)target_fd);
}

int32_t pmu_set_filter(int32_t fd, const char *filter)
{
	return event_ioctl(fd, PERF_EVENT_IOC_SET_FILTER, (unsigned long)filter);
}

static int open_again(const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* Locks the file, when it is one. Returns 0 or -errno. */
static int lock_regular(int fd)
{
	struct stat stat;

	/* By its number: glibc had no symbol for fstat before 2.33. The layouts are the same. */
	if (syscall(SYS_fstat, fd, &stat) < 0)
		return -errno;
	/* Where there are no locks (some network file systems) everything else still works. */
	if (S_ISREG(stat.st_mode) && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return -EWOULDBLOCK;
	return 0;
}

/* Returns an open file once it is locked; where it cannot be, closes it and returns why. */
static int32_t locked(int fd)
{
	int error = lock_regular(fd);

	if (error == 0)
		return fd;
	close(fd);
	return error;
}

int32_t pmu_create(const char *path, uint32_t mode)
{
	int fd = open_again(path, O_RDWR | O_CREAT, (mode_t)mode), error;

	if (fd < 0)
		return -errno;
	error = lock_regular(fd);
	if (error == 0 && ftruncate(fd, 0) < 0 && errno != EINVAL) /* EINVAL: not a thing to be emptied */
		error = -errno;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

int32_t pmu_create_nameless(const char *folder, uint32_t mode)
{
	int fd = open_again(folder, O_RDWR | O_TMPFILE, (mode_t)mode);

	return fd < 0 ? -errno : locked(fd);
}

int32_t pmu_name(int32_t fd, const char *path)
{
	char self[sizeof("/proc/self/fd/-2147483648")];

	/* AT_EMPTY_PATH would do without /proc, but takes CAP_DAC_READ_SEARCH. */
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

int32_t pmu_lock(const char *path)
{
	int fd = open_again(path, O_RDWR, 0);

	if (fd < 0 && (errno == EACCES || errno == EROFS || errno == ETXTBSY))
		fd = open_again(path, O_RDONLY, 0); /* enough for a lock on a local file system */
	return fd < 0 ? -errno : locked(fd);
}

/* Opens a file if it is of this type (S_IFMT of stat(2)), without waiting for another process: -EINVAL if not. */
static int32_t open_of_type(const char *path, int flags, mode_t type)
{
	int fd = open_again(path, flags | O_NONBLOCK | O_NOCTTY, 0);
	struct stat stat;

	if (fd < 0)
		return -errno;
	/* By its number: see lock_regular(). */
	if (syscall(SYS_fstat, fd, &stat) == 0 && (stat.st_mode & S_IFMT) == type)
		return fd;
	close(fd);
	return -EINVAL;
}

int32_t pmu_open_fifo(const char *path)
{
	return open_of_type(path, O_WRONLY, S_IFIFO);
}

int32_t pmu_open_control(const char *path)
{
	return open_of_type(path, O_RDWR, S_IFIFO);
}

int32_t pmu_wait_readable(int32_t fd, int32_t wake)
{
	struct pollfd readable[] = { { .fd = fd, .events = POLLIN }, { .fd = wake, .events = POLLIN } };

	while (poll(readable, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	return readable[0].revents != 0;
}

int64_t pmu_try_write(int32_t fd, const void *buf, uint64_t len)
{
	ssize_t n;

	do
		n = write(fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int32_t pmu_open_input(const char *path)
{
	return open_of_type(path, O_RDONLY, S_IFREG);
}

int32_t pmu_pipe(int32_t fds[2])
{
	return pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0;
}

/* At `offset`, or at the position of `fd` with -1. */
static int64_t write_all(int32_t fd, const void *buf, uint64_t len, int64_t offset)
{
	const unsigned char *bytes = buf;
	uint64_t done = 0;

	while (done < len) {
		ssize_t n = offset < 0 ? write(fd, bytes + done, len - done)
				       : pwrite(fd, bytes + done, len - done, offset + (off_t)done);

		if (n > 0) {
			done += (uint64_t)n;
		} else if (n == 0) {
			return -EIO; /* nothing is taken and nothing is wrong: never loop on it */
		} else if (errno == EAGAIN) {
			struct pollfd writable = { .fd = fd, .events = POLLOUT };

			if (poll(&writable, 1, -1) < 0 && errno != EINTR)
				return -errno;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return (int64_t)len;
}

static int64_t write_without_sigxfsz(int32_t fd, const void *buf, uint64_t len, int64_t offset)
{
	static const struct timespec at_once;
	sigset_t too_large, old, pending;
	int64_t result;

	/* A file that may not grow is to be an error (EFBIG), not the end of this process. */
	sigemptyset(&too_large);
	sigaddset(&too_large, SIGXFSZ);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &too_large, &old);
	result = write_all(fd, buf, len, offset);
	if (result == -EFBIG && !sigismember(&pending, SIGXFSZ))
		sigtimedwait(&too_large, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return result;
}

int64_t pmu_write(int32_t fd, const void *buf, uint64_t len)
{
	return write_without_sigxfsz(fd, buf, len, -1);
}

int64_t pmu_write_at(int32_t fd, const void *buf, uint64_t len, int64_t offset)
{
	return offset < 0 ? -EINVAL : write_without_sigxfsz(fd, buf, len, offset);
}

int32_t pmu_truncate(int32_t fd, int64_t length)
{
	int result;

	do
		result = ftruncate(fd, length);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

int32_t pmu_overwrite_in_place(int32_t fd)
{
	struct statfs fs;
	int flags;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_type != BTRFS_SUPER_MAGIC)
		return 0;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return -errno;
	flags |= FS_NOCOW_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? -errno : 1;
}

int64_t pmu_seek(int32_t fd, int64_t offset, int32_t whence)
{
	off_t at = lseek(fd, offset, whence);

	return at < 0 ? -errno : at;
}

/* The limit before it was first raised; rlim_max is 0 until then. Of the one thread that makes children. */
static struct rlimit unraised;

void nofile_outside(struct rlimit *limit)
{
	if (unraised.rlim_max > 0)
		*limit = unraised;
	else
		getrlimit(RLIMIT_NOFILE, limit); /* cannot fail: the number and the address are good */
}

int64_t pmu_rlimit_nofile(uint64_t want)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (unraised.rlim_max == 0)
		unraised = limit;
	if (limit.rlim_max < want) {
		struct rlimit higher = { want, want };

		/* Refused to most users, and beyond fs.nr_open to all: the return value says where it is then. */
		if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
			limit = higher;
	}
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit higher = { limit.rlim_max, limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
			limit = higher; /* a seccomp filter may refuse it */
	}
	/* RLIM_INFINITY must not read as an error. */
	return limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}

int32_t pmu_page_size(void)
{
	return (int32_t)sysconf(_SC_PAGESIZE);
}

int64_t pmu_clock_ns(int32_t clockid)
{
	struct timespec now;

	if (clock_gettime(clockid, &now) < 0)
		return -errno;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t pmu_clock_res_ns(int32_t clockid)
{
	struct timespec step;

	if (clock_getres(clockid, &step) < 0)
		return -errno;
	return (int64_t)step.tv_sec * 1000000000 + step.tv_nsec;
}
