/** Records a program with each recorder in turn, and counts the whole stacks. */

import { TextLineStream } from "@std/streams";
import { breakOf, isWhole, printStack, type RootCode, type Stack, StackReader } from "./judge.ts";
import type { Program, Target } from "./program.ts";
import { FREQUENCY, hasOffsets, type Recorder, scriptArgv } from "./recorders.ts";

/** Fewest samples that a share is worth something of; with fewer, a line says so. */
const FEWEST_SAMPLES = 2000;
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
}

/** All recorders on a program. */
export interface Row {
  program: string;
  what: string;
  shares: Share[];
}

/** Measures a program. Throws Error where it cannot be built, or a recorder fails. */
export async function measure(
  program: Program,
  all: readonly Recorder[],
  folder: string,
  code: RootCode,
): Promise<Row> {
  const target = await program.make(folder);
  try {
    const shares: Share[] = [];
    for (const recorder of all) shares.push(await measureOne(recorder, program, target, folder, code));
    return { program: program.name, what: program.what, shares };
  } finally {
    await target.stop?.();
  }
}

async function measureOne(
  recorder: Recorder,
  { name, comms, leavesMaps }: Program,
  target: Target,
  folder: string,
  code: RootCode,
): Promise<Share> {
  const file = `${folder}/perf.data`;
  const [pid, stderr] = await record(recorder, target, file);
  const share: Share = {
    recorder: recorder.name,
    samples: 0,
    whole: 0,
    withoutUser: 0,
    size: 0,
    breaks: new Map(),
  };
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
  if (share.samples < FEWEST_SAMPLES) {
    console.error(
      `${name}: ${recorder.name} has ${share.samples} samples only: ${
        stderr.trim() || "the machine is busy"
      }`,
    );
  }
  return share;
}

/** Runs a recorder to its end; returns its pid and what it said. */
async function record(
  { argv }: Recorder,
  { args }: Target,
  file: string,
): Promise<[pid: number, stderr: string]> {
  const event = args.includes("-a") ? "cpu-clock" : "cpu-clock:u";
  const [command, ...rest] = [...argv, "-e", event, "-F", String(FREQUENCY), "-o", file, ...args];
  // the shell becomes the recorder, and has said its pid
  const child = new Deno.Command("sh", {
    args: ["-c", 'echo $$ && exec "$@" >/dev/null', "sh", command, ...rest],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { stdout, stderr } = await child.output();
  return [Number(decoder.decode(stdout)), decoder.decode(stderr)];
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
