/** Reasons why an address has no symbol, and what to do about each. */

import { showTrace } from "../../base/system/debug.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { LimitError } from "./limits.ts";
import type { ObjectInfo } from "./objects.ts";

/** Reasons for a missing symbol. Negative, so that they can stand in place of a symbol number. */
export const REASON = {
  /** Address between the symbols of the table. */
  NOT_COVERED: -1,
  /** The file does not exist (any more), or is not readable. */
  NO_FILE: -2,
  /** The file there now is not the recorded one. */
  BUILD_ID_DIFFERS: -3,
  /** The file has no symbol table, or an empty one. */
  NO_SYMBOLS: -4,
  /** The file is not an ELF file, or is damaged. */
  DAMAGED: -5,
  /** The kernel hides its addresses from this user. */
  KERNEL_HIDDEN: -6,
  /** The kernel symbols are of another kernel or boot than the recorded one. */
  OTHER_KERNEL: -7,
  /** Run-time code, of a program that does not report its names. */
  NO_PERF_MAP: -8,
  /** Memory with data: the address is not code, most likely because the call chain is broken. */
  NOT_CODE: -9,
  /** The file belongs to the wrong user, or is not a regular file. */
  NOT_TRUSTED: -10,
  /** File without a recorded build id that was replaced or written to since. */
  REPLACED: -11,
  /** File without a recorded build id, recorded on another machine. */
  OTHER_HOST: -12,
  /** Reading the symbols would cost more than a limit allows. */
  OVER_LIMIT: -13,
  /** Reading the symbols failed unexpectedly. */
  FAILED: -14,
  /** A perf map without a valid line. */
  BAD_PERF_MAP: -15,
  /** Code of a virtual machine's guest, or of the hypervisor: what is mapped there is unknown here. */
  GUEST: -16,
} as const;

/** Reason for a missing symbol, one of REASON. */
export type Reason = typeof REASON[keyof typeof REASON];

/** Number of reasons; they are -1 to -REASON_COUNT. */
export const REASON_COUNT: number = Object.keys(REASON).length;

/** Reason why an object has no symbols, or not all. */
export interface SymbolFailure {
  reason: Reason;
  /** Name of the limit for OVER_LIMIT, message for FAILED. */
  detail?: string;
}

const MAX_DETAIL = 200;

/** Turns an error from reading an object's symbols into a reason. Only that object loses its symbols. */
export function symbolFailureOf(error: unknown): SymbolFailure {
  if (error instanceof LimitError) return { reason: REASON.OVER_LIMIT, detail: error.limit };
  if (error instanceof BadInputError) return { reason: REASON.DAMAGED };
  showTrace(error);
  return { reason: REASON.FAILED, detail: String(error).slice(0, MAX_DETAIL) };
}

/** Returns the cause in a few words, for a table: `no symbols`. */
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
      return "untrusted file";
    case REASON.REPLACED:
      return "file replaced since";
    case REASON.OTHER_HOST:
      return "recorded on another machine";
    case REASON.OVER_LIMIT:
      return `over the limit of ${detail}`;
    case REASON.FAILED:
      return `not readable (${detail})`;
    case REASON.BAD_PERF_MAP:
      return "unreadable perf map";
    case REASON.GUEST:
      return "in a virtual machine";
  }
}

const INSTALL = "install its debug symbols (packages -dbgsym or -debuginfo)";
const FETCH = "fetch them with --debuginfod URL";
const REBUILD = "or rebuild it unstripped (without strip or -s)";

/** Returns how to get the symbols of a stripped program. Only what has a build id can be fetched. */
function installRemedy({ buildId }: ObjectInfo, fetches: boolean): string {
  return [INSTALL, ...buildId !== undefined && !fetches ? [FETCH] : [], REBUILD].join(", ");
}

/** Returns which files of a kernel have the names too. */
export function kernelFilesRemedy({ kind, buildId }: ObjectInfo, fetches: boolean): string {
  const install = kind === "module"
    ? "install the package with the recorded kernel's modules"
    : "install the recorded kernel's debug symbols (packages -dbg, -dbgsym or -debuginfo)";
  return buildId !== undefined && !fetches ? `${install}, or ${FETCH}` : install;
}

/** Returns that a missing program can be fetched, if it can. */
function fetchesToo({ kind, buildId }: ObjectInfo, fetches: boolean): string {
  return kind === "file" && buildId !== undefined && !fetches ? "fetch it with --debuginfod URL, " : "";
}

/** How to make common runtimes write their perf map. */
const PERF_MAP_WRITERS =
  "java -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit, or jcmd PID Compiler.perfmap as it runs; " +
  "node --perf-basic-prof; python -X perf; .NET with DOTNET_PerfMapEnabled=1";

/** Beginning of the remedies that tell why there is none. */
export const NOTHING_TO_DO = "nothing to do: ";

/** Options of missingSymbolRemedy(). */
export interface RemedyOptions {
  /** Servers of debug files have been asked already; see mayFetch(). */
  fetches?: boolean;
  /** Command that looks for the symbols, and is to be run again: `report` by default. */
  command?: string;
}

/** Returns what to do about a file that is not there. */
function noFileRemedy(object: ObjectInfo, { fetches, command }: Required<RemedyOptions>): string {
  if (object.path.endsWith(" (deleted)")) {
    return "the file was deleted or replaced while it ran: restart the program and record again";
  }
  return object.kind === "kernel" || object.kind === "module"
    ? `${command} on the recorded machine, where /proc/kallsyms is, or ${kernelFilesRemedy(object, fetches)}`
    : `${command} on the recorded machine, ${fetchesToo(object, fetches)}or put the file back at its path`;
}

/** Returns what to do about it, a sentence without its full stop: `install its debug symbols`. */
export function missingSymbolRemedy(
  reason: Reason,
  object: ObjectInfo,
  { fetches = false, command = "report" }: RemedyOptions = {},
): string {
  switch (reason) {
    case REASON.NOT_COVERED:
      return object.kind === "file" || object.kind === "vdso"
        ? installRemedy(object, fetches)
        : `${NOTHING_TO_DO}the addresses lie between the symbols`;
    case REASON.NO_FILE:
      return noFileRemedy(object, { fetches, command });
    case REASON.BUILD_ID_DIFFERS:
      if (object.kind === "kernel") return "give the recorded kernel's file with --vmlinux";
      return `the file was rebuilt or upgraded since: put back the recorded version, ${
        fetchesToo(object, fetches)
      }or record again`;
    case REASON.NO_SYMBOLS:
      if (object.kind === "kernel" || object.kind === "module") {
        return `the running kernel lists no symbols for it: load the module again, or ${
          kernelFilesRemedy(object, fetches)
        }`;
      }
      return object.path.startsWith("[")
        ? `${NOTHING_TO_DO}the kernel provides this code without symbols`
        : installRemedy(object, fetches);
    case REASON.DAMAGED:
      return "check the file with readelf -S";
    case REASON.KERNEL_HIDDEN:
      return `${command} as root, set kernel.kptr_restrict to 0, or ${kernelFilesRemedy(object, fetches)}`;
    case REASON.OTHER_KERNEL:
      return object.kind === "module"
        ? `${command} while the recorded kernel runs, or ${kernelFilesRemedy(object, fetches)}`
        : `${command} while the recorded kernel runs, give its --kallsyms or --vmlinux, or ${
          kernelFilesRemedy(object, fetches)
        }`;
    case REASON.NO_PERF_MAP:
      return `have the program write /tmp/perf-PID.map: ${PERF_MAP_WRITERS}`;
    case REASON.BAD_PERF_MAP:
      return "each line has to be START SIZE NAME, with START and SIZE in hex";
    case REASON.GUEST:
      return "record inside the virtual machine";
    case REASON.REPLACED:
      return "the file was rebuilt or upgraded since: record again, or use it anyway with --force";
    case REASON.OTHER_HOST:
      return `${command} on the recorded machine, or give a copy of its files with --symfs; --force uses this machine's`;
    case REASON.NOT_TRUSTED:
      return object.kind === "jit"
        ? "its file must belong to the user of the process, to you or to root, and be newer than the process"
        : "only links of root and your own are followed, to regular files: see who owns what is at its path";
    case REASON.OVER_LIMIT:
      return "if you trust its files, raise the limits with PMUCTL_LIMIT_FACTOR=4";
    case REASON.FAILED:
      return "if its file can be read, this is a bug in pmuctl: PMUCTL_DEBUG=1 shows where";
    case REASON.NOT_CODE:
      return "record with pmuctl record -g (--call-graph auto), for whole call chains";
  }
}
