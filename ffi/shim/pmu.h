/*
 * libpmu: the parts of Linux that pmuctl needs and Deno does not offer. It opens perf events, drains their rings into
 * a file descriptor on a thread of its own, and spawns children that wait to be released.
 *
 * Every function returns a value >= 0, or -errno. Handles are opaque. Strings are UTF-8 with a final NUL. Structures
 * that cross the border are arrays of fixed-width integers in host byte order, so that the caller needs no C layout
 * rules.
 *
 * Threads: functions that take a file descriptor or nothing may be called from any thread. A drain's functions are for
 * one thread at a time, except pmu_drain_stats, pmu_drain_written, pmu_drain_error and pmu_drain_abort, which may be
 * called while pmu_drain_stop waits. pmu_spawn is for one thread at a time.
 */
#ifndef PMU_H
#define PMU_H

#include <stddef.h>
#include <stdint.h>

#define PMU_API __attribute__((visibility("default")))

/* Changes whenever a function below changes its meaning; ffi/symbols.ts holds the same number. */
#define PMU_ABI_VERSION 15

/* Returns PMU_ABI_VERSION of this library. Call it before anything else. */
PMU_API uint32_t pmu_abi_version(void);

/* ---- events ---------------------------------------------------------------------------------- */

/*
 * Calls perf_event_open(2); the descriptor is always close-on-exec. `attr` is a perf_event_attr of as many bytes as
 * its `size` field says. On -E2BIG the kernel has written the size it knows into that field: zero the bytes beyond it
 * and try again.
 */
PMU_API int32_t pmu_open(void *attr, int32_t pid, int32_t cpu, int32_t group_fd, uint32_t flags);

/* Calls close(2), for events and every other descriptor made here. */
PMU_API int32_t pmu_close(int32_t fd);

/*
 * Calls read(2) once, retrying when interrupted: reads the counts of an event or a group as its read_format lays them
 * out, or bytes of a pipe. Returns the number of bytes; 0 from an event means that it is in the error state (a pinned
 * event that lost its counter), from a pipe that it has ended.
 */
PMU_API int64_t pmu_read(int32_t fd, void *buf, uint64_t len);

/*
 * Returns the width in bits of the event's hardware counter, from the page for reading counters in user space
 * (perf_event_mmap_page.pmc_width); 0 when the kernel does not say. The event must have no ring.
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
 * Reads the code of the first loaded BPF program whose id is above `*id`, and stores its id there: address and length
 * in bytes of each of its functions as the kernel compiled it. Returns the number of functions, of which at most
 * `capacity` are stored; addresses are 0 where the kernel hides them. -ENOENT after the last program; -EPERM without
 * CAP_SYS_ADMIN.
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
 * at every interval, and to stop. Each time it makes one pass: it reads the heads of all rings, queues the
 * records below them, frees their space, and ends with a PERF_RECORD_FINISHED_ROUND. All heads are read before
 * any record is taken, and a pass takes from all rings or from none. So no record of a later pass is older than
 * the newest record of the pass before the last: readers rely on this to sort by rounds.
 *
 * Another thread writes the queue, and may have to wait for a slow disk or reader. When the queue is full, the
 * samples of a pass are dropped and counted, a record stands for them (set_loss), and all other records go into
 * a reserve of the queue, because without maps and names the remaining samples are worth little. When the
 * reserve is full too, or nothing may be dropped, the rings are left alone until there is room, and the kernel
 * counts the records that do not fit into them.
 *
 * After a write error both threads go on, and records that could not be written count as dropped.
 */

/* Flags of pmu_drain_new. */
#define PMU_DRAIN_NO_ROUNDS 1u /* don't write PERF_RECORD_FINISHED_ROUND */
#define PMU_DRAIN_BY_CALLER 2u /* the caller empties the rings: see pmu_drain_wait */

/*
 * Creates a drain that writes to `out_fd` from its present position on: a regular file (not opened with O_APPEND when
 * it has a size field), a pipe or a socket. The caller keeps `out_fd`, which has to stay open until pmu_drain_stop.
 * With `size_field_at` >= 0, the u64 at that offset of the file is kept equal to pmu_drain_written(): it is updated
 * at the start, every fifth of a second and at the end, after the data it covers, so that even a killed recorder
 * leaves a readable file. Returns NULL, with -errno in `*err`, on failure.
 */
PMU_API void *pmu_drain_new(int32_t out_fd, int64_t size_field_at, uint32_t flags, int32_t *err);

/* Sets the bytes of the data section that were written before; -EBUSY once started. */
PMU_API int32_t pmu_drain_set_base(void *drain, uint64_t already_written);

/*
 * Sets how many bytes may be queued before samples are dropped; a quarter more is reserved for all other records. At
 * least the size of all rings, or an eighth of it with PMU_DRAIN_BY_CALLER; by default three times that, or 16 MiB.
 * Memory is used only as the queue fills.
 * -EINVAL for 0; -EBUSY once started.
 */
PMU_API int32_t pmu_drain_set_queue(void *drain, uint64_t bytes);

/*
 * Sets the record to write in place of dropped samples, usually a PERF_RECORD_LOST_SAMPLES: the u64 after its header
 * is set to their number. With `time_at` and `cpu_at` >= 0, the u64 and the u32 at these offsets are set to the time
 * of the last dropped sample, which has it at `sample_time_at`, and to the ring's `cpu`. Without this call, nothing
 * is dropped for lack of room. -EINVAL when `length` is not a multiple of 8 up to PMU_LOSS_MAX, or an offset is
 * beyond it; -EBUSY once started.
 */
#define PMU_LOSS_MAX 128
PMU_API int32_t pmu_drain_set_loss(void *drain, const void *record, uint32_t length, int32_t time_at, int32_t cpu_at,
				   int32_t sample_time_at);

/*
 * Keeps `bytes` zeros in reserve after the data of a regular file, so that the file's end still fits on a full disk:
 * records that would use up the last of them count as dropped. -EINVAL for more than PMU_SPARE_MAX; -EBUSY once
 * started.
 */
#define PMU_SPARE_MAX 4096
PMU_API int32_t pmu_drain_set_spare(void *drain, uint32_t bytes);

/*
 * Makes the drain note maps and forks among its records, for pmu_drain_seen, and the times of samples, for
 * pmu_drain_times. Samples have their time at `sample_time_at` (-1: none); all other records have it
 * `record_time_back` bytes from their end (0: none, or not all at the same offset). -ENOMEM; -EBUSY once started, or
 * when called again.
 */
PMU_API int32_t pmu_drain_watch(void *drain, int32_t sample_time_at, int32_t record_time_back);

/* Sets the longest interval between drains, in ms (default 250). -EINVAL below 1; -EBUSY once started. */
PMU_API int32_t pmu_drain_set_interval(void *drain, int32_t ms);

/*
 * Maps the ring of event `fd`: `pages` data pages, a power of two. Returns the ring's index, or an error of mmap:
 * -EPERM for more memory than perf_event_mlock_kb and RLIMIT_MEMLOCK allow, -EINVAL for an inherited event that is
 * not bound to a CPU, -ENOMEM. `cpu` only reappears in the statistics. Other events join the ring with
 * pmu_set_output. The caller keeps `fd`, which has to stay open until pmu_drain_free. -EBUSY once started.
 */
PMU_API int32_t pmu_drain_add(void *drain, int32_t fd, uint32_t pages, int32_t cpu);

/*
 * Registers another event that sends its records to the ring. When all tasks of the ring's event have ended, the
 * kernel no longer signals through it that the ring fills; the drain then waits on the next stand-in instead. Without
 * one, the ring is polled every 10 ms. `fd` has to stay open until pmu_drain_free. -EINVAL: no such ring; -EBUSY once
 * started; -ENOMEM.
 */
PMU_API int32_t pmu_drain_stand_in(void *drain, int32_t ring, int32_t fd);

/*
 * Starts the threads. They block every signal but one real-time signal, SIGRTMAX - 1, which gets a handler. A ring
 * that another drain has emptied is continued where that one stopped: both may have it mapped, but only one may run.
 * -EALREADY when already started; -ENOMEM, -EAGAIN: no threads or memory are left behind, and the call may be
 * repeated.
 */
PMU_API int32_t pmu_drain_start(void *drain);

/*
 * Stops writing: queued and later records count as dropped, and pmu_drain_error is -ECANCELED unless there was an
 * error before. Call it while pmu_drain_stop waits for an output that may accept nothing forever; pmu_drain_stop then
 * returns. Returns at once itself, whatever the output does.
 */
PMU_API void pmu_drain_abort(void *drain);

/*
 * Makes one last pass, waits until everything is written, updates the size field and ends the threads. Later records
 * stay in the rings, so disable the events first. It may take as long as the reader of a pipe takes, because nothing
 * is dropped any more. Returns 0 or what pmu_drain_error returns; may be called again.
 */
PMU_API int32_t pmu_drain_stop(void *drain);

/*
 * Returns the first error, or 0: -ENOSPC, -EPIPE, -EFBIG... of a write, -EBADMSG for a ring with an invalid header
 * (that ring is not read any more, the others are).
 */
PMU_API int32_t pmu_drain_error(void *drain);

/*
 * Returns the bytes written, including the base, up to the end of the last whole record. When a write failed within a
 * record, a seekable `out_fd` is positioned here.
 */
PMU_API int64_t pmu_drain_written(void *drain);

/*
 * Stores statistics as u64: the number of rings, then for each ring these fields in this order. A buffer that is too
 * short gets the rings that fit. Returns the bytes stored. seen = written + dropped for each ring: the samples
 * written are PMU_RING_SAMPLES - PMU_RING_DROPBUF_SAMPLE.
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
 * Notes maps and forks in records that the drain has not written itself. -EINVAL unless they are whole, or without
 * pmu_drain_watch.
 */
PMU_API int32_t pmu_drain_see(void *drain, const void *records, uint64_t len);

/*
 * Moves the entries noted since the last call into `buf`; may be called at any time. An entry is a u64 and a record:
 * 0 and a PERF_RECORD_FORK that starts a process; or a number that identifies the file (for memory without one: its
 * process) and a PERF_RECORD_MMAP2 of code. A file is reported once, until pmu_drain_see_again or about two thousand
 * others. Returns the bytes stored: 0 when there are none, or when `len` is less than 64 KiB and the next entry does
 * not fit; -EINVAL without pmu_drain_watch.
 */
PMU_API int64_t pmu_drain_seen(void *drain, void *buf, uint64_t len);

/* Reports files again when they are mapped once more. -EINVAL without pmu_drain_watch. */
PMU_API int32_t pmu_drain_see_again(void *drain);

/*
 * A drain with PMU_DRAIN_BY_CALLER has no thread that empties the rings. Its caller reads the records where the kernel
 * wrote them, and gives what is to be written in their place:
 *
 *     until pmu_drain_wait has returned 1 and a complete pass has followed:
 *         wait, begin_pass, give (any number of times for each ring), end_pass
 *     end
 *
 * These functions are for one thread at a time, but pmu_drain_ask_to_stop is for any. Everything else is as for other
 * drains: what is given counts as taken from the ring, each time as one of PMU_RING_BUF, and samples are dropped when
 * the queue is full.
 */

/*
 * Raises the priority of all threads of this process until pmu_drain_stop: on a machine whose CPUs are all busy it would
 * come too late to empty the rings. Returns 0, or -EACCES where this user may not, or -EALREADY. Processes that are started
 * meanwhile inherit it.
 */
PMU_API int32_t pmu_drain_raise_priority(void *drain);

/* Waits for a ring to reach its watermark, for the interval, or for pmu_drain_stop. Returns 1 once that was asked, else 0. */
PMU_API int32_t pmu_drain_wait(void *drain);

/* Returns the records' memory of a ring, of the size it was added with; NULL for no such ring. */
PMU_API void *pmu_drain_ring_data(void *drain, uint32_t ring);

/*
 * Begins a pass: stores for each ring where its records begin and end, as two u64 that only increase; their place in
 * memory is the rest of the division by the ring's size. Returns the number of rings; -EINVAL unless the drain is
 * running and of this kind, -ENOSPC when `len` is too small.
 */
PMU_API int64_t pmu_drain_begin_pass(void *drain, uint64_t *ranges, uint64_t len);

/*
 * Queues `len` bytes of whole records (maybe none) in place of the ring's records below `upto`, whose space goes back to
 * the kernel. Returns -EAGAIN, and does nothing, when the queue has no room even without the samples, or none while
 * nothing may be dropped; -EINVAL for no such ring, or an `upto` outside the pass.
 */
PMU_API int32_t pmu_drain_give(void *drain, uint32_t ring, const void *records, uint64_t len, uint64_t upto);

/*
 * Says that the next record of a ring has an invalid header: pmu_drain_error is -EBADMSG unless there was an error
 * before, and later passes find no records in the ring. -EINVAL for no such ring.
 */
PMU_API int32_t pmu_drain_refuse(void *drain, uint32_t ring);

/* Ends a pass. One that is not complete, because of -EAGAIN, goes on with the next, in the same round. */
PMU_API void pmu_drain_end_pass(void *drain, int32_t complete);

/* Says that nothing more will be given, so that pmu_drain_stop can return. pmu_drain_free does so, too. */
PMU_API void pmu_drain_end(void *drain);

/* Makes pmu_drain_wait return 1 soon, as pmu_drain_stop does, but returns at once. */
PMU_API void pmu_drain_ask_to_stop(void *drain);

/* Stores the first and last time of a sample; only after pmu_drain_stop. -ENOENT without samples. */
PMU_API int32_t pmu_drain_times(void *drain, uint64_t times[2]);

/*
 * Stores the names of programs that the kernel stopped measuring at their exec (set-user-ID, capabilities,
 * unreadable): 16 bytes each, with a NUL, each name once, at most 16 names. This concerns events of tasks that report
 * execs, maps and exits; events of whole CPUs go on. Returns the bytes stored; -EINVAL without pmu_drain_watch or
 * before pmu_drain_stop, -ENOSPC when `len` is too small.
 */
PMU_API int64_t pmu_drain_cuts(void *drain, char *buf, uint64_t len);

/* Stops the thread if it runs, unmaps the rings and frees the drain. NULL is ignored. */
PMU_API void pmu_drain_free(void *drain);

/* ---- flight recorder ------------------------------------------------------------------------- */

/*
 * Rings that hold the most recent records and are read only on request: events with attr.write_backward, whose rings
 * the kernel overwrites. Calls: new, add for each ring, { take, write, stats }..., free; one thread at a time.
 */

/* Creates a flight recorder. Returns NULL without memory. */
PMU_API void *pmu_flight_new(void);

/*
 * Maps the ring of event `fd`, which is written backward, and allocates the memory to copy it to. As with
 * pmu_drain_add: `pages` is a power of two, errors are mmap's, `fd` stays open until pmu_flight_free. Returns the
 * ring's index.
 */
PMU_API int32_t pmu_flight_add(void *flight, int32_t fd, uint32_t pages, int32_t cpu);

/*
 * Copies from each ring the whole records that arrived since the last take and are still there. The ring is paused
 * while it is copied (PERF_EVENT_IOC_PAUSE_OUTPUT): records that arrive then are lost, and counted by the kernel.
 * Returns 0 or the first -errno; the other rings are copied all the same.
 */
PMU_API int32_t pmu_flight_take(void *flight);

/*
 * Writes the taken records, ring by ring, oldest first, from the present position of `out_fd` on. `spare` bytes of
 * the file are in reserve there, and are kept after the data, as by pmu_drain_set_spare. Returns 0 or the first
 * -errno; *written is the bytes of whole records written in either case, and a seekable `out_fd` is positioned after
 * them.
 */
PMU_API int32_t pmu_flight_write(void *flight, int32_t out_fd, uint32_t spare, uint64_t *written);

/*
 * Stores these fields of the last take as u64, in this order, for each ring in the order they were added, as many as
 * fit. Returns the bytes stored.
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

/* Steps of pmu_spawn; a failure names its step. */
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
	int64_t exec_ns;                  /* CLOCK_MONOTONIC just before the exec; set by pmu_release, like */
	uint64_t used[PMU_RUSAGE_FIELDS]; /* usage until then, which is not the command's */
};
_Static_assert(offsetof(struct pmu_child, pid) == 0 && offsetof(struct pmu_child, line_fd) == 4 &&
		       offsetof(struct pmu_child, stage) == 8 && offsetof(struct pmu_child, exec_ns) == 16 &&
		       offsetof(struct pmu_child, used) == 24 && sizeof(struct pmu_child) == 152,
	       "ffi/child.ts reads it at these offsets");

/*
 * Forks a child that is ready to exec, and waits: its working directory, descriptors, limits and signals are set up,
 * its signal mask is the calling thread's. Events can be opened on its pid before it runs. If this process ends
 * without releasing it, the child exits.
 *
 * `path` with a slash is used as it is, from `cwd`; without one, it is looked up in the PATH of the child's
 * environment, like execvp(3). `argv_block` and `env_block` hold `argc` >= 1 and `envc` consecutive strings; with
 * `env_block` NULL the child gets this process's environment. `cwd` NULL keeps the working directory.
 *
 * A child's peak memory (wait4's maxrss) starts at its parent's size at the fork. With `launcher`, the path of this
 * library, which can be run as a program, the child is forked by a process with hardly any memory instead, and still
 * is a child of this process; NULL forks it directly. (Where executing files is forbidden the launcher fails: EACCES,
 * stage PMU_SPAWN_LAUNCHER.)
 *
 * Returns the pid. On failure no child is left, and child->stage says where it failed.
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

/* Ends a child without exec, unless it was released, and reaps it. */
PMU_API int32_t pmu_cancel(struct pmu_child *child);

/*
 * Calls wait4(2) for one child, retrying when interrupted. `options` 0 blocks; 1 (WNOHANG) returns 0 while the child
 * runs. Otherwise returns the pid, and stores the wait status and the resource usage of the child and of the children
 * it waited for. -ECHILD when it is not a child of this process or was reaped before.
 */
PMU_API int32_t pmu_wait(int32_t pid, int32_t options, int32_t *status, uint64_t *rusage);

/* Calls kill(2) for one process: -EINVAL for a pid below 1. */
PMU_API int32_t pmu_kill(int32_t pid, int32_t sig);

/* Calls kill(2) for the process group that a child of PMU_SPAWN_GROUP leads: -EINVAL for a pid below 2. */
PMU_API int32_t pmu_kill_group(int32_t pid, int32_t sig);

/* ---- descriptors and the rest ---------------------------------------------------------------- */

/*
 * Creates or truncates the file, for reading and writing, with these permissions less the umask. A regular file is
 * locked (flock(2)) until its descriptor is closed: -EWOULDBLOCK, with the file unchanged, when it is already locked.
 */
PMU_API int32_t pmu_create(const char *path, uint32_t mode);

/*
 * Creates a file without a name in the folder, which nobody can see until pmu_name names it, and which disappears
 * with its descriptor until then. Locked as by pmu_create. -EOPNOTSUPP, -EISDIR or -ENOENT where the file system has
 * no such files.
 */
PMU_API int32_t pmu_create_nameless(const char *folder, uint32_t mode);

/* Gives a file of pmu_create_nameless its name: -EEXIST when the name is taken. Needs /proc. */
PMU_API int32_t pmu_name(int32_t fd, const char *path);

/*
 * Opens the file and locks it as pmu_create does, until the descriptor is closed: -EWOULDBLOCK when someone else has
 * the lock.
 */
PMU_API int32_t pmu_lock(const char *path);

/*
 * Opens a FIFO for writing, so that neither open(2) nor write(2) blocks: -ENXIO when nobody has it open for reading;
 * -EINVAL when it is not a FIFO.
 */
PMU_API int32_t pmu_open_fifo(const char *path);

/*
 * Opens a FIFO for reading and writing, so that none of open(2), read(2) and write(2) blocks, and it has no end: -EINVAL
 * when it is not a FIFO.
 */
PMU_API int32_t pmu_open_control(const char *path);

/* Waits until `fd`, or the pipe `wake`, can be read. Returns 1 when `fd` can be, 0 when only `wake` can. */
PMU_API int32_t pmu_wait_readable(int32_t fd, int32_t wake);

/* Calls write(2) once, for a non-blocking `fd`: -EAGAIN when it has no room. Returns the number of bytes written. */
PMU_API int64_t pmu_try_write(int32_t fd, const void *buf, uint64_t len);

/* Opens a regular file for reading, without a lock: -EINVAL when it is none. */
PMU_API int32_t pmu_open_input(const char *path);

/* Creates a pipe, both ends close-on-exec: fds[0] to read, fds[1] to write. */
PMU_API int32_t pmu_pipe(int32_t fds[2]);

/*
 * Writes all `len` bytes, waiting when `fd` is non-blocking. Returns `len`, or -errno after an unknown part was
 * written.
 */
PMU_API int64_t pmu_write(int32_t fd, const void *buf, uint64_t len);

/* Writes all `len` bytes at `offset` of a file, like pmu_write, without changing its position. */
PMU_API int64_t pmu_write_at(int32_t fd, const void *buf, uint64_t len, int64_t offset);

/* Calls ftruncate(2): truncates or extends a file to `length`; -EINVAL for anything but a file. */
PMU_API int32_t pmu_truncate(int32_t fd, int64_t length);

/*
 * Makes later writes to an empty file overwrite its blocks in place where the file system would otherwise copy them
 * and can be told not to (btrfs, by FS_NOCOW_FL), so that blocks of the file can be changed when the disk is full.
 * Returns 1 when the flag was set, 0 when none is needed, or -errno.
 */
PMU_API int32_t pmu_overwrite_in_place(int32_t fd);

/*
 * Calls lseek(2): `whence` 0 from the start, 1 from the current position, 2 from the end. Returns the new position.
 */
PMU_API int64_t pmu_seek(int32_t fd, int64_t offset, int32_t whence);

/*
 * Raises the soft limit on open files to the hard limit; raises that too if it is below `want` and this process may
 * (CAP_SYS_RESOURCE, up to fs.nr_open). Returns the soft limit, which may still be below `want`. Children get the
 * limits of before the first call.
 */
PMU_API int64_t pmu_rlimit_nofile(uint64_t want);

/* Returns the page size in bytes: the unit of rings. */
PMU_API int32_t pmu_page_size(void);

/* Returns clock_gettime(2) in ns: the clock of samples' times, to relate other times to them. */
PMU_API int64_t pmu_clock_ns(int32_t clockid);

/* Returns clock_getres(2) in ns: the resolution of a clock. */
PMU_API int64_t pmu_clock_res_ns(int32_t clockid);

#endif
