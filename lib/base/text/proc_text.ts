/**
 * Parsers for the text of /proc. Whoever runs a process chooses its thread names, command line and paths, which may
 * contain spaces, parentheses, `\r`, U+2028 or the name of a field. So lines end only at newlines, which the kernel
 * escapes within names, and a field is read where the kernel puts it (proc(5)).
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
    while (text[colon] === "\t" || text[colon] === " ") colon++; // cpuinfo aligns its colons
    if (text[colon] === ":" && colon < end) return text.slice(colon + 1, end).trim();
  }
  return undefined;
}

/**
 * Returns the bit set in a field of hex digits (CapEff, SigIgn); an empty set when the field is missing or malformed.
 */
export function procMask(text: string, name: string): bigint {
  const hex = procField(text, name) ?? "";
  return /^[0-9a-f]+$/.test(hex) ? BigInt(`0x${hex}`) : 0n;
}

/** User ids of a process. */
export interface ProcessUsers {
  real: number;
  effective: number;
  saved: number;
  /** Owner of the files it creates. */
  fs: number;
}

/** Returns the user ids in the text of /proc/PID/status, as this process's user namespace numbers them. */
export function processUsers(status: string): ProcessUsers | undefined {
  const ids = procField(status, "Uid")?.split(/\s+/).map(Number);
  if (ids?.length !== 4 || !ids.every(Number.isInteger)) return undefined;
  const [real, effective, saved, fs] = ids;
  return { real, effective, saved, fs };
}

/** Fields of /proc/PID/stat, of a process or thread. */
export interface ProcStat {
  comm: string;
  /** One-letter state: `R` running, `S` sleeping, `Z` zombie... */
  state: string;
  ppid: number;
  /** Id of its process group. */
  group: number;
  /** CPU time in user mode, in clock ticks. */
  userTicks: number;
  /** CPU time in the kernel, in clock ticks. */
  kernelTicks: number;
  /** Start time in clock ticks since boot, which distinguishes it from a later one with the same id. */
  start: number;
}

/** Parses /proc/PID/stat, `PID (COMM) STATE PPID ...`; undefined when it is cut off. */
export function parseStat(text: string): ProcStat | undefined {
  // the name ends at the last parenthesis, since no later field has one
  const open = text.indexOf("("), close = text.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(" ");
  const start = Number(fields[19]), ppid = Number(fields[1]);
  if (!Number.isInteger(start) || !Number.isInteger(ppid)) return undefined;
  return {
    comm: text.slice(open + 1, close),
    state: fields[0],
    ppid,
    group: Number(fields[2]),
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

/** Mapping in a line of /proc/PID/maps, in the kernel's spelling. */
export interface MapsLine {
  /** Start address, in hex. */
  start: string;
  /** End address (exclusive), in hex. */
  end: string;
  /** Permissions, `r-xp`: readable, writable, executable, private or shared. */
  permissions: string;
  /** Offset in the file in bytes, in hex. */
  offset: string;
  /** Major device number, in hex. */
  major: string;
  /** Minor device number, in hex. */
  minor: string;
  inode: string;
  /** Path with newlines unescaped; empty for an anonymous mapping. */
  path: string;
}

const MAPS_LINE =
  /^([0-9a-f]+)-([0-9a-f]+) ([r-][w-][x-][ps]) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *([^]*)$/;

/**
 * Parses a line of /proc/PID/maps; undefined for a malformed one. The kernel writes a newline in a path as `\012`, and
 * every other character as it is.
 */
export function parseMapsLine(line: string): MapsLine | undefined {
  const found = MAPS_LINE.exec(line);
  if (found === null) return undefined;
  const [, start, end, permissions, offset, major, minor, inode, path] = found;
  return { start, end, permissions, offset, major, minor, inode, path: path.replaceAll("\\012", "\n") };
}
