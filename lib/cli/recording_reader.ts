/** Who reads our standard output: whether a pipeline goes on with a program that takes recordings. */

import { parseStat } from "../base/text/proc_text.ts";

/** `pmuctl` and `perf` as they are called, and the program that the launcher hands to the runtime. */
const PROGRAM = /(?:^|\/)(?:pmuctl|perf(?:[-_.]?\d[\w.]*)?|main\.(?:js|ts))$/;
/** Their commands that read a recording. */
const READERS: ReadonlySet<string> = new Set(
  "report analyze annotate script inject diff data evlist buildid-list c2c mem sched lock timechart kvm"
    .split(" "),
);
/** How long a shell may take to start the program behind the pipe, in ms; and how often it is looked. */
const START_TIME = 300, LOOK_EVERY = 10;

/**
 * Returns `pmuctl report` or the like when standard output is a pipe that such a program reads. Any other reader is
 * undefined, as `tee` and a CI system's log are, to which a recording would be noise.
 */
export async function recordingReader(): Promise<string | undefined> {
  const pipe = pipeAt("self", 1);
  if (pipe === undefined) return undefined;
  for (let waited = 0;; waited += LOOK_EVERY) {
    const { reader, starting } = readersOf(pipe);
    if (reader !== undefined || !starting || waited >= START_TIME) return reader;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
}

/** The pipe that is open as a descriptor of a process; undefined when it is none, "" when that may not be seen. */
function pipeAt(pid: string, fd: number): string | undefined {
  try {
    const target = Deno.readLinkSync(`/proc/${pid}/fd/${fd}`);
    return target.startsWith("pipe:[") ? target : undefined;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied ? "" : undefined;
  }
}

/** A reader of the pipe that takes recordings; else whether one is still a copy of the shell that will become something. */
function readersOf(pipe: string): { reader?: string; starting: boolean } {
  const shell = Deno.ppid, shellWords = wordsOf(String(shell)).join("\0");
  let starting = false;
  for (const pid of processes()) {
    if (pid === String(Deno.pid) || pid === String(shell)) continue;
    const reads = pipeAt(pid, 0);
    // root's, under sudo, may not be looked into: then it is the next one of the pipeline
    if (reads !== pipe && !(reads === "" && parentOf(pid) === shell)) continue;
    const words = wordsOf(pid);
    const reader = readerIn(words);
    if (reader !== undefined) return { reader, starting };
    starting ||= words.join("\0") === shellWords;
  }
  return { starting };
}

function processes(): string[] {
  try {
    return Array.from(Deno.readDirSync("/proc"), ({ name }) => name).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function wordsOf(pid: string): string[] {
  return procText(`/proc/${pid}/cmdline`)?.split("\0") ?? [];
}

function parentOf(pid: string): number | undefined {
  return parseStat(procText(`/proc/${pid}/stat`) ?? "")?.ppid;
}

function procText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined; // it has ended
  }
}

/** `perf report` in the words of `sudo perf --no-pager report -i -`; undefined where there is nothing alike. */
export function readerIn(words: readonly string[]): string | undefined {
  const all = words.flatMap((word) => word.split(/\s+/)); // ssh takes a command line as one word
  for (const [i, word] of all.entries()) {
    const program = PROGRAM.exec(word);
    if (!program) continue;
    const command = all.slice(i + 1).find((word) => !word.startsWith("-"));
    if (command === undefined || !READERS.has(command)) continue;
    const name = word.slice(word.lastIndexOf("/") + 1);
    return `${name.startsWith("main.") ? "pmuctl" : name} ${command}`;
  }
  return undefined;
}
