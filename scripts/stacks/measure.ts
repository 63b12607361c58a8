/** Records a program with each recorder in turn, and counts the whole stacks. */

import { TextLineStream } from "@std/streams";
import { breakOf, isWhole, printStack, type RootCode, type Stack, StackReader } from "./judge.ts";
import { type Program, SERVER_SECONDS, type Target } from "./program.ts";
import { FREQUENCY, hasOffsets, type Recorder, scriptArgv } from "./recorders.ts";

/** Fewest samples that a share is worth something of; with fewer, a line says so. */
const MIN_SAMPLES = 2000;
/** How often a perf is measured again, and how far behind the best it then is, as a share of all samples. */
const MAX_REPEATS = 2, ODD = 0.1;
/** How often a recorder may fail. */
const MAX_TRIES = 5;
/** A recorder that takes longer has gone wrong. */
const LIMIT = ["timeout", "-k", "5", "90"];

/** A kind of broken stack. */
export interface Break {
  count: number;
  /** The first one of them. */
  example: string;
}

/** How a recorder did on a program. */
export interface Share {
  recorder: string;
  /** Samples with a part in user space, and those whose stack is whole. */
  samples: number;
  whole: number;
  /** Samples without one. */
  withoutUser: number;
  /** Size of the file in bytes. */
  size: number;
  breaks: Map<string, Break>;
  /** Why it failed; then there are no samples. */
  failure?: string;
}

/** All recorders on a program. */
export interface Row {
  program: string;
  what: string;
  shares: Share[];
}

/** Measures a program. Throws Error where it cannot be built, or pmuctl fails. */
export async function measure(
  program: Program,
  all: readonly Recorder[],
  folder: string,
  code: RootCode,
): Promise<Row> {
  const target = await program.make(folder);
  try {
    const shares: Share[] = [];
    for (const recorder of all) {
      try {
        shares.push(await measureOne(recorder, program, target, folder, code));
      } catch (error) {
        if (!(error instanceof Error) || !recorder.name.startsWith("perf")) throw error;
        shares.push({ ...emptyShare(recorder), failure: error.message.split("\n")[0] });
        console.error(`${program.name}: ${recorder.name} failed: ${error.message}`);
      }
    }
    await repeatOddOnes(shares, (i) => measureOne(all[i], program, target, folder, code));
    return { program: program.name, what: program.what, shares };
  } finally {
    await target.stop?.();
  }
}

/**
 * Measures a perf again that is far behind the other, and keeps what is better: perf 6.1 finds no call frame information of a
 * library in one run of a few, for no reason that the file shows.
 */
async function repeatOddOnes(shares: Share[], again: (i: number) => Promise<Share>): Promise<void> {
  const isPerf = ({ recorder }: Share) => recorder.startsWith("perf");
  const best = Math.max(...shares.filter(isPerf).map(wholeShare));
  for (const i of shares.keys()) {
    for (let left = MAX_REPEATS; left > 0 && isPerf(shares[i]) && !shares[i].failure; left--) {
      if (wholeShare(shares[i]) > best - ODD) break;
      const repeated = await again(i);
      if (wholeShare(repeated) > wholeShare(shares[i])) shares[i] = repeated;
    }
  }
}

function emptyShare({ name }: Recorder): Share {
  return { recorder: name, samples: 0, whole: 0, withoutUser: 0, size: 0, breaks: new Map() };
}

function wholeShare({ samples, whole }: Share): number {
  return samples > 0 ? whole / samples : 0;
}

async function measureOne(
  recorder: Recorder,
  { name, comms, leavesMaps }: Program,
  target: Target,
  folder: string,
  code: RootCode,
): Promise<Share> {
  const file = `${folder}/perf.data`;
  const [pid, stderr] = await recordWhole(recorder, target, file);
  const share = emptyShare(recorder);
  try {
    share.size = Deno.statSync(file).size;
  } catch {
    throw new Error(`${recorder.name} recorded nothing: ${stderr.trim()}`);
  }
  const pids = new Set<number>();
  const take = (stack: Stack) => {
    if (leavesMaps) pids.add(stack.pid);
    if (stack.pid === pid || (comms && !comms.test(stack.comm))) return;
    share.samples++;
    if (isWhole(stack, code)) share.whole++;
    else addBreak(share, stack);
  };
  share.withoutUser = await readStacks(recorder, file, take);
  Deno.removeSync(file);
  for (const each of pids) removeMap(each);
  if (share.samples < MIN_SAMPLES) {
    console.error(
      `${name}: ${recorder.name} has ${share.samples} samples only: ${stderr.trim() || "it ran too shortly"}`,
    );
  }
  return share;
}

/** Runs a recorder until it ends by itself, since a perf may abort now and then. Returns its pid and what it said. */
async function recordWhole(recorder: Recorder, target: Target, file: string): Promise<[number, string]> {
  let said = "";
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { pid, stderr, signal } = await record(recorder, target, file);
    if (signal === null) return [pid, stderr];
    said = `${recorder.name} was ended by ${signal}: ${stderr.trim()}`;
    console.error(said);
  }
  throw new Error(said);
}

/** Runs a recorder once. */
async function record({ argv, seconds }: Recorder, { command = [], pids, isSystem }: Target, file: string) {
  const event = isSystem ? "cpu-clock" : "cpu-clock:u";
  const target = pids ? ["-p", pids.join(","), ...seconds(SERVER_SECONDS)] : ["--", ...command];
  const options = ["-e", event, "-F", String(FREQUENCY), "-o", file, ...isSystem ? ["-a"] : []];
  // the shell becomes the recorder, and has said its pid
  const child = new Deno.Command("sh", {
    args: ["-c", 'echo $$ && exec "$@" >/dev/null', "sh", ...argv, ...options, ...target],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { stdout, stderr, signal } = await child.output();
  return { pid: Number(decoder.decode(stdout)), stderr: decoder.decode(stderr), signal };
}

const decoder = new TextDecoder();

/** Reads all samples of a file; returns how many have no part in user space. */
async function readStacks({ reader }: Recorder, file: string, take: (stack: Stack) => void): Promise<number> {
  const [command, ...args] = [...LIMIT, ...scriptArgv(reader, file)];
  const child = new Deno.Command(command, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const said = new Response(child.stderr).text();
  const stacks = new StackReader(take, hasOffsets(reader));
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) stacks.line(line);
  stacks.end();
  const { success } = await child.status;
  if (!success) throw new Error(`perf ${reader.version} script failed: ${(await said).trim()}`);
  return stacks.withoutUser;
}

function addBreak({ breaks }: Share, stack: Stack): void {
  const kind = breakOf(stack), known = breaks.get(kind);
  if (known) known.count++;
  else breaks.set(kind, { count: 1, example: printStack(stack) });
}

/** Removes the file in which a process named the code it made. */
function removeMap(pid: number): void {
  try {
    Deno.removeSync(`/tmp/perf-${pid}.map`);
  } catch {
    // the shell that starts it has none
  }
}
