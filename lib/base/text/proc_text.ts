/**
 * Parsers for the text of /proc. Thread names, command lines and paths in it are chosen by whoever runs the process
 * and may hold spaces, parentheses, `\r`, U+2028 or the name of a field. So lines end at newlines only, which the kernel
 * escapes where a name holds one, and a field is read where the kernel puts it (proc(5)).
 */

/**
 * Returns the value of the first field `name` in text made of `Name:\tvalue` lines (/proc/PID/status, /proc/meminfo,
 * /proc/cpuinfo), without white space around it; undefined when there is no such field.
 */
export function procField(text: string, name: string): string | undefined {
  for (let at = 0, end: number; at < text.length; at = end + 1) {
    end = text.indexOf("\n", at);
    if (end < 0) end = text.length;
    if (!text.startsWith(name, at)) continue;
    let colon = at + name.length;
    while (text[colon] === "\t" || text[colon] === " ") colon++; // cpuinfo lines its colons up
    if (text[colon] === ":" && colon < end) return text.slice(colon + 1, end).trim();
  }
  return undefined;
}

/** Returns the set in a field of hex digits (CapEff, SigIgn), a bit for each member; none of them when it is no such field. */
export function procMask(text: string, name: string): bigint {
  const hex = procField(text, name) ?? "";
  return /^[0-9a-f]+$/.test(hex) ? BigInt(`0x${hex}`) : 0n;
}

/** User ids of a process: which user it acts for. */
export interface ProcessUsers {
  real: number;
  effective: number;
  saved: number;
  /** The one that files it makes belong to. */
  fs: number;
}

/** Returns the user ids in the text of /proc/PID/status, as this process's user namespace numbers them. */
export function processUsers(status: string): ProcessUsers | undefined {
  const ids = procField(status, "Uid")?.split(/\s+/).map(Number);
  if (ids?.length !== 4 || !ids.every(Number.isInteger)) return undefined;
  const [real, effective, saved, fs] = ids;
  return { real, effective, saved, fs };
}

/** What /proc/PID/stat says of a process or thread. */
export interface ProcStat {
  comm: string;
  /** One letter: `R`, `S`, `Z` for one that has ended and was not waited for. */
  state: string;
  ppid: number;
  /** CPU time in clock ticks: in user mode, in the kernel. */
  userTicks: number;
  kernelTicks: number;
  /** Its start in clock ticks since boot, which tells it from a later one with the same number. */
  start: number;
}

/** Parses /proc/PID/stat, `PID (COMM) STATE PPID ...`; undefined when it is cut off. */
export function parseStat(text: string): ProcStat | undefined {
  // the name ends at the last parenthesis, since no field behind it has one
  const open = text.indexOf("("), close = text.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(" ");
  const start = Number(fields[19]), ppid = Number(fields[1]);
  if (!Number.isInteger(start) || !Number.isInteger(ppid)) return undefined;
  return {
    comm: text.slice(open + 1, close),
    state: fields[0],
    ppid,
    start,
    userTicks: Number(fields[11]),
    kernelTicks: Number(fields[12]),
  };
}

/** Returns whether a task with this /proc/PID/stat has ended: a zombie, or dead. */
export function hasEnded({ state }: ProcStat): boolean {
  return state === "Z" || state === "X";
}

/** Returns whether a file system of this type is mounted, from the text of /proc/PID/mounts. */
export function isMounted(mounts: string, type: string): boolean {
  // DEVICE PATH TYPE OPTIONS ...; spaces inside the first two are written \040
  return mounts.split("\n").some((line) => line.split(" ")[2] === type);
}

/** A mapping, a line of /proc/PID/maps, as it stands there. */
export interface MapsLine {
  /** In hex. */
  start: string;
  /** In hex; the first address behind the mapping. */
  end: string;
  /** `r-xp`: readable, writable, executable, private or shared. */
  permissions: string;
  /** In hex, in bytes. */
  offset: string;
  /** Numbers of the device, in hex. */
  major: string;
  minor: string;
  inode: string;
  /** As the kernel gives it, newlines as newlines; empty where nothing is named. */
  path: string;
}

const MAPS_LINE =
  /^([0-9a-f]+)-([0-9a-f]+) ([r-][w-][x-][ps]) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *([^]*)$/;

/**
 * Parses a line of /proc/PID/maps; undefined for one of another form. The kernel writes a newline in a path as `\012`,
 * and every other character as it is.
 */
export function parseMapsLine(line: string): MapsLine | undefined {
  const found = MAPS_LINE.exec(line);
  if (found === null) return undefined;
  const [, start, end, permissions, offset, major, minor, inode, path] = found;
  return { start, end, permissions, offset, major, minor, inode, path: path.replaceAll("\\012", "\n") };
}
