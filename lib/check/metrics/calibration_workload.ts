/**
 * The gauge: fixed work that is run beside a command that is compared with a baseline, then and now. What it takes
 * tells how fast the machine was each time, and so how much of a change is not the command's.
 */

/** Computes, starts a process and moves memory, as programs do; some 20 ms. POSIX sh and dd, which are everywhere. */
export const CALIBRATION_WORKLOAD: readonly string[] = [
  "/bin/sh",
  "-c",
  "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; dd if=/dev/zero of=/dev/null bs=2097152 count=32 2>/dev/null",
];
