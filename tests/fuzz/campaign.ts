/**
 * Many inputs in child processes, watched from outside: an input that hangs, aborts the process or takes too much
 * memory is a failure like any other, and the process is replaced.
 */

import type { Target } from "./target.ts";
import type { Job, Told, Word } from "./child.ts";
import { IDLE, PlaceWriter, readPlace } from "./place.ts";
import { kindOf, LIMITS, type Limits } from "./oracle.ts";

export interface Failure extends Omit<Told, "bytes" | "smaller"> {
  target: string;
  /** The input, and a smaller one that fails in the same way; absent of an input that ended its process. */
  bytes?: Uint8Array;
  smaller?: Uint8Array;
  /** It ended its process when it had one for itself, too; undefined of what needs no proof. */
  again?: boolean;
}

/** What came of a target. */
export interface Figures {
  inputs: number;
  cpuMs: number;
  failures: number;
}

/** What a campaign has to know of a target. */
export type Share = Pick<Target, "name" | "weight" | "count" | "cpuMs">;

export interface Campaign {
  targets: readonly Share[];
  /** The number of each target's first input. */
  seed: number;
  /** Inputs of all targets together. */
  count: number;
  /** Processes at a time. */
  jobs: number;
  /** Ends early once this many seconds have passed. */
  seconds?: number;
  limits?: Limits;
  /** The module that has the targets. */
  module?: string;
  /** Told of the first failure of each kind and of those that ended a process. */
  onFailure?(failure: Failure): void;
  /** Told of the figures so far, now and then. */
  onProgress?(figures: ReadonlyMap<string, Figures>): void;
}

const ROOT = new URL("../../", import.meta.url).pathname;
const MODULE = new URL("./targets.ts", import.meta.url).pathname;
const POLL_MS = 100;
/** An input is ended from outside after so many times the CPU time that it may take: up to that it tells of itself. */
const PATIENCE = 5;
/** Inputs given to a process at once. */
const MAX_AT_ONCE = 5000;

/** Runs the inputs; resolves to the figures by target, and to all failures of a new kind. */
export async function fuzz(
  campaign: Campaign,
): Promise<{ figures: Map<string, Figures>; failures: Failure[] }> {
  const run = new Run(campaign);
  await Promise.all(Array.from({ length: campaign.jobs }, () => run.work()));
  return { figures: run.figures, failures: run.failures };
}

export interface ReplayOptions {
  limits?: Limits;
  module?: string;
  /** Makes a failing input smaller. */
  smaller?: boolean;
  /** The target's own, as Target has it. */
  cpuMs?: number;
}

/** Has one process take an input, made or given; resolves to how it failed. */
export async function replay(
  target: string,
  input: { seed: number } | { bytes: Uint8Array },
  { limits = LIMITS, module = MODULE, smaller = false, cpuMs }: ReplayOptions = {},
): Promise<Failure | undefined> {
  const child = await Child.start(module, limits);
  try {
    const given = "bytes" in input ? { seed: 0, bytes: input.bytes.toBase64() } : input;
    const failures: Failure[] = [];
    const { ended } = await child.run({ target, count: 1, ...given, minimise: smaller, cpuMs }, (told) => {
      failures.push(failureOf(target, told));
    });
    return ended ?? failures[0];
  } finally {
    await child.end();
  }
}

function failureOf(target: string, { bytes, smaller, ...told }: Told): Failure {
  const decode = (text: string | undefined) => text === undefined ? undefined : Uint8Array.fromBase64(text);
  return { target, ...told, bytes: decode(bytes), smaller: decode(smaller) };
}

/** A campaign under way: what is still to be given out, and what came of the rest. */
class Run {
  readonly figures: Map<string, Figures>;
  readonly failures: Failure[] = [];
  readonly #campaign: Campaign;
  readonly #shares: (Share & { next: number; left: number })[];
  readonly #kinds = new Set<string>();
  readonly #stopAt: number;

  constructor(campaign: Campaign) {
    this.#campaign = campaign;
    const { targets, count, seed, seconds = Infinity } = campaign;
    this.#stopAt = performance.now() + seconds * 1000;
    const whole = targets.reduce((sum, { weight }) => sum + weight, 0);
    this.#shares = targets.map((target) => ({
      ...target,
      next: seed,
      left: target.count ?? Math.max(1, Math.round(count * target.weight / whole)),
    }));
    this.figures = new Map(targets.map(({ name }) => [name, { inputs: 0, cpuMs: 0, failures: 0 }]));
  }

  /** One process's share of the work, and its successors'. */
  async work(): Promise<void> {
    const { limits = LIMITS, module = MODULE } = this.#campaign;
    let child: Child | undefined;
    try {
      for (let job; (job = this.#nextJob()) !== undefined;) {
        child ??= await Child.start(module, limits);
        const { done, cpuMs, leaving, ended } = await child.run(
          job,
          (told) => this.#fail(failureOf(job.target, told)),
        );
        const figures = this.figures.get(job.target)!;
        figures.inputs += done;
        figures.cpuMs += cpuMs;
        this.#giveBack(job, done);
        if (ended) this.#fail({ ...ended, again: await this.#failsAlone(ended) });
        if (ended || leaving) {
          await child.end();
          child = undefined;
        }
        this.#campaign.onProgress?.(this.figures);
      }
    } finally {
      await child?.end();
    }
  }

  /** The next inputs: of the target that is furthest behind its share. */
  #nextJob(): Job | undefined {
    if (performance.now() > this.#stopAt) return undefined;
    const { seed } = this.#campaign;
    const open = this.#shares.filter(({ left }) => left > 0);
    if (open.length === 0) return undefined;
    const behind = open.reduce((a, b) => (a.next - seed) / a.weight <= (b.next - seed) / b.weight ? a : b);
    const count = Math.min(behind.left, MAX_AT_ONCE);
    const job = { target: behind.name, seed: behind.next, count, minimise: true, cpuMs: behind.cpuMs };
    behind.next += count;
    behind.left -= count;
    return job;
  }

  /** Takes back what a process has not come to: the next one to have it is another turn. */
  #giveBack({ target, seed, count }: Job, done: number): void {
    const share = this.#shares.find(({ name }) => name === target)!;
    if (done === count) return;
    if (share.next === seed + count) {
      share.next = seed + done;
      share.left += count - done;
    } else { // another process has what comes behind it
      this.#shares.push({ ...share, next: seed + done, left: count - done });
    }
  }

  #fail(failure: Failure): void {
    const { target, seed, why } = failure;
    this.figures.get(target)!.failures++;
    const isCounted = this.#campaign.targets.find(({ name }) => name === target)?.count !== undefined;
    const kind = `${target} ${isCounted ? seed : kindOf(why)}`;
    if (this.#kinds.has(kind)) return;
    this.#kinds.add(kind);
    this.failures.push(failure);
    this.#campaign.onFailure?.(failure);
  }

  /** Whether an input ends a process that it has for itself, too: what it met may have been of those before it. */
  async #failsAlone({ target, seed }: Failure): Promise<boolean> {
    const { limits, module } = this.#campaign;
    const cpuMs = this.#shares.find(({ name }) => name === target)?.cpuMs;
    return await replay(target, { seed }, { limits, module, cpuMs }) !== undefined;
  }
}

/** What came of a job. */
interface Outcome {
  /** Inputs that are over, with that which ended the process. */
  done: number;
  cpuMs: number;
  leaving: boolean;
  /** The input that ended the process. */
  ended?: Failure;
}

/** A child process, and the watch over it. */
class Child {
  readonly #process: Deno.ChildProcess;
  /** For all files of the process, too. */
  readonly #folder: string;
  readonly #placePath: string;
  readonly #limits: Limits;
  readonly #words: AsyncGenerator<Word>;
  readonly #errors: Promise<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #pid = 0;

  private constructor(module: string, limits: Limits) {
    this.#limits = limits;
    this.#folder = Deno.makeTempDirSync({ prefix: "pmuctl-fuzz-" });
    this.#placePath = `${this.#folder}/place`;
    const heapMb = limits.rssBytes >> 20;
    this.#process = new Deno.Command(`${ROOT}scripts/deno`, {
      args: [
        "run",
        "-A",
        "-q",
        `--v8-flags=--max-old-space-size=${heapMb}`,
        `${ROOT}tests/fuzz/child.ts`,
        module,
        this.#placePath,
        JSON.stringify(limits),
      ],
      env: { TMPDIR: this.#folder },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#words = wordsOf(this.#process.stdout);
    this.#errors = tailOf(this.#process.stderr);
    this.#input = this.#process.stdin.getWriter();
  }

  /** Starts one; resolves once it can take inputs. */
  static async start(module: string, limits: Limits): Promise<Child> {
    const child = new Child(module, limits);
    const { value } = await child.#words.next();
    if (value === undefined || !("ready" in value)) {
      throw new Error(`the process for inputs did not start: ${await child.#errors}`);
    }
    child.#pid = value.ready;
    return child;
  }

  /** Has it take inputs; resolves when all are over, or it has ended. */
  async run(job: Job, onFailure: (told: Told) => void): Promise<Outcome> {
    new PlaceWriter(this.#placePath).set(IDLE);
    const watch = new Watch(this.#pid, this.#placePath, {
      ...this.#limits,
      ...(job.cpuMs === undefined ? {} : { cpuMs: job.cpuMs / PATIENCE }),
    });
    const cpuBefore = usageOf(this.#pid)?.cpuMs ?? 0;
    const timer = setInterval(() => watch.look(), POLL_MS);
    try {
      await this.#input.write(new TextEncoder().encode(JSON.stringify(job) + "\n")).catch(() => {});
      for (;;) {
        const { value } = await this.#words.next();
        if (value === undefined) break;
        if ("failed" in value) onFailure(value.failed);
        else if ("done" in value) return value;
      }
    } finally {
      clearInterval(timer);
    }
    const at = readPlace(this.#placePath);
    const seed = at === IDLE ? job.seed : at;
    const { code, signal } = await this.#process.status;
    const why = watch.stopped ?? `the process ended with ${signal ?? code}: ${await this.#errors}`;
    const bytes = job.bytes === undefined ? undefined : Uint8Array.fromBase64(job.bytes);
    return {
      done: seed - job.seed + 1,
      cpuMs: watch.cpuMs - cpuBefore,
      leaving: true,
      ended: { target: job.target, seed, made: "", why, bytes },
    };
  }

  async end(): Promise<void> {
    await this.#input.close().catch(() => {});
    stop(this.#pid);
    await this.#process.status;
    await this.#words.return(undefined);
    await this.#errors;
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

function stop(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // it has ended
  }
}

/** Watches over one job. */
class Watch {
  /** Why it was ended. */
  stopped?: string;
  /** CPU time that the process had when it was last seen. */
  cpuMs = 0;
  readonly #pid: number;
  readonly #path: string;
  readonly #limits: Limits;
  #seen = IDLE;
  #seenAt = performance.now();
  #seenCpu = Infinity;

  constructor(pid: number, path: string, limits: Limits) {
    this.#pid = pid;
    this.#path = path;
    this.#limits = limits;
  }

  /** Ends the process when an input takes too much. It measures itself too, so this is for what does not come back. */
  look(): void {
    const usage = usageOf(this.#pid);
    if (usage === undefined || this.stopped !== undefined) return;
    const limits = this.#limits;
    this.cpuMs = usage.cpuMs;
    const place = readPlace(this.#path), now = performance.now();
    if (place !== this.#seen) [this.#seen, this.#seenAt, this.#seenCpu] = [place, now, usage.cpuMs];
    else if (place === IDLE) return;
    const took = usage.cpuMs - this.#seenCpu, waited = now - this.#seenAt;
    if (usage.rssBytes > limits.rssBytes) this.stopped = `the process came to ${usage.rssBytes >> 20} MiB`;
    else if (took > PATIENCE * limits.cpuMs) this.stopped = `it did not come back within ${took} ms of CPU`;
    else if (waited > limits.waitMs && took < waited / 10) {
      this.stopped = `it did not come back within ${waited.toFixed(0)} ms`;
    }
    if (this.stopped) stop(this.#pid);
  }
}

const TICK_MS = 10;
const PAGE = 4096;

/** CPU time and memory of a process; undefined when it is gone. */
function usageOf(pid: number): { cpuMs: number; rssBytes: number } | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // behind the name: state is field 3, utime and stime are 14 and 15, rss is 24
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      cpuMs: TICK_MS * (Number(fields[14 - 3]) + Number(fields[15 - 3])),
      rssBytes: PAGE * Number(fields[24 - 3]),
    };
  } catch {
    return undefined;
  }
}

async function* wordsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Word> {
  let text = "";
  for await (
    const chunk of stream.pipeThrough(
      new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>,
    )
  ) {
    text += chunk;
    for (let end; (end = text.indexOf("\n")) >= 0;) {
      yield JSON.parse(text.slice(0, end));
      text = text.slice(end + 1);
    }
  }
}

/** The end of what a stream has, once it is over, on one line. */
async function tailOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text = (text + new TextDecoder().decode(chunk)).slice(-2000);
  return text.trim().replace(/\s+/g, " ").slice(-300);
}
