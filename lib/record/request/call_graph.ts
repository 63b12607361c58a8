/** Parses how call chains are captured: `-g`, or `--call-graph auto[,BYTES]`, `fp` or `dwarf[,BYTES]`. */

import { MAX_STACK_COPY } from "../../base/system/abi.ts";
import { UnsupportedError, UsageError } from "../../base/system/errors.ts";
import { sizeInBytes } from "./limits.ts";

/** Way of capturing call chains. */
export type CallGraph =
  /** Frame pointers, followed by the kernel. */
  | { mode: "fp" }
  /** User registers and the top of the user stack in each sample, unwound before the sample is written. */
  | { mode: "auto" } & StackCopy
  /** User registers and the top of the user stack in each sample, kept in the file for a reader to unwind. */
  | { mode: "dwarf" } & StackCopy;

/** Piece of the user's state that each sample carries. */
export interface StackCopy {
  /** Bytes of stack in each sample: a multiple of 8. */
  stackBytes: number;
  /** perf_event_attr.sample_regs_user. */
  registers: bigint;
}

/** Call chains as they were asked for. */
export interface CallGraphChoice {
  callGraph: CallGraph;
  /** Whether the user gave the bytes of stack, which are then never lowered. */
  bytesGiven: boolean;
  /** Line that says what is not as asked. */
  note?: string;
}

/** Surroundings that decide which ways are possible. */
export interface CallGraphContext {
  /** Architecture of this machine, as in Deno.build.arch. */
  arch: string;
  /** Whether the rings keep only the most recent samples, which are written long after they were taken. */
  overwrite: boolean;
}

/** Bytes of stack by default: for dwarf as in perf, for auto as much as nearly all stacks need. */
const DEFAULT_STACK_BYTES = { auto: 32768, dwarf: 8192 };

/**
 * Registers of user space by Deno.build.arch, a bit each, numbered as in arch/.../include/uapi/asm/perf_regs.h.
 * x86_64: 0 to 23 less the segments ds, es, fs, gs, which 64-bit code does not have; aarch64: x0 to x30, sp, pc.
 */
const USER_REGISTERS: Record<string, bigint> = {
  x86_64: 0xff0fffn,
  aarch64: (1n << 33n) - 1n,
};

/** Returns what `-g` records: whole call chains of any program, or frame pointers where that is not possible. */
export function defaultCallGraph({ arch, overwrite }: CallGraphContext): CallGraphChoice {
  const registers = USER_REGISTERS[arch];
  if (registers !== undefined && !overwrite) {
    return {
      callGraph: { mode: "auto", stackBytes: DEFAULT_STACK_BYTES.auto, registers },
      bytesGiven: false,
    };
  }
  const [obstacle, instead] = registers === undefined
    ? [`pmuctl does not know the registers of ${arch}`, ""]
    : ["--overwrite keeps samples as the kernel took them", "; --call-graph dwarf has whole ones"];
  const note = `${obstacle}, so call stacks are whole only in programs built with frame pointers ` +
    `(as with --call-graph fp)${instead}`;
  return { callGraph: { mode: "fp" }, bytesGiven: false, note };
}

/** Parses the value of `--call-graph`. Throws UsageError, or UnsupportedError for what this machine cannot do. */
export function parseCallGraph(text: string, { arch, overwrite }: CallGraphContext): CallGraphChoice {
  const [mode, size, ...more] = text.split(",");
  if (mode === "lbr") {
    throw new UnsupportedError({
      attempt: "capture call chains by lbr",
      cause: "pmuctl does not read the CPU's branch stack",
      remedy: "use -g, which gives whole call stacks of any program",
    });
  }
  if (mode === "fp" && size === undefined) return { callGraph: { mode }, bytesGiven: false };
  if ((mode !== "auto" && mode !== "dwarf") || more.length > 0) {
    throw new UsageError(`--call-graph '${text}': expected auto[,BYTES], fp or dwarf[,BYTES]`);
  }
  if (mode === "auto" && overwrite) {
    throw new UsageError(
      "--overwrite and --call-graph auto exclude each other, since --overwrite keeps samples as the kernel took them: " +
        "use --call-graph fp, or dwarf",
    );
  }
  const registers = USER_REGISTERS[arch];
  if (registers === undefined) {
    throw new UnsupportedError({
      attempt: `capture user registers for --call-graph ${mode}`,
      cause: `pmuctl does not know the registers of ${arch}`,
      remedy: "use --call-graph fp",
    });
  }
  const stackBytes = size === undefined ? DEFAULT_STACK_BYTES[mode] : parseStackBytes(size, text);
  return { callGraph: { mode, stackBytes, registers }, bytesGiven: size !== undefined };
}

/** Parses bytes of stack, and rounds them up to a multiple of 8, as perf does. */
function parseStackBytes(size: string, whole: string): number {
  const bytes = Math.ceil((sizeInBytes(size) ?? 0) / 8) * 8;
  if (bytes >= 8 && bytes <= MAX_STACK_COPY) return bytes;
  throw new UsageError(`--call-graph '${whole}': expected 8 to ${MAX_STACK_COPY} bytes of stack, as in 16K`);
}
