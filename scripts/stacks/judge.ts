/**
 * Tells which call stacks are whole, by the text that `perf script` prints: those whose outermost frame of user space is
 * where a process or a thread begins. Recorders are held to it all alike; what they say of a stack themselves counts
 * for nothing.
 */

import { endOfMark } from "../../lib/unwind/chain_marks.ts";
import { END_WORDS } from "../../lib/unwind/ends.ts";

/** Fields for `perf script -F`; dsoff (perf 6.5 and newer) adds offsets to the objects, and makes addresses absolute. */
export const FIELDS = "comm,pid,ip,sym,dso";

/** A frame, as it was printed. */
export interface Frame {
  /** Address in hex: of the process, or with a perf before 6.5 the offset in its file. */
  address: string;
  /** Name of its function; undefined where perf knows none. */
  symbol?: string;
  /** File that the code is from, or what stands for one; undefined where nothing is mapped. */
  object?: string;
  /** Offset of the code in that file; NaN where perf prints none. */
  offset: number;
}

/** User part of a sample's call stack, innermost frame first. */
export interface Stack {
  comm: string;
  pid: number;
  frames: Frame[];
  /** Reason that pmuctl gives for an end that is not a root to it, in words; the judgement leaves it out of account. */
  end?: string;
}

/** Frame on a line, or after the header: `  55dacbf604a3 main (/usr/bin/x (deleted)+0x14a3)`. */
const FRAME = /^\s*([0-9a-f]+) (.*) \(((?:[^()]|\([^()]*\))*)\)$/;
/** Header of a sample: `bash  4711`, and the only frame where it has no call chain. */
const HEADER = /^\s*(\S.*?)\s+(-?\d+)(?:\s+([0-9a-f]+ .* \(.*\)))?\s*$/;
const UNKNOWN = "[unknown]";

/** Reads the output of `perf script -F comm,pid,ip,sym,dso[,dsoff]`, line by line. */
export class StackReader {
  /** Samples that had frames of the kernel alone. */
  withoutUser = 0;
  readonly #take: (stack: Stack) => void;
  readonly #hasOffsets: boolean;
  #stack: Stack | undefined;
  #hasKernel = false;

  /**
   * @param hasOffsets whether addresses are absolute and objects have offsets, as with dsoff; else addresses of user
   * space are offsets.
   */
  constructor(take: (stack: Stack) => void, hasOffsets: boolean) {
    this.#take = take;
    this.#hasOffsets = hasOffsets;
  }

  /** Takes the next line. Throws Error for one that is no sample's. */
  line(text: string): void {
    if (text.trim() === "") return this.end();
    if (this.#stack) return this.#frame(text);
    const header = HEADER.exec(text);
    if (!header) throw new Error(`perf script printed what is no sample: ${text}`);
    this.#stack = { comm: header[1], pid: Number(header[2]), frames: [] };
    if (header[3]) this.#frame(header[3]);
  }

  /** Ends the sample that is being read, if there is one. */
  end(): void {
    const stack = this.#stack;
    this.#stack = undefined;
    if (stack === undefined) return;
    // a sample without a single frame is one that perf made nothing of
    if (stack.frames.length > 0 || !this.#hasKernel) this.#take(stack);
    else this.withoutUser++;
    this.#hasKernel = false;
  }

  #frame(text: string): void {
    const parts = FRAME.exec(text);
    if (!parts) throw new Error(`perf script printed what is no frame: ${text}`);
    const [, address, symbol, where] = parts;
    if (address.length === 16 && address.startsWith("ffff")) {
      this.#hasKernel = true;
      return;
    }
    const end = markWords(address);
    if (end !== undefined) {
      this.#stack!.end = end;
      return;
    }
    const place = this.#hasOffsets ? /^(.*)\+0x([0-9a-f]+)$/.exec(where) : null;
    const object = place ? place[1] : where;
    const isKnown = object !== UNKNOWN;
    this.#stack!.frames.push({
      address,
      symbol: symbol === UNKNOWN ? undefined : symbol,
      object: isKnown ? object : undefined,
      offset: place ? parseInt(place[2], 16) : isKnown && !this.#hasOffsets ? parseInt(address, 16) : NaN,
    });
  }
}

/** Functions that a process or a thread begins with. */
const ROOTS: ReadonlySet<string> = new Set([
  "main",
  // C libraries: glibc, musl
  ...["_start", "__libc_start_main", "__libc_start_main_impl", "__libc_start_call_main"],
  ...["_start_c", "libc_start_main_stage2", "clone", "__clone", "clone3", "__clone3", "start_thread"],
  // the dynamic loader, before the program itself
  ...["_dl_start", "_dl_start_user", "_dl_init"],
  // Go: the stacks of goroutines, of threads, and of the scheduler, which a goroutine leaves its own stack for
  ...[
    "runtime.goexit",
    "runtime.mstart",
    "runtime.clone",
    "runtime.rt0_go",
    "runtime.mcall",
    "runtime.morestack",
  ],
]);
/** Go's entry points are named after the machine: _rt0_amd64_linux. */
const GO_ENTRY = /^_rt0_/;
/** Additions to a name: a version, the ABI that Go means, a part that the compiler made of a function. */
const ADDITION = /(@.*|\.abi0|\.cold|\.(part|constprop|isra)\.\d+)$/;
/** Objects whose names of functions are the program's own: code that it made. */
const GENERATED = /^(?!\/[^/])|\/perf-\d+\.map$|\/jitted-\d+-\d+\.so$/;

/** Code of objects in which a process or a thread begins, for those whose functions have no names. */
export interface RootCode {
  /** Returns whether an offset in an object's file is in such code. */
  has(object: string, offset: number): boolean;
  /** Returns whether an object has musl, which calls the function that threads begin with just `start`. */
  hasMusl(object: string): boolean;
}

/** Returns whether a process or a thread begins in the function of `frame`. */
export function isRoot({ symbol, object, offset }: Frame, code: RootCode): boolean {
  if (object === undefined || GENERATED.test(object)) return false;
  if (symbol !== undefined) {
    const name = symbol.replace(ADDITION, "").replace(ADDITION, "");
    if (ROOTS.has(name) || GO_ENTRY.test(name)) return true;
    if (name === "start" && code.hasMusl(object)) return true;
  }
  return code.has(object, offset);
}

/** Returns whether the call stack is whole. */
export function isWhole({ frames }: Stack, code: RootCode): boolean {
  const outermost = frames.at(-1);
  return outermost !== undefined && isRoot(outermost, code);
}

/** Returns what a mark at the end of pmuctl's chains says; undefined for an address. */
function markWords(address: string): string | undefined {
  if (address.length !== 16) return undefined;
  const end = endOfMark(parseInt(address.slice(8), 16), parseInt(address.slice(0, 8), 16));
  return end < 0 ? undefined : END_WORDS[end] ?? "it is of another machine";
}

function nameOf({ address, symbol, object, offset }: Frame): string {
  if (object === undefined) return `${symbol ?? `0x${address}`} in no object`;
  const file = object.slice(object.lastIndexOf("/") + 1);
  return `${symbol ?? `0x${Number.isNaN(offset) ? address : offset.toString(16)}`} (${file})`;
}

/** Returns which kind of broken stack one is: the last two frames of it. */
export function breakOf({ frames, end }: Stack): string {
  const [last, before] = [frames.at(-1), frames.at(-2)];
  if (last === undefined) return "no frame";
  const why = end === undefined ? "" : `: ${end}`;
  // an address that leads nowhere is another one each time
  const name = last.object === undefined && last.symbol === undefined
    ? "an address in no object"
    : nameOf(last);
  return (before === undefined ? `${name} alone` : `${name}, called by nothing, behind ${nameOf(before)}`) +
    why;
}

/** Returns a stack in a line, innermost frame first. */
export function printStack({ comm, frames, end }: Stack): string {
  return `${comm}: ${frames.map(nameOf).join(" < ")}${end === undefined ? "" : ` < (${end})`}`;
}
