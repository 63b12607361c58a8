/** Numbers of Linux that are the same on every architecture: signals and clocks. */

/** Signals, of asm-generic/signal.h. */
export const SIGNAL = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGTERM: 15,
  SIGXFSZ: 25,
} as const;

/** Clocks of clock_gettime(2), of linux/time.h. */
export const CLOCK = {
  REALTIME: 0,
  MONOTONIC: 1,
  PROCESS_CPUTIME_ID: 2,
  MONOTONIC_RAW: 4,
  BOOTTIME: 7,
  TAI: 11,
} as const;
