/** Why an address got no symbol, and what the user can do about it. */

import { showTrace } from "../../base/system/debug.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { LimitError } from "./limits.ts";
import type { ObjectInfo } from "./objects.ts";

/** Negative, so that they can stand where a symbol's number would. */
export const REASON = {
  /** There is a table, and the address is in none of its symbols. */
  NOT_COVERED: -1,
  /** The file is not there (any more), or may not be read. */
  NO_FILE: -2,
  /** The file there now is not the one that was recorded. */
  BUILD_ID_DIFFERS: -3,
  /** The file has no symbol table, or an empty one. */
  NO_SYMBOLS: -4,
  /** The file is no ELF file, or a damaged one. */
  DAMAGED: -5,
  /** The kernel hides its addresses from this user. */
  KERNEL_HIDDEN: -6,
  /** The list of kernel symbols belongs to another kernel or another boot than was recorded. */
  OTHER_KERNEL: -7,
  /** Code made at run time by a program that names none of it. */
  NO_PERF_MAP: -8,
  /** Memory that holds data: the address is no code, most likely a broken call chain. */
  NOT_CODE: -9,
  /** What is at the file's path belongs to another user than it should, or is no regular file. */
  NOT_TRUSTED: -10,
  /** The recording names no build id, and the file was replaced or written to since. */
  REPLACED: -11,
  /** The recording names no build id, and was made on another machine. */
  OTHER_HOST: -12,
  /** Reading its symbols would cost more than a limit allows. */
  OVER_LIMIT: -13,
  /** Reading its symbols failed in a way that nobody has thought of. */
  FAILED: -14,
  /** A perf map of which no line makes sense. */
  BAD_PERF_MAP: -15,
  /** Code of a virtual machine's guest, or of the hypervisor: nothing here tells what is mapped there. */
  GUEST: -16,
} as const;

export type Reason = typeof REASON[keyof typeof REASON];

/** How many reasons; they are -1 to -REASON_COUNT. */
export const REASON_COUNT: number = Object.keys(REASON).length;

/** Why there are no symbols. */
export interface SymbolFailure {
  reason: Reason;
  /** For OVER_LIMIT which limit, for FAILED what went wrong. */
  detail?: string;
}

const MAX_DETAIL = 200;

/** What an error says that reading the symbols of an object ended with: it is the end of that object's symbols only. */
export function symbolFailureOf(error: unknown): SymbolFailure {
  if (error instanceof LimitError) return { reason: REASON.OVER_LIMIT, detail: error.limit };
  if (error instanceof BadInputError) return { reason: REASON.DAMAGED };
  showTrace(error);
  return { reason: REASON.FAILED, detail: String(error).slice(0, MAX_DETAIL) };
}

/** The cause in a few words, for a table: `no symbols`. */
export function missingSymbolCause(reason: Reason, detail = ""): string {
  switch (reason) {
    case REASON.NOT_COVERED:
      return "no symbol covers it";
    case REASON.NO_FILE:
      return "no file";
    case REASON.BUILD_ID_DIFFERS:
      return "build id differs";
    case REASON.NO_SYMBOLS:
      return "no symbols";
    case REASON.DAMAGED:
      return "not a readable ELF file";
    case REASON.KERNEL_HIDDEN:
      return "kernel symbols hidden";
    case REASON.OTHER_KERNEL:
      return "another kernel's symbols";
    case REASON.NO_PERF_MAP:
      return "run-time code without a perf map";
    case REASON.NOT_CODE:
      return "not code";
    case REASON.NOT_TRUSTED:
      return "its file is not to be trusted";
    case REASON.REPLACED:
      return "replaced since";
    case REASON.OTHER_HOST:
      return "of another machine";
    case REASON.OVER_LIMIT:
      return `over the limit of ${detail}`;
    case REASON.FAILED:
      return `not readable (${detail})`;
    case REASON.BAD_PERF_MAP:
      return "no line of its perf map makes sense";
    case REASON.GUEST:
      return "of a virtual machine";
  }
}

const INSTALL =
  "install its debug symbols (-dbgsym or -debuginfo, or fetch them with debuginfod-find debuginfo), " +
  "or build it without stripping (-s)";

/** How to have the usual runtimes write their perf map. */
const PERF_MAP_WRITERS =
  "java -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit, or jcmd PID Compiler.perfmap as it runs; " +
  "node --perf-basic-prof; python -X perf; .NET with DOTNET_PerfMapEnabled=1";

/** What the user can do about it, a sentence without its full stop: `install its debug symbols`. */
export function missingSymbolRemedy(reason: Reason, object: ObjectInfo): string {
  switch (reason) {
    case REASON.NOT_COVERED:
      return object.kind === "file" || object.kind === "vdso"
        ? INSTALL
        : "nothing to do: the addresses lie between the symbols";
    case REASON.NO_FILE:
      if (object.path.endsWith(" (deleted)")) {
        return "the file was deleted or replaced while it ran: restart the program and record again";
      }
      return object.kind === "kernel" || object.kind === "module"
        ? "report on the machine that was recorded, where /proc/kallsyms is"
        : "report on the machine that was recorded, or put the file back at its path";
    case REASON.BUILD_ID_DIFFERS:
      if (object.kind === "kernel") return "name the file of the kernel that was recorded with --vmlinux";
      return "the file was rebuilt or upgraded since: put back the recorded version, or record again";
    case REASON.NO_SYMBOLS:
      if (object.kind === "kernel" || object.kind === "module") {
        return "the running kernel lists no symbols for it: load the module again, or see CONFIG_KALLSYMS";
      }
      return object.path.startsWith("[")
        ? "nothing to do: the kernel provides this code without symbols"
        : INSTALL;
    case REASON.DAMAGED:
      return "check the file with readelf -S";
    case REASON.KERNEL_HIDDEN:
      return "report as root, or set kernel.kptr_restrict to 0";
    case REASON.OTHER_KERNEL:
      return "report under the kernel that was recorded, before it restarts, or name its --kallsyms or --vmlinux";
    case REASON.NO_PERF_MAP:
      return `have the program write /tmp/perf-PID.map: ${PERF_MAP_WRITERS}`;
    case REASON.BAD_PERF_MAP:
      return "each line has to be START SIZE NAME, with START and SIZE in hex";
    case REASON.GUEST:
      return "record inside the virtual machine";
    case REASON.REPLACED:
      return "the file was rebuilt or upgraded since: record again, or take it all the same with --force";
    case REASON.OTHER_HOST:
      return "report on the machine that was recorded, or name a copy of its files with --symfs; --force takes this machine's";
    case REASON.NOT_TRUSTED:
      return object.kind === "jit"
        ? "its file must belong to the user of the process, to you or to root, and be newer than the process"
        : "only links of root and your own are followed, to regular files: see who owns what is at its path";
    case REASON.OVER_LIMIT:
      return "if you trust its files, allow four times as much with PMUCTL_LIMIT_FACTOR=4";
    case REASON.FAILED:
      return "if its file can be read, this is a bug in pmuctl: PMUCTL_DEBUG=1 shows where";
    case REASON.NOT_CODE:
      return "build the callers with -fno-omit-frame-pointer, so that call chains hold together";
  }
}
