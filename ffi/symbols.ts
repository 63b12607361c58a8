/**
 * Functions of the shim as Deno calls them, with the C prototype above each. ffi/shim/pmu.h documents them. Calls that
 * wait for something outside the process are `nonblocking`: they run on a thread of their own and return a promise.
 */

/** PMU_ABI_VERSION of ffi/shim/pmu.h. */
export const ABI_VERSION = 15;

/** Types of the shim's functions, for Deno.dlopen(). */
export const SYMBOLS = {
  // uint32_t pmu_abi_version(void)
  pmu_abi_version: { parameters: [], result: "u32" },

  // int32_t pmu_open(void *attr, int32_t pid, int32_t cpu, int32_t group_fd, uint32_t flags)
  pmu_open: { parameters: ["buffer", "i32", "i32", "i32", "u32"], result: "i32" },
  // int32_t pmu_close(int32_t fd)
  pmu_close: { parameters: ["i32"], result: "i32" },
  // int64_t pmu_read(int32_t fd, void *buf, uint64_t len)
  pmu_read: { parameters: ["i32", "buffer", "u64"], result: "i64" },
  // pmu_read for a pipe, which may have to wait
  pmu_read_waiting: {
    name: "pmu_read",
    parameters: ["i32", "buffer", "u64"],
    result: "i64",
    nonblocking: true,
  },
  // int32_t pmu_width(int32_t fd)
  pmu_width: { parameters: ["i32"], result: "i32" },
  // int32_t pmu_enable(int32_t fd, int32_t group)
  pmu_enable: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t pmu_disable(int32_t fd, int32_t group)
  pmu_disable: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t pmu_reset(int32_t fd, int32_t group)
  pmu_reset: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t pmu_refresh(int32_t fd, int32_t n)
  pmu_refresh: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t pmu_period(int32_t fd, uint64_t period)
  pmu_period: { parameters: ["i32", "u64"], result: "i32" },
  // int32_t pmu_id(int32_t fd, uint64_t *id)
  pmu_id: { parameters: ["i32", "buffer"], result: "i32" },
  // int32_t pmu_set_output(int32_t fd, int32_t target_fd)
  pmu_set_output: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t pmu_set_filter(int32_t fd, const char *filter)
  pmu_set_filter: { parameters: ["i32", "buffer"], result: "i32" },

  // int32_t pmu_bpf_code(uint32_t *id, uint64_t *starts, uint32_t *lengths, uint32_t capacity)
  pmu_bpf_code: { parameters: ["buffer", "buffer", "buffer", "u32"], result: "i32" },

  // void *pmu_drain_new(int32_t out_fd, int64_t size_field_at, uint32_t flags, int32_t *err)
  pmu_drain_new: { parameters: ["i32", "i64", "u32", "buffer"], result: "pointer" },
  // int32_t pmu_drain_set_base(void *drain, uint64_t already_written)
  pmu_drain_set_base: { parameters: ["pointer", "u64"], result: "i32" },
  // int32_t pmu_drain_set_interval(void *drain, int32_t ms)
  pmu_drain_set_interval: { parameters: ["pointer", "i32"], result: "i32" },
  // int32_t pmu_drain_set_queue(void *drain, uint64_t bytes)
  pmu_drain_set_queue: { parameters: ["pointer", "u64"], result: "i32" },
  // int32_t pmu_drain_set_loss(void *drain, const void *record, uint32_t length, int32_t time_at,
  //                            int32_t cpu_at, int32_t sample_time_at)
  pmu_drain_set_loss: { parameters: ["pointer", "buffer", "u32", "i32", "i32", "i32"], result: "i32" },
  // int32_t pmu_drain_set_spare(void *drain, uint32_t bytes)
  pmu_drain_set_spare: { parameters: ["pointer", "u32"], result: "i32" },
  // int32_t pmu_drain_add(void *drain, int32_t fd, uint32_t pages, int32_t cpu)
  pmu_drain_add: { parameters: ["pointer", "i32", "u32", "i32"], result: "i32" },
  // int32_t pmu_drain_stand_in(void *drain, int32_t ring, int32_t fd)
  pmu_drain_stand_in: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  // int32_t pmu_drain_watch(void *drain, int32_t sample_time_at, int32_t record_time_back)
  pmu_drain_watch: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  // int32_t pmu_drain_see(void *drain, const void *records, uint64_t len)
  pmu_drain_see: { parameters: ["pointer", "buffer", "u64"], result: "i32" },
  // int64_t pmu_drain_seen(void *drain, void *buf, uint64_t len)
  pmu_drain_seen: { parameters: ["pointer", "buffer", "u64"], result: "i64" },
  // int32_t pmu_drain_see_again(void *drain)
  pmu_drain_see_again: { parameters: ["pointer"], result: "i32" },
  // int64_t pmu_drain_cuts(void *drain, char *buf, uint64_t len)
  pmu_drain_cuts: { parameters: ["pointer", "buffer", "u64"], result: "i64" },
  // int32_t pmu_drain_raise_priority(void *drain)
  pmu_drain_raise_priority: { parameters: ["pointer"], result: "i32" },
  // int32_t pmu_drain_wait(void *drain)
  pmu_drain_wait: { parameters: ["pointer"], result: "i32", nonblocking: true },
  // void *pmu_drain_ring_data(void *drain, uint32_t ring)
  pmu_drain_ring_data: { parameters: ["pointer", "u32"], result: "pointer" },
  // int64_t pmu_drain_begin_pass(void *drain, uint64_t *ranges, uint64_t len)
  pmu_drain_begin_pass: { parameters: ["pointer", "buffer", "u64"], result: "i64" },
  // int32_t pmu_drain_give(void *drain, uint32_t ring, const void *records, uint64_t len, uint64_t upto)
  pmu_drain_give: { parameters: ["pointer", "u32", "buffer", "u64", "u64"], result: "i32" },
  // int32_t pmu_drain_refuse(void *drain, uint32_t ring)
  pmu_drain_refuse: { parameters: ["pointer", "u32"], result: "i32" },
  // void pmu_drain_end_pass(void *drain, int32_t complete)
  pmu_drain_end_pass: { parameters: ["pointer", "i32"], result: "void" },
  // void pmu_drain_end(void *drain)
  pmu_drain_end: { parameters: ["pointer"], result: "void" },
  // void pmu_drain_ask_to_stop(void *drain)
  pmu_drain_ask_to_stop: { parameters: ["pointer"], result: "void" },
  // int32_t pmu_drain_times(void *drain, uint64_t times[2])
  pmu_drain_times: { parameters: ["pointer", "buffer"], result: "i32" },
  // int32_t pmu_drain_start(void *drain)
  pmu_drain_start: { parameters: ["pointer"], result: "i32" },
  // void pmu_drain_abort(void *drain)
  pmu_drain_abort: { parameters: ["pointer"], result: "void" },
  // int32_t pmu_drain_stop(void *drain)
  pmu_drain_stop: { parameters: ["pointer"], result: "i32", nonblocking: true },
  // pmu_drain_stop where the caller cannot wait for a promise
  pmu_drain_stop_now: { name: "pmu_drain_stop", parameters: ["pointer"], result: "i32" },
  // int32_t pmu_drain_error(void *drain)
  pmu_drain_error: { parameters: ["pointer"], result: "i32" },
  // int64_t pmu_drain_written(void *drain)
  pmu_drain_written: { parameters: ["pointer"], result: "i64" },
  // int64_t pmu_drain_stats(void *drain, uint64_t *buf, uint64_t len)
  pmu_drain_stats: { parameters: ["pointer", "buffer", "u64"], result: "i64" },
  // void pmu_drain_free(void *drain)
  pmu_drain_free: { parameters: ["pointer"], result: "void" },

  // void *pmu_flight_new(void)
  pmu_flight_new: { parameters: [], result: "pointer" },
  // int32_t pmu_flight_add(void *flight, int32_t fd, uint32_t pages, int32_t cpu)
  pmu_flight_add: { parameters: ["pointer", "i32", "u32", "i32"], result: "i32" },
  // int32_t pmu_flight_take(void *flight)
  pmu_flight_take: { parameters: ["pointer"], result: "i32" },
  // int32_t pmu_flight_write(void *flight, int32_t out_fd, uint32_t spare, uint64_t *written)
  pmu_flight_write: { parameters: ["pointer", "i32", "u32", "buffer"], result: "i32" },
  // int64_t pmu_flight_stats(void *flight, uint64_t *buf, uint64_t len)
  pmu_flight_stats: { parameters: ["pointer", "buffer", "u64"], result: "i64" },
  // void pmu_flight_free(void *flight)
  pmu_flight_free: { parameters: ["pointer"], result: "void" },

  // int32_t pmu_spawn(const char *path, const void *argv_block, uint32_t argc, const void *env_block,
  //                   uint32_t envc, const char *cwd, const struct pmu_setup *setup, const char *launcher,
  //                   struct pmu_child *child)
  pmu_spawn: {
    parameters: ["buffer", "buffer", "u32", "buffer", "u32", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  // int32_t pmu_release(struct pmu_child *child)
  pmu_release: { parameters: ["buffer"], result: "i32", nonblocking: true },
  // int32_t pmu_cancel(struct pmu_child *child)
  pmu_cancel: { parameters: ["buffer"], result: "i32" },
  // int32_t pmu_wait(int32_t pid, int32_t options, int32_t *status, uint64_t *rusage)
  pmu_wait: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32", nonblocking: true },
  // pmu_wait with WNOHANG
  pmu_poll: { name: "pmu_wait", parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
  // int32_t pmu_kill(int32_t pid, int32_t sig)
  pmu_kill: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t pmu_kill_group(int32_t pid, int32_t sig)
  pmu_kill_group: { parameters: ["i32", "i32"], result: "i32" },

  // int32_t pmu_create(const char *path, uint32_t mode)
  pmu_create: { parameters: ["buffer", "u32"], result: "i32" },
  // int32_t pmu_create_nameless(const char *folder, uint32_t mode)
  pmu_create_nameless: { parameters: ["buffer", "u32"], result: "i32" },
  // int32_t pmu_name(int32_t fd, const char *path)
  pmu_name: { parameters: ["i32", "buffer"], result: "i32" },
  // int32_t pmu_lock(const char *path)
  pmu_lock: { parameters: ["buffer"], result: "i32" },
  // int32_t pmu_open_fifo(const char *path)
  pmu_open_fifo: { parameters: ["buffer"], result: "i32" },
  // int32_t pmu_open_control(const char *path)
  pmu_open_control: { parameters: ["buffer"], result: "i32" },
  // int32_t pmu_wait_readable(int32_t fd, int32_t wake)
  pmu_wait_readable: { parameters: ["i32", "i32"], result: "i32", nonblocking: true },
  // int64_t pmu_try_write(int32_t fd, const void *buf, uint64_t len)
  pmu_try_write: { parameters: ["i32", "buffer", "u64"], result: "i64" },
  // int32_t pmu_open_input(const char *path)
  pmu_open_input: { parameters: ["buffer"], result: "i32" },
  // int32_t pmu_pipe(int32_t fds[2])
  pmu_pipe: { parameters: ["buffer"], result: "i32" },
  // int64_t pmu_write(int32_t fd, const void *buf, uint64_t len)
  pmu_write: { parameters: ["i32", "buffer", "u64"], result: "i64" },
  // int64_t pmu_write_at(int32_t fd, const void *buf, uint64_t len, int64_t offset)
  pmu_write_at: { parameters: ["i32", "buffer", "u64", "i64"], result: "i64" },
  // int32_t pmu_truncate(int32_t fd, int64_t length)
  pmu_truncate: { parameters: ["i32", "i64"], result: "i32" },
  // int32_t pmu_overwrite_in_place(int32_t fd)
  pmu_overwrite_in_place: { parameters: ["i32"], result: "i32" },
  // int64_t pmu_seek(int32_t fd, int64_t offset, int32_t whence)
  pmu_seek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  // int64_t pmu_rlimit_nofile(uint64_t want)
  pmu_rlimit_nofile: { parameters: ["u64"], result: "i64" },
  // int32_t pmu_page_size(void)
  pmu_page_size: { parameters: [], result: "i32" },
  // int64_t pmu_clock_ns(int32_t clockid)
  pmu_clock_ns: { parameters: ["i32"], result: "i64" },
  // int64_t pmu_clock_res_ns(int32_t clockid)
  pmu_clock_res_ns: { parameters: ["i32"], result: "i64" },
} as const satisfies Deno.ForeignLibraryInterface;
