/** Constants of perf_event_open(2), named as in the kernel's include/uapi/linux/perf_event.h. */

/** perf_event_attr.type: enum perf_type_id. Dynamic PMUs get higher numbers, from sysfs. */
export const PERF_TYPE = {
  HARDWARE: 0,
  SOFTWARE: 1,
  TRACEPOINT: 2,
  HW_CACHE: 3,
  RAW: 4,
  BREAKPOINT: 5,
} as const;

/** perf_event_attr.sample_type: enum perf_event_sample_format. */
export const PERF_SAMPLE = {
  IP: 1 << 0,
  TID: 1 << 1,
  TIME: 1 << 2,
  ADDR: 1 << 3,
  READ: 1 << 4,
  CALLCHAIN: 1 << 5,
  ID: 1 << 6,
  CPU: 1 << 7,
  PERIOD: 1 << 8,
  STREAM_ID: 1 << 9,
  RAW: 1 << 10,
  BRANCH_STACK: 1 << 11,
  REGS_USER: 1 << 12,
  STACK_USER: 1 << 13,
  WEIGHT: 1 << 14,
  DATA_SRC: 1 << 15,
  IDENTIFIER: 1 << 16,
  TRANSACTION: 1 << 17,
  REGS_INTR: 1 << 18,
  PHYS_ADDR: 1 << 19,
  AUX: 1 << 20,
  CGROUP: 1 << 21,
  DATA_PAGE_SIZE: 1 << 22,
  CODE_PAGE_SIZE: 1 << 23,
  WEIGHT_STRUCT: 1 << 24,
} as const;

/**
 * perf_event_attr.branch_sample_type: the bits of enum perf_branch_sample_type that change the layout or meaning of a
 * sample.
 */
export const PERF_SAMPLE_BRANCH = {
  CALL_STACK: 1 << 11,
  HW_INDEX: 1 << 17,
  COUNTERS: 1 << 19,
} as const;

/** perf_event_attr.read_format: enum perf_event_read_format. */
export const PERF_FORMAT = {
  TOTAL_TIME_ENABLED: 1 << 0,
  TOTAL_TIME_RUNNING: 1 << 1,
  ID: 1 << 2,
  GROUP: 1 << 3,
  LOST: 1 << 4,
} as const;

/** perf_event_header.type: enum perf_event_type (the kernel's own, below 64). */
export const PERF_RECORD = {
  MMAP: 1,
  LOST: 2,
  COMM: 3,
  EXIT: 4,
  THROTTLE: 5,
  UNTHROTTLE: 6,
  FORK: 7,
  READ: 8,
  SAMPLE: 9,
  MMAP2: 10,
  AUX: 11,
  ITRACE_START: 12,
  LOST_SAMPLES: 13,
  SWITCH: 14,
  SWITCH_CPU_WIDE: 15,
  NAMESPACES: 16,
  KSYMBOL: 17,
  BPF_EVENT: 18,
  CGROUP: 19,
  TEXT_POKE: 20,
  AUX_OUTPUT_HW_ID: 21,
  CALLCHAIN_DEFERRED: 22,
} as const;

/** Record types that the perf tools write themselves (tools/lib/perf/include/perf/event.h). */
export const PERF_RECORD_USER = {
  HEADER_ATTR: 64,
  HEADER_EVENT_TYPE: 65,
  HEADER_TRACING_DATA: 66,
  HEADER_BUILD_ID: 67,
  FINISHED_ROUND: 68,
  ID_INDEX: 69,
  AUXTRACE_INFO: 70,
  AUXTRACE: 71,
  AUXTRACE_ERROR: 72,
  THREAD_MAP: 73,
  CPU_MAP: 74,
  STAT_CONFIG: 75,
  STAT: 76,
  STAT_ROUND: 77,
  EVENT_UPDATE: 78,
  TIME_CONV: 79,
  HEADER_FEATURE: 80,
  COMPRESSED: 81,
  FINISHED_INIT: 82,
  COMPRESSED2: 83,
  BPF_METADATA: 84,
  SCHEDSTAT_CPU: 85,
  SCHEDSTAT_DOMAIN: 86,
} as const;

/** PERF_SAMPLE_REGS_ABI_64: the registers of a sample are those of a 64-bit program. */
export const REGS_ABI_64 = 2;
/** Largest copy of a stack in a sample, in bytes: perf_event_attr.sample_stack_user is below 64 KiB as records are. */
export const MAX_STACK_COPY = 65528;

/** perf_event_header.misc bits. The low three bits are the CPU mode. */
export const PERF_RECORD_MISC = {
  CPUMODE_MASK: 7,
  KERNEL: 1,
  USER: 2,
  HYPERVISOR: 3,
  GUEST_KERNEL: 4,
  GUEST_USER: 5,
  MMAP_DATA: 1 << 13,
  COMM_EXEC: 1 << 13,
  FORK_EXEC: 1 << 13,
  SWITCH_OUT: 1 << 13,
  EXACT_IP: 1 << 14,
  SWITCH_OUT_PREEMPT: 1 << 14,
  MMAP_BUILD_ID: 1 << 14,
} as const;

/** Markers inside a call chain (enum perf_callchain_context), as signed values. */
export const PERF_CONTEXT = {
  HV: -32,
  KERNEL: -128,
  USER: -512,
  USER_DEFERRED: -640,
  GUEST: -2048,
  GUEST_KERNEL: -2176,
  GUEST_USER: -2560,
  /** Lowest marker: an entry from here up to -1 is a marker, not an address. */
  MAX: -4095,
} as const;

/** enum perf_hw_id. */
export const PERF_COUNT_HW = {
  CPU_CYCLES: 0,
  INSTRUCTIONS: 1,
  CACHE_REFERENCES: 2,
  CACHE_MISSES: 3,
  BRANCH_INSTRUCTIONS: 4,
  BRANCH_MISSES: 5,
  BUS_CYCLES: 6,
  STALLED_CYCLES_FRONTEND: 7,
  STALLED_CYCLES_BACKEND: 8,
  REF_CPU_CYCLES: 9,
} as const;

/** enum perf_sw_ids. */
export const PERF_COUNT_SW = {
  CPU_CLOCK: 0,
  TASK_CLOCK: 1,
  PAGE_FAULTS: 2,
  CONTEXT_SWITCHES: 3,
  CPU_MIGRATIONS: 4,
  PAGE_FAULTS_MIN: 5,
  PAGE_FAULTS_MAJ: 6,
  ALIGNMENT_FAULTS: 7,
  EMULATION_FAULTS: 8,
  DUMMY: 9,
  BPF_OUTPUT: 10,
  CGROUP_SWITCHES: 11,
} as const;

/** Size in bytes of the first perf_event_attr. The kernel accepts any size from this on. */
export const PERF_ATTR_SIZE_VER0 = 64;
/** Size in bytes of the newest perf_event_attr that this program knows. */
export const PERF_ATTR_SIZE = 128;
