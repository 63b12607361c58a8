/*
 * libpmu: what pmuctl needs of Linux that Deno does not reach. It opens perf events, drains their
 * rings on a thread of its own into a file descriptor, and starts a child that waits to be released.
 *
 * Every function returns a value >= 0, or -errno. Handles are opaque. Strings are UTF-8, ended by
 * NUL. Structures that cross the border are arrays of fixed-width integers in host byte order, so
 * that the other side needs no C layout rules.
 *
 * Threads: functions that take a file descriptor or nothing may be called from any thread. A drain's
 * functions are for one thread at a time, except pmu_drain_stats, pmu_drain_written, pmu_drain_error and
 * pmu_drain_abort, which may be called while pmu_drain_stop waits. pmu_spawn is for one thread at a
 * time.
 */
#ifndef PMU_H
#define PMU_H

#include <stddef.h>
#include <stdint.h>

#define PMU_API __attribute__((visibility("default")))

/* Changes whenever a function below changes its meaning; ffi/symbols.ts holds the same number. */
#define PMU_ABI_VERSION 11

/* PMU_ABI_VERSION of this library. Call it before anything else. */
PMU_API uint32_t pmu_abi_version(void);

/* ---- events ---------------------------------------------------------------------------------- */

/*
 * perf_event_open(2); the descriptor is always close-on-exec. `attr` is a perf_event_attr whose
 * `size` field says how many bytes there are. On -E2BIG the kernel has written the size it knows
 * into that field: zero what lies beyond and try again.
 */
PMU_API int32_t pmu_open(void *attr, int32_t pid, int32_t cpu, int32_t group_fd, uint32_t flags);

/* close(2), for events and for every other descriptor made here. */
PMU_API int32_t pmu_close(int32_t fd);

/*
 * read(2) once, again when interrupted: the counts of an event or of a group as its read_format
 * lays them out, or bytes of a pipe. Returns how many bytes; 0 from an event means that it is in
 * the error state (a pinned event that lost its counter), from a pipe that it has ended.
 */
PMU_API int64_t pmu_read(int32_t fd, void *buf, uint64_t len);

/*
 * The width in bits of the event's hardware counter, as the page says that is there for reading counters from
 * user space (perf_event_mmap_page.pmc_width); 0 where it does not say. The event must have no ring.
 */
PMU_API int32_t pmu_width(int32_t fd);

/* PERF_EVENT_IOC_ENABLE, _DISABLE and _RESET; `group` other than 0 applies it to the whole group. */
PMU_API int32_t pmu_enable(int32_t fd, int32_t group);
PMU_API int32_t pmu_disable(int32_t fd, int32_t group);
PMU_API int32_t pmu_reset(int32_t fd, int32_t group);

/* PERF_EVENT_IOC_REFRESH: enables a sampling event for `n` more overflows, after which it stops. */
PMU_API int32_t pmu_refresh(int32_t fd, int32_t n);

/* PERF_EVENT_IOC_PERIOD: a new period, or a new frequency for an event opened with `freq`. */
PMU_API int32_t pmu_period(int32_t fd, uint64_t period);

/* PERF_EVENT_IOC_ID: the id that samples and group reads of this event carry. */
PMU_API int32_t pmu_id(int32_t fd, uint64_t *id);

/* PERF_EVENT_IOC_SET_OUTPUT: sends the event's records to the ring of `target_fd`; -1 undoes it. */
PMU_API int32_t pmu_set_output(int32_t fd, int32_t target_fd);

/* PERF_EVENT_IOC_SET_FILTER: a tracepoint's filter expression, or an address filter. */
PMU_API int32_t pmu_set_filter(int32_t fd, const char *filter);

/* ---- BPF programs ---------------------------------------------------------------------------- */

/*
 * The first loaded BPF program whose id is above `*id`, which becomes that program's: where each of its functions
 * lies in memory as the kernel compiled it, and how many bytes long it is. Returns how many functions there are, of
 * which at most `capacity` are told; their addresses are 0 where the kernel hides them. -ENOENT behind the last
 * program; -EPERM without CAP_SYS_ADMIN.
 */
PMU_API int32_t pmu_bpf_code(uint32_t *id, uint64_t *starts, uint32_t *lengths, uint32_t capacity);

/* ---- drain ----------------------------------------------------------------------------------- */

/*
 * A drain moves records from any number of rings to `out_fd`, in this order of calls:
 *
 *     new, [set_base], [set_interval], [set_queue], [set_loss], [set_spare], add and stand_in for each ring,
 *     start, ..., stop, free
 *
 * One thread empties the rings into a bounded queue. It wakes when a ring reaches the watermark of its event,
 * at every interval, and to stop. Each time it makes one pass: it notes the heads of all rings, queues the
 * records below them, releases the space, and ends with a PERF_RECORD_FINISHED_ROUND. As all heads are noted
 * before anything is taken, and a pass takes from all rings or from none, no record of a later pass is older
 * than the newest record of the pass before the last, which is what readers rely on to sort by rounds.
 *
 * Another thread writes what is queued, and may be made to wait by a slow disk or reader. When the queue is
 * full, the samples of a pass are dropped and counted, a record in their place says so (set_loss), and all
 * other records go into a reserve of the queue, for without maps and names the samples that are left are worth
 * little. When that is full, too, or nothing may be dropped, the rings are left as they are until there is
 * room, and the kernel counts what they cannot hold.
 *
 * After a write error both go on, and what could not be written is counted as dropped.
 */

/* Flags of pmu_drain_new. */
#define PMU_DRAIN_NO_ROUNDS 1u /* write no PERF_RECORD_FINISHED_ROUND */

/*
 * Makes a drain that writes to `out_fd` from its present position on: a regular file (not opened
 * with O_APPEND when it has a size field), a pipe or a socket. `out_fd` stays the caller's, and has
 * to stay open until pmu_drain_stop. With `size_field_at` >= 0, the u64 at that offset of the file
 * is kept equal to pmu_drain_written(): at the start, every fifth of a second, and at the end, after the data
 * it speaks of, so that a recorder that is killed leaves a file that can be read. NULL with -errno in
 * `*err` when it fails.
 */
PMU_API void *pmu_drain_new(int32_t out_fd, int64_t size_field_at, uint32_t flags, int32_t *err);

/* Counts `already_written` bytes of the data section as written before; -EBUSY once started. */
PMU_API int32_t pmu_drain_set_base(void *drain, uint64_t already_written);

/*
 * How many bytes may be queued before samples are dropped; a quarter more is for all other records. At least
 * what the rings hold together; by default three times that, or 16 MiB. Memory is taken as it is used.
 * -EINVAL for 0; -EBUSY once started.
 */
PMU_API int32_t pmu_drain_set_queue(void *drain, uint64_t bytes);

/*
 * The record to write in the place of dropped samples, as a rule a PERF_RECORD_LOST_SAMPLES: the u64 behind
 * its header is set to their number. With `time_at` and `cpu_at` >= 0, the u64 and the u32 at these offsets
 * are set to the time of the last of the samples, which has it at `sample_time_at`, and to the ring's `cpu`.
 * Without a call nothing is dropped for want of room. -EINVAL when `length` is not a multiple of 8 up to
 * PMU_LOSS_MOST, or an offset is beyond it; -EBUSY once started.
 */
#define PMU_LOSS_MOST 128
PMU_API int32_t pmu_drain_set_loss(void *drain, const void *record, uint32_t length, int32_t time_at, int32_t cpu_at,
				   int32_t sample_time_at);

/*
 * Keeps `bytes` of a regular file behind what is written, as zeros, so that there is room for something at its end
 * when the disk is full: records that would take the last of it count as dropped. -EINVAL for more than
 * PMU_SPARE_MOST; -EBUSY once started.
 */
#define PMU_SPARE_MOST 4096
PMU_API int32_t pmu_drain_set_spare(void *drain, uint32_t bytes);

/*
 * Has the drain note what its records tell of what runs, for pmu_drain_seen, and of the samples' times, which they have
 * at `sample_time_at` (-1: nowhere), for pmu_drain_times. All other records have theirs `record_time_back` bytes from
 * their end (0: nowhere, or not all at the same place). -ENOMEM; -EBUSY once started, or when called again.
 */
PMU_API int32_t pmu_drain_watch(void *drain, int32_t sample_time_at, int32_t record_time_back);

/* Drains at least every `ms` milliseconds (250 unless set). -EINVAL below 1; -EBUSY once started. */
PMU_API int32_t pmu_drain_set_interval(void *drain, int32_t ms);

/*
 * Maps the ring of event `fd`: `pages` data pages, a power of two. Returns the ring's index. mmap's
 * errors come as they are: -EPERM when it is more than perf_event_mlock_kb and RLIMIT_MEMLOCK allow,
 * -EINVAL for an inherited event that is not bound to a CPU, -ENOMEM. `cpu` is only repeated in the
 * statistics. Other events join the ring with pmu_set_output. `fd` stays the caller's, and has to
 * stay open until pmu_drain_free. -EBUSY once started.
 */
PMU_API int32_t pmu_drain_add(void *drain, int32_t fd, uint32_t pages, int32_t cpu);

/*
 * Names another event that sends its records to the ring. When all tasks of the ring's event have ended, the
 * kernel no longer tells of it that the ring fills; the next stand-in is listened to then. Without one, the ring
 * is looked at every 10 ms. `fd` has to stay open until pmu_drain_free. -EINVAL: no such ring; -EBUSY once
 * started; -ENOMEM.
 */
PMU_API int32_t pmu_drain_stand_in(void *drain, int32_t ring, int32_t fd);

/*
 * Starts the threads, with every signal blocked in them but one of the real-time signals, SIGRTMAX - 1, which
 * this catches. A ring that another drain has emptied is taken up where that one has stopped: both may have it
 * mapped, and one of them run. -EALREADY when it has been started; -ENOMEM, -EAGAIN: no threads are left, nor memory
 * that was taken for them, and it may be called again.
 */
PMU_API int32_t pmu_drain_start(void *drain);

/*
 * Writes no more: what is queued and what is still to come is counted as dropped, and pmu_drain_error is
 * -ECANCELED unless there was one before. For an output that takes nothing and may do so for ever: call it while
 * pmu_drain_stop waits, which then returns. Returns at once itself, whatever the output does.
 */
PMU_API void pmu_drain_abort(void *drain);

/*
 * Asks for one last pass, waits until all is written, renews the size field and ends the threads; what the events
 * record afterwards stays in the rings, so disable them first. It may take as long as the reader of
 * a pipe takes, for nothing is dropped here any more. Returns 0 or what pmu_drain_error gives; again the same when called again.
 */
PMU_API int32_t pmu_drain_stop(void *drain);

/*
 * The first thing that went wrong, or 0: -ENOSPC, -EPIPE, -EFBIG... from a write, -EBADMSG when a
 * ring held a header that cannot be (that ring is left alone from there on, the others go on).
 */
PMU_API int32_t pmu_drain_error(void *drain);

/*
 * Bytes written, the base included, up to the end of the last whole record. When a write failed
 * amid a record, a seekable `out_fd` is left positioned here.
 */
PMU_API int64_t pmu_drain_written(void *drain);

/*
 * What the drain has seen, as u64: the number of rings, then for each ring these fields in this
 * order. A buffer that is too short gets the rings that fit. Returns the bytes filled.
 * seen = written + dropped for each ring: samples taken from it and written are
 * PMU_RING_SAMPLES - PMU_RING_DROPBUF_SAMPLE.
 */
enum pmu_ring_field {
	PMU_RING_CPU,            /* as given to pmu_drain_add; signed */
	PMU_RING_SAMPLES,        /* PERF_RECORD_SAMPLE taken from the ring */
	PMU_RING_RECORDS,        /* records of any type taken from the ring */
	PMU_RING_BYTES,          /* their size */
	PMU_RING_LOST,           /* records the kernel had no room for: the sum of PERF_RECORD_LOST */
	PMU_RING_LOST_SAMPLES,   /* samples the hardware had no room for: the sum of PERF_RECORD_LOST_SAMPLES */
	PMU_RING_THROTTLE,       /* PERF_RECORD_THROTTLE */
	PMU_RING_UNTHROTTLE,     /* PERF_RECORD_UNTHROTTLE */
	PMU_RING_BUF,            /* passes that found records in the ring */
	PMU_RING_EMPTYBUF,       /* passes that found none */
	PMU_RING_DROPBUF,        /* passes whose records were not (all) written: a full queue, a write error */
	PMU_RING_DROPBUF_SAMPLE, /* samples among those that were not written */
	PMU_RING_DROPPED_BYTES,  /* bytes of records that were not written */
	PMU_RING_FIELDS
};
_Static_assert(PMU_RING_FIELDS == 13, "ffi/drain.ts names as many, in this order");
PMU_API int64_t pmu_drain_stats(void *drain, uint64_t *buf, uint64_t len);

/*
 * Notes what these records tell, which the drain has not written itself. -EINVAL unless they are whole, or without
 * pmu_drain_watch.
 */
PMU_API int32_t pmu_drain_see(void *drain, const void *records, uint64_t len);

/*
 * Moves what has been noted since the last call into `buf`; at any time. Entries are a u64 and a record. With 0
 * it is a PERF_RECORD_FORK that starts a process; else a PERF_RECORD_MMAP2 of code, and the number tells its file
 * (for memory without one: its process) from all others. A file comes once, until pmu_drain_see_again or some two
 * thousand others. Returns the bytes, 0 when there are none, or when `len` is less than 64 KiB and the next does not
 * fit; -EINVAL without pmu_drain_watch.
 */
PMU_API int64_t pmu_drain_seen(void *drain, void *buf, uint64_t len);

/* Has files come again when they are mapped once more. -EINVAL without pmu_drain_watch. */
PMU_API int32_t pmu_drain_see_again(void *drain);

/* The least and the greatest time of a sample; after pmu_drain_stop. -ENOENT when there is none. */
PMU_API int32_t pmu_drain_times(void *drain, uint64_t times[2]);

/*
 * Names of programs that the kernel stopped measuring at their exec (set-user-ID, capabilities, not to be read), 16 bytes
 * each, a NUL within; each once, and no more than 16. Of tasks' events that tell of execs, maps and ends; events of whole
 * CPUs go on. Returns the bytes; -EINVAL without pmu_drain_watch or before pmu_drain_stop, -ENOSPC when `len` is too small.
 */
PMU_API int64_t pmu_drain_cuts(void *drain, char *buf, uint64_t len);

/* Stops the thread if it runs, unmaps the rings and frees the drain. NULL is ignored. */
PMU_API void pmu_drain_free(void *drain);

/* ---- flight recorder ------------------------------------------------------------------------- */

/*
 * Rings that hold the youngest records and are read only when asked for: events with attr.write_backward,
 * whose rings the kernel overwrites. Calls: new, add for each ring, { take, write, stats }..., free; one
 * thread at a time.
 */

/* NULL when there is no memory. */
PMU_API void *pmu_flight_new(void);

/*
 * Maps the ring of event `fd`, which is written backward, and the memory to copy it to. As pmu_drain_add:
 * `pages` a power of two, mmap's -errno, `fd` stays open until pmu_flight_free. Returns the ring's index.
 */
PMU_API int32_t pmu_flight_add(void *flight, int32_t fd, uint32_t pages, int32_t cpu);

/*
 * Copies from each ring the whole records that came since the last take and are still there. The ring stands
 * still while it is copied (PERF_EVENT_IOC_PAUSE_OUTPUT): what comes then is lost, and the kernel counts it.
 * Returns 0 or the first -errno; the other rings are taken all the same.
 */
PMU_API int32_t pmu_flight_take(void *flight);

/*
 * Writes what was taken, ring by ring, each oldest record first, from the present position of `out_fd` on. `spare`
 * bytes of the file are there behind it, and kept behind what is written, as by pmu_drain_set_spare.
 * Returns 0 or the first -errno; *written is the bytes of whole records that were written in either case, and
 * a seekable `out_fd` is positioned behind them.
 */
PMU_API int32_t pmu_flight_write(void *flight, int32_t out_fd, uint32_t spare, uint64_t *written);

/*
 * For each ring these fields of the last take, as u64, in this order; rings in the order they were added, as
 * many as fit. Returns the bytes filled.
 */
enum pmu_flight_field {
	PMU_FLIGHT_CPU,               /* as given to pmu_flight_add; signed */
	PMU_FLIGHT_SAMPLES,           /* PERF_RECORD_SAMPLE taken */
	PMU_FLIGHT_RECORDS,           /* records of any type taken */
	PMU_FLIGHT_BYTES,             /* their size */
	PMU_FLIGHT_LOST,              /* as PMU_RING_LOST, of the records taken */
	PMU_FLIGHT_LOST_SAMPLES,      /* as PMU_RING_LOST_SAMPLES */
	PMU_FLIGHT_THROTTLE,          /* PERF_RECORD_THROTTLE among them */
	PMU_FLIGHT_OVERWRITTEN_BYTES, /* of records that came since the take before and are gone */
	PMU_FLIGHT_DROPPED_SAMPLES,   /* samples taken that pmu_flight_write could not write */
	PMU_FLIGHT_FIELDS
};
_Static_assert(PMU_FLIGHT_FIELDS == 9, "ffi/flight.ts names as many, in this order");
PMU_API int64_t pmu_flight_stats(void *flight, uint64_t *buf, uint64_t len);

/* Unmaps the rings and frees it all. NULL is ignored. */
PMU_API void pmu_flight_free(void *flight);

/* ---- children -------------------------------------------------------------------------------- */

/* Flags of pmu_spawn. */
#define PMU_SPAWN_DETACH 1u /* a session of its own, and no descriptors but 0 to 2: a daemon's start */
#define PMU_SPAWN_GROUP 2u  /* a process group of its own, for pmu_kill_group */

/* How pmu_spawn sets up a child. */
struct pmu_setup {
	int32_t stdio[3]; /* descriptors that become 0, 1 and 2; -1 leaves ours */
	uint32_t flags;   /* PMU_SPAWN_* */
	uint64_t ignored; /* signals that it ignores, bit N - 1 for signal N; all others get their default action */
	uint64_t nofile;  /* soft limit of open files; 0: ours, as it was before pmu_rlimit_nofile raised it */
};
_Static_assert(offsetof(struct pmu_setup, stdio) == 0 && offsetof(struct pmu_setup, flags) == 12 &&
		       offsetof(struct pmu_setup, ignored) == 16 && offsetof(struct pmu_setup, nofile) == 24 &&
		       sizeof(struct pmu_setup) == 32,
	       "ffi/child.ts fills it in at these offsets");

/* Where pmu_spawn failed. */
enum pmu_spawn_stage {
	PMU_SPAWN_PREPARE = 1, /* arguments, memory, descriptors */
	PMU_SPAWN_FORK = 2,
	PMU_SPAWN_STDIO = 3,    /* a descriptor of `stdio` */
	PMU_SPAWN_CHDIR = 4,    /* `cwd` */
	PMU_SPAWN_LAUNCHER = 5, /* exec of `launcher` */
};

/* Layout of what a child has used: times in ns, memory in bytes, the rest counts (getrusage(2)). */
enum pmu_rusage_field {
	PMU_RUSAGE_UTIME_NS,
	PMU_RUSAGE_STIME_NS,
	PMU_RUSAGE_MAXRSS_BYTES,
	PMU_RUSAGE_MINFLT,
	PMU_RUSAGE_MAJFLT,
	PMU_RUSAGE_INBLOCK, /* in units of 512 bytes */
	PMU_RUSAGE_OUBLOCK, /* in units of 512 bytes */
	PMU_RUSAGE_NVCSW,
	PMU_RUSAGE_NIVCSW,
	PMU_RUSAGE_ENDED_NS,   /* CLOCK_MONOTONIC when the wait was over: pmu_wait's alone */
	PMU_RUSAGE_FIELDS = 16 /* the rest is 0 */
};
_Static_assert(PMU_RUSAGE_NIVCSW == 8 && PMU_RUSAGE_ENDED_NS == 9, "ffi/child.ts reads them in this order");

/* A child that waits before exec. Filled by pmu_spawn, used up by pmu_release or pmu_cancel. */
struct pmu_child {
	int32_t pid;
	int32_t line_fd; /* a socket to the child; -1 once used up */
	int32_t stage;   /* enum pmu_spawn_stage when pmu_spawn failed, else 0 */
	int32_t unused;
	int64_t exec_ns;                  /* CLOCK_MONOTONIC just before the exec; set by pmu_release, as is: */
	uint64_t used[PMU_RUSAGE_FIELDS]; /* by then, which is none of the command's */
};
_Static_assert(offsetof(struct pmu_child, pid) == 0 && offsetof(struct pmu_child, line_fd) == 4 &&
		       offsetof(struct pmu_child, stage) == 8 && offsetof(struct pmu_child, exec_ns) == 16 &&
		       offsetof(struct pmu_child, used) == 24 && sizeof(struct pmu_child) == 152,
	       "ffi/child.ts reads it at these offsets");

/*
 * Forks a child that is ready to exec, and waits: its working directory, descriptors, limits and signals are
 * set up, its signal mask is the calling thread's. Events can be opened on its pid before it runs. If this
 * process ends without releasing it, the child exits.
 *
 * `path` with a slash is taken as it is, from `cwd`; without, it is looked up in the PATH of the
 * child's environment as execvp(3) does. `argv_block` and `env_block` hold `argc` >= 1 and `envc`
 * strings, one behind another; `env_block` NULL gives the child this process's environment. `cwd`
 * NULL leaves the working directory.
 *
 * A child's peak memory (wait4's maxrss) begins with what its parent has at fork. With `launcher`, a path of
 * this library, which can be run as a program, the child is made by a process of next to no memory instead,
 * and is a child of this process all the same; NULL does without. (It cannot be run from where executing
 * files is not allowed: EACCES, stage PMU_SPAWN_LAUNCHER.)
 *
 * Returns the pid. On failure no child is left, and child->stage says where.
 */
PMU_API int32_t pmu_spawn(const char *path, const void *argv_block, uint32_t argc, const void *env_block, uint32_t envc,
			  const char *cwd, const struct pmu_setup *setup, const char *launcher,
			  struct pmu_child *child);

/*
 * Lets the child exec and waits until it has. Returns 0, or the -errno of exec (-ENOENT, -EACCES,
 * -ENOEXEC...), after which the child has been reaped; -ESRCH when it was killed before. A file without
 * a #! line is run by /bin/sh as execvp(3) does, unless it is an ELF file of another machine.
 */
PMU_API int32_t pmu_release(struct pmu_child *child);

/* Ends a child that was not released, without exec, and reaps it. */
PMU_API int32_t pmu_cancel(struct pmu_child *child);

/*
 * wait4(2) for one child, again when interrupted. `options` 0 blocks; 1 (WNOHANG) returns 0 while the
 * child runs. Otherwise returns the pid, with wait status and resource use of the child and of what it
 * has waited for. -ECHILD when it is no child of ours or was reaped before.
 */
PMU_API int32_t pmu_wait(int32_t pid, int32_t options, int32_t *status, uint64_t *rusage);

/* kill(2) for one process: -EINVAL for a pid below 1. */
PMU_API int32_t pmu_kill(int32_t pid, int32_t sig);

/* kill(2) for the process group that a child of PMU_SPAWN_GROUP leads: -EINVAL for a pid below 2. */
PMU_API int32_t pmu_kill_group(int32_t pid, int32_t sig);

/* ---- descriptors and the rest ---------------------------------------------------------------- */

/*
 * Makes or empties the file, for reading and writing, with these permissions less the umask. A regular file is
 * locked (flock(2)) until its descriptor is closed: -EWOULDBLOCK, and the file as it was, when it is locked.
 */
PMU_API int32_t pmu_create(const char *path, uint32_t mode);

/*
 * Makes a file in the folder that has no name yet, so that nobody sees it before it has one, and that goes with its
 * descriptor until then. Locked as by pmu_create. -EOPNOTSUPP, -EISDIR or -ENOENT where the file system has no such files.
 */
PMU_API int32_t pmu_create_nameless(const char *folder, uint32_t mode);

/* Gives a file of pmu_create_nameless its name, which nothing may have: -EEXIST. Needs /proc. */
PMU_API int32_t pmu_name(int32_t fd, const char *path);

/*
 * Opens the file and locks it as pmu_create does, so that nobody else gets the lock while the descriptor is open:
 * -EWOULDBLOCK when someone has it.
 */
PMU_API int32_t pmu_lock(const char *path);

/*
 * Opens a FIFO for writing, without waiting in open(2) or write(2): -ENXIO when nobody has it open to read; -EINVAL when
 * it is no FIFO.
 */
PMU_API int32_t pmu_open_fifo(const char *path);

/* A pipe, both ends close-on-exec: fds[0] to read, fds[1] to write. */
PMU_API int32_t pmu_pipe(int32_t fds[2]);

/* Writes all of it, waiting when `fd` does not block. Returns `len`, or -errno with an unknown part written. */
PMU_API int64_t pmu_write(int32_t fd, const void *buf, uint64_t len);

/* The same at that offset of a file, whose position stays where it is. */
PMU_API int64_t pmu_write_at(int32_t fd, const void *buf, uint64_t len, int64_t offset);

/* ftruncate(2): makes a file end at `length`; -EINVAL for what is no file. */
PMU_API int32_t pmu_truncate(int32_t fd, int64_t length);

/*
 * Has the bytes of a file that is still empty overwritten where they lie, rather than written anew elsewhere, where
 * the file system does that and can be told not to (btrfs, by FS_NOCOW_FL): what has room in the file keeps it when
 * the disk is full. Returns 1 when it was told, 0 when there was nothing to tell, or -errno.
 */
PMU_API int32_t pmu_overwrite_in_place(int32_t fd);

/* lseek(2): `whence` 0 from the start, 1 from here, 2 from the end. Returns the new position. */
PMU_API int64_t pmu_seek(int32_t fd, int64_t offset, int32_t whence);

/*
 * Raises the soft limit of open files to the hard one; that one as well when it is below `want` and this
 * process may (CAP_SYS_RESOURCE, up to fs.nr_open). Returns the soft limit, which may still be below `want`.
 * Children get the limits as they were before the first call.
 */
PMU_API int64_t pmu_rlimit_nofile(uint64_t want);

/* The size of a page in bytes: the unit of rings. */
PMU_API int32_t pmu_page_size(void);

/* clock_gettime(2) in ns: the clock that samples are stamped with, to relate times to records. */
PMU_API int64_t pmu_clock_ns(int32_t clockid);

/* clock_getres(2) in ns: what a clock's time goes up by. */
PMU_API int64_t pmu_clock_res_ns(int32_t clockid);

#endif
