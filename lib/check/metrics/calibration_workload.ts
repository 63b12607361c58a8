/**
 * Calibration workload ("gauge"): fixed work that runs beside a command, both when a baseline is made and when it is
 * compared with. Its times tell how fast the machine was, and so how much of a change is not the command's.
 */

/**
 * Command that computes, starts a process and moves memory, as programs do, for about 20 ms. It needs only POSIX sh
 * and dd.
 */
export const CALIBRATION_WORKLOAD: readonly string[] = [
  "/bin/sh",
  "-c",
  "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; dd if=/dev/zero of=/dev/null bs=2097152 count=32 2>/dev/null",
];
