/**
 * Reads /proc: the threads, names and maps of processes that were there before a recording, the kernel's text and its
 * modules. Processes that end while they are read are left out, as if they had ended before.
 */

import { addressFromBigint } from "../../base/bytes/address.ts";
import type { OpenPolicy } from "../../base/files/guarded_open.ts";
import { processFolder } from "../../base/files/pid_namespace.ts";
import { parseMapsLine, parseStat, processUsers, procField } from "../../base/text/proc_text.ts";
import { MapBudget } from "./map_budget.ts";

/** Reads a file of /proc as text; undefined when it is gone or not ours to read. */
export type ReadText = (path: string) => string | undefined;
/** Lists the names in a directory of /proc; empty when it is gone. */
export type ListDirectory = (path: string) => string[];

/** Access to /proc, live or made up by a test. */
export interface Proc {
  text: ReadText;
  list: ListDirectory;
}

/** Bytes read of a file at most. A process's maps are 5 MB at the default vm.max_map_count of 65,530. */
const MAX_TEXT = 1 << 26;

/** Reads a file of /proc, whose size is unknown beforehand, up to MAX_TEXT. */
function readText(path: string): string {
  using file = Deno.openSync(path);
  const decoder = new TextDecoder();
  let text = "";
  for (let n: number | null, all = 0; all < MAX_TEXT && (n = file.readSync(chunk)) !== null; all += n) {
    text += decoder.decode(chunk.subarray(0, n), { stream: true });
  }
  return text + decoder.decode();
}

const chunk = new Uint8Array(1 << 16);

/** Access to this machine's /proc. */
export const liveProc: Proc = {
  text(path) {
    try {
      return readText(path);
    } catch {
      return undefined; // gone, or another user's
    }
  },
  list(path) {
    try {
      return Array.from(Deno.readDirSync(path), (entry) => entry.name);
    } catch {
      return [];
    }
  },
};

/** Thread of a process. */
export interface ProcThread {
  tid: number;
  comm: string;
}

/** Mapping, from a line of /proc/PID/maps. */
export interface ProcMap {
  /** First address, signed (base/address.ts). */
  start: number;
  /** Size in bytes. */
  length: number;
  /** Offset in the file, in bytes. */
  pgoff: number;
  /** PROT_* bits. */
  prot: number;
  /** MAP_SHARED (1) or MAP_PRIVATE (2). */
  flags: number;
  major: number;
  minor: number;
  inode: bigint;
  /** Path, or `//anon` for a mapping without a name, as perf writes it. */
  filename: string;
}

/** Process with its threads, the main one first, and its maps. */
export interface ProcProcess {
  pid: number;
  ppid: number;
  threads: ProcThread[];
  maps: ProcMap[];
}

/** Returns every process there is now, in order of pid. */
export function allPids(proc: Proc): number[] {
  return proc.list("/proc").filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b);
}

/** Choice of maps: executable ones alone, or all that can be read as well. */
export type MapChoice = "executable" | "readable";

/**
 * Reads one process with all its threads; undefined when it is gone, hidden, or a zombie without threads. It has no maps
 * where `budget` allows none.
 */
export function readProcess(
  proc: Proc,
  pid: number,
  maps: MapChoice = "executable",
  budget = new MapBudget(),
): ProcProcess | undefined {
  const status = proc.text(`${processFolder(pid)}/status`);
  if (status === undefined) return undefined;
  const ppid = Number(procField(status, "PPid") ?? 0);
  const threads: ProcThread[] = [];
  for (const name of proc.list(`${processFolder(pid)}/task`)) {
    const comm = proc.text(`${processFolder(pid)}/task/${name}/comm`);
    if (comm !== undefined) threads.push({ tid: Number(name), comm: comm.replace(/\n$/, "") });
  }
  threads.sort((a, b) => Number(b.tid === pid) - Number(a.tid === pid) || a.tid - b.tid);
  if (threads.length === 0) return undefined;
  const uid = processUsers(status)?.effective ?? -1;
  const text = budget.allows(uid) ? proc.text(`${processFolder(pid)}/maps`) ?? "" : "";
  budget.spend(uid, text.length);
  return { pid, ppid, threads, maps: parseMaps(text, maps) };
}

/** Returns when a process started, in clock ticks since boot (field 22 of /proc/PID/stat); undefined when it is gone. */
export function startTimeOf(proc: Proc, pid: number | "self"): number | undefined {
  return parseStat(proc.text(`${processFolder(pid)}/stat`) ?? "")?.start;
}

/** PROT_EXEC of mmap(2). */
export const PROT_EXEC = 4;

/** Returns the maps in the text of /proc/PID/maps. Skips lines of an unknown form. */
export function parseMaps(text: string, choice: MapChoice = "executable"): ProcMap[] {
  const maps: ProcMap[] = [];
  for (const line of text.split("\n")) {
    // a cheap test before the costly match: most maps are not executable
    if (choice === "executable" && !line.includes("x", 17)) continue;
    const map = parseMapsLine(line);
    if (!map) continue;
    const [readable, writable, executable, sharing] = map.permissions;
    if (executable !== "x" && (choice === "executable" || readable !== "r")) continue;
    const start = address(map.start);
    maps.push({
      start,
      length: address(map.end) - start,
      prot: (readable === "r" ? 1 : 0) | (writable === "w" ? 2 : 0) | (executable === "x" ? PROT_EXEC : 0),
      flags: sharing === "s" ? 1 : 2,
      pgoff: address(map.offset),
      major: parseInt(map.major, 16),
      minor: parseInt(map.minor, 16),
      inode: BigInt(map.inode),
      filename: map.path || "//anon",
    });
  }
  return maps;
}

const address = (hex: string) => addressFromBigint(BigInt(`0x${hex}`));

/**
 * Returns the path in /proc by which the file behind a mapping can be opened while its process lives, whatever became of
 * the file's name. Opening it takes CAP_CHECKPOINT_RESTORE.
 */
export function mapFile(pid: number, start: number, length: number): string {
  return `${processFolder(pid)}/map_files/${start.toString(16)}-${(start + length).toString(16)}`;
}

/** Policy for opening what the kernel itself links to in /proc, such as a mapped file: nobody else can make the link. */
export const KERNEL_LINK: OpenPolicy = { links: "all" };

/** Address range of the running kernel's text. */
export interface KernelText {
  /** Signed (base/address.ts). */
  start: number;
  /** Size in bytes. */
  length: number;
}

/**
 * Finds the kernel's text, `_text` (or `_stext`) to `_etext`, in the chunks of /proc/kallsyms. Returns undefined when
 * addresses are hidden (all zero: kptr_restrict) or the symbols are missing. Reads no further than it must, which is
 * hardly anything when the `length` in bytes is known.
 */
export function kernelText(chunks: Iterable<Uint8Array>, length?: number): KernelText | undefined {
  const decoder = new TextDecoder("latin1");
  let start: number | undefined;
  let end: number | undefined;
  let tail = "";
  const find = (text: string, symbol: string) => {
    const at = text.indexOf(symbol);
    const hex = text.slice(text.lastIndexOf("\n", at) + 1, at);
    return at >= 0 && /^[0-9a-f]{1,16}$/.test(hex) ? address(hex) : undefined;
  };
  for (const chunk of chunks) {
    const text = tail + decoder.decode(chunk);
    start ??= find(text, " T _text\n") ?? find(text, " T _stext\n");
    end ??= find(text, " T _etext\n") ?? find(text, " D _etext\n");
    if (start && length !== undefined) end = start + length;
    if (start !== undefined && end !== undefined) break;
    tail = text.slice(text.lastIndexOf("\n") + 1);
  }
  return start && end && end > start ? { start, length: end - start } : undefined;
}

/** Returns the text of the running kernel; undefined when its addresses are hidden. */
export function liveKernelText(): KernelText | undefined {
  // on other architectures the resource does not begin at _text
  const length = Deno.build.arch === "x86_64" ? codeLength(liveProc.text("/proc/iomem") ?? "") : undefined;
  return kernelText(kallsymsChunks(), length);
}

/**
 * Returns the size in bytes of the resource "Kernel code" in the text of /proc/iomem, which is [_text, _etext) on x86;
 * undefined when it is missing, or hidden (all zero, for all but root).
 */
export function codeLength(iomem: string): number | undefined {
  const [, first, last] = /^ *([0-9a-f]+)-([0-9a-f]+) : Kernel code$/m.exec(iomem) ?? [];
  const length = parseInt(last, 16) + 1 - parseInt(first, 16);
  return length > 1 ? length : undefined;
}

/** Yields /proc/kallsyms in chunks, each valid until the next; none when it cannot be opened. */
export function* kallsymsChunks(path = "/proc/kallsyms"): Generator<Uint8Array> {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path);
  } catch {
    return;
  }
  try {
    const buffer = new Uint8Array(1 << 20);
    for (let n; (n = file.readSync(buffer)) !== null;) yield buffer.subarray(0, n);
  } finally {
    file.close();
  }
}

/** Text of a loaded kernel module. */
export interface KernelModule {
  name: string;
  /** Signed (base/address.ts). */
  start: number;
  /** Size in bytes. */
  length: number;
}

/** Returns the modules in the text of /proc/modules, without those whose addresses are hidden (zero). */
export function parseModules(text: string): KernelModule[] {
  const modules: KernelModule[] = [];
  for (const line of text.split("\n")) {
    const m = /^(\S+) (\d+) .* 0x([0-9a-f]+)/.exec(line);
    if (!m || /^0+$/.test(m[3])) continue;
    modules.push({ name: m[1], length: Number(m[2]), start: address(m[3]) });
  }
  return modules;
}
