/** Detection of the reader of standard output: whether the next program of the pipeline accepts recordings. */

import { parseStat } from "../base/text/proc_text.ts";

/** Names of `pmuctl` and `perf`, also with an architecture or a version, and of the program in the launcher's runtime. */
const PROGRAM = /(?:^|\/)(?:pmuctl(?:[-_.][\w.-]+)?|perf(?:[-_.]?\d[\w.]*)?|main\.(?:js|ts))$/;
/** Their commands that read a recording. */
const READERS: ReadonlySet<string> = new Set(
  "report analyze bundle annotate script inject diff data evlist buildid-list c2c mem sched lock timechart kvm"
    .split(" "),
);
/**
 * Longest wait for a shell to start the next program of the pipeline, in ms: while its fork runs, or is ready to, which a busy
 * machine may draw out; and once it sleeps, as a loop that reads the pipe itself does.
 */
const RUNNING_TIMEOUT_MS = 5000, SLEEPING_TIMEOUT_MS = 300;
/** Interval between two checks for it, in ms. */
const POLL_MS = 10;

/**
 * Returns the command, such as `pmuctl report`, when standard output is a pipe that it reads. Returns undefined for any
 * other reader, such as `tee` or the log of a CI system, where a recording would be noise.
 */
export async function recordingReader(): Promise<string | undefined> {
  const pipe = pipeAt("self", 1);
  if (pipe === undefined) return undefined;
  for (let waited = 0;; waited += POLL_MS) {
    const { reader, patience } = readersOf(pipe);
    if (reader !== undefined || waited >= patience) return reader;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Returns the pipe behind a process's descriptor; undefined when it is not a pipe, "" when that may not be seen. */
function pipeAt(pid: string, fd: number): string | undefined {
  try {
    const target = Deno.readLinkSync(`/proc/${pid}/fd/${fd}`);
    return target.startsWith("pipe:[") ? target : undefined;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied ? "" : undefined;
  }
}

/**
 * Looks for a reader of the pipe that accepts recordings; else says how many ms to wait in all, as a reader may be a fork
 * of the shell that has not started its program.
 */
function readersOf(pipe: string): { reader?: string; patience: number } {
  const shell = Deno.ppid, shellWords = wordsOf(String(shell)).join("\0");
  let patience = 0;
  for (const pid of processes()) {
    if (pid === String(Deno.pid) || pid === String(shell)) continue;
    const reads = pipeAt(pid, 0);
    // processes of root, under sudo, may not be inspected: then take the shell's next child in the pipeline
    if (reads !== pipe && !(reads === "" && parentOf(pid) === shell)) continue;
    const words = wordsOf(pid);
    const reader = readerIn(words);
    if (reader !== undefined) return { reader, patience };
    if (words.join("\0") !== shellWords && words.length > 0) continue;
    const isAsleep = parseStat(procText(`/proc/${pid}/stat`) ?? "")?.state === "S";
    patience = Math.max(patience, isAsleep ? SLEEPING_TIMEOUT_MS : RUNNING_TIMEOUT_MS);
  }
  return { patience };
}

function processes(): string[] {
  try {
    return Array.from(Deno.readDirSync("/proc"), ({ name }) => name).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function wordsOf(pid: string): string[] {
  return procText(`/proc/${pid}/cmdline`)?.split("\0").filter((word, i) => i > 0 || word !== "") ?? [];
}

function parentOf(pid: string): number | undefined {
  return parseStat(procText(`/proc/${pid}/stat`) ?? "")?.ppid;
}

function procText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined; // the process has ended
  }
}

/** Returns `perf report` for the words `sudo perf --no-pager report -i -`; undefined when they run no such command. */
export function readerIn(words: readonly string[]): string | undefined {
  const all = words.flatMap((word) => word.split(/\s+/)); // ssh takes a command line as one word
  for (const [i, word] of all.entries()) {
    const program = PROGRAM.exec(word);
    if (!program) continue;
    const command = all.slice(i + 1).find((word) => !word.startsWith("-"));
    if (command === undefined || !READERS.has(command)) continue;
    const name = word.slice(word.lastIndexOf("/") + 1);
    return `${/^(?:main\.|pmuctl)/.test(name) ? "pmuctl" : name} ${command}`;
  }
  return undefined;
}
