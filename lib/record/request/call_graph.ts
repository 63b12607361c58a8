/** Parses how call chains are captured: `--call-graph fp`, or `dwarf[,SIZE]`. */

import { UnsupportedError, UsageError } from "../../base/system/errors.ts";

/** Way of capturing call chains. */
export type CallGraph =
  /** Frame pointers, followed by the kernel. */
  | { mode: "fp" }
  /** User registers and the top of the user stack in each sample, for a reader to unwind. */
  | {
    mode: "dwarf";
    /** Bytes of stack in each sample: a multiple of 8. */
    stackBytes: number;
    /** perf_event_attr.sample_regs_user. */
    registers: bigint;
  };

/** Bytes of stack by default, as in perf. */
const DEFAULT_STACK_BYTES = 8192;
/** Limit of perf_event_attr.sample_stack_user, which must be below 64 KiB as the size of a record is. */
const MAX_STACK_BYTES = 65528;

/**
 * Registers of user space by Deno.build.arch, a bit each, numbered as in arch/.../include/uapi/asm/perf_regs.h.
 * x86_64: 0 to 23 less the segments ds, es, fs, gs, which 64-bit code does not have; aarch64: x0 to x30, sp, pc.
 */
const USER_REGISTERS: Record<string, bigint> = {
  x86_64: 0xff0fffn,
  aarch64: (1n << 33n) - 1n,
};

/** Parses the option's value for a machine of this architecture. Throws UsageError, or UnsupportedError. */
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
    throw new UsageError(`--call-graph '${text}': expected fp or dwarf[,BYTES]`);
  }
  const registers = USER_REGISTERS[arch];
  if (registers === undefined) {
    throw new UnsupportedError({
      attempt: "capture user registers for --call-graph dwarf",
      cause: `pmuctl does not know the registers of ${arch}`,
      remedy: "use --call-graph fp",
    });
  }
  return { mode, stackBytes: size === undefined ? DEFAULT_STACK_BYTES : stackBytes(size), registers };
}

/** Parses bytes of stack, and rounds them up to a multiple of 8, as perf does. */
function stackBytes(text: string): number {
  const bytes = /^\d+$/.test(text) ? Math.ceil(Number(text) / 8) * 8 : 0;
  if (bytes >= 8 && bytes <= MAX_STACK_BYTES) return bytes;
  throw new UsageError(`--call-graph dwarf,${text}: expected 8 to ${MAX_STACK_BYTES} bytes of stack`);
}
