/** How call chains are captured: `--call-graph fp`, or `dwarf[,SIZE]`. */

import { UnsupportedError, UsageError } from "../../base/system/errors.ts";

export type CallGraph =
  /** The kernel follows frame pointers. */
  | { mode: "fp" }
  /** Each sample carries the user registers and the top of the user stack, for a reader to unwind. */
  | {
    mode: "dwarf";
    /** Bytes of stack: a multiple of 8. */
    stackBytes: number;
    /** perf_event_attr.sample_regs_user. */
    registers: bigint;
  };

/** perf's own. */
const DEFAULT_STACK_BYTES = 8192;
/** perf_event_attr.sample_stack_user must be below 64 KiB, as the size of a record is. */
const MAX_STACK_BYTES = 65528;

/**
 * All the registers of user space that the kernel gives out by their numbers in
 * arch/.../include/uapi/asm/perf_regs.h, by Deno.build.arch. x86_64: 0 to 23 less the segments ds, es, fs, gs,
 * which 64-bit code does not have; aarch64: x0 to x30, sp, pc.
 */
const USER_REGISTERS: Record<string, bigint> = {
  x86_64: 0xff0fffn,
  aarch64: (1n << 33n) - 1n,
};

/** Reads the option's value for a machine of this architecture. Throws UsageError, and UnsupportedError. */
export function parseCallGraph(text: string, arch: string): CallGraph {
  const [mode, size, ...more] = text.split(",");
  if (mode === "lbr") {
    throw new UnsupportedError({
      attempt: "capture call chains by lbr",
      cause: "pmuctl does not read the CPU's branch stack",
      remedy: "use --call-graph fp, or dwarf for programs without frame pointers",
    });
  }
  if (mode === "fp" && size === undefined) return { mode };
  if (mode !== "dwarf" || more.length > 0) {
    throw new UsageError(`--call-graph '${text}': fp or dwarf[,BYTES] is wanted`);
  }
  const registers = USER_REGISTERS[arch];
  if (registers === undefined) {
    throw new UnsupportedError({
      attempt: "capture user registers for --call-graph dwarf",
      cause: `those of ${arch} are not known to pmuctl`,
      remedy: "use --call-graph fp",
    });
  }
  return { mode, stackBytes: size === undefined ? DEFAULT_STACK_BYTES : stackBytes(size), registers };
}

/** Rounded up to a multiple of 8, as perf does. */
function stackBytes(text: string): number {
  const bytes = /^\d+$/.test(text) ? Math.ceil(Number(text) / 8) * 8 : 0;
  if (bytes >= 8 && bytes <= MAX_STACK_BYTES) return bytes;
  throw new UsageError(`--call-graph dwarf,${text}: 8 to ${MAX_STACK_BYTES} bytes of stack are wanted`);
}
