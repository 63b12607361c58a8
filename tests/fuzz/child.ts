/**
 * The process that inputs are given to, one after the other: what one of them does to it, hang, abort or eat memory,
 * ends this process and not the fuzzer. Started by campaign.ts with the module of the targets, the file for its place
 * and its limits; takes a Job a line on standard input, and says a Word a line on standard output.
 */

import { currentRss, judge, kindOf, type Limits, meterAllocations, peakRss } from "./oracle.ts";
import { minimise } from "./mutate/minimise.ts";
import { IDLE, PlaceWriter } from "./place.ts";
import { type Input, inputOf, type Target } from "./target.ts";

/** Inputs of one target. */
export interface Job {
  target: string;
  /** The number of the first one. */
  seed: number;
  count: number;
  /** Bytes in base64 to be taken in place of made inputs. */
  bytes?: string;
  /** CPU time in ms after which an input is ended from outside, if not the usual. */
  cpuMs?: number;
  /** Makes what fails smaller. */
  minimise?: boolean;
}

/** A failure, in words and in bytes. */
export interface Told {
  seed: number;
  made: string;
  why: string;
  /** The input in base64. */
  bytes: string;
  /** A smaller one that fails in the same way. */
  smaller?: string;
}

/**
 * What it says: that it is ready; a failure; or that a job is over, all of it unless it took long. `leaving`: the process
 * is to be replaced, since the memory that it has, or once had, cannot be told from that of what comes next.
 */
export type Word = { ready: number } | { failed: Told } | { done: number; cpuMs: number; leaving: boolean };

/** A job ends early after so many ms, so that others have their turn. */
const TURN_MS = 2000;

/** Time between two looks at the memory of the process. */
const LOOK_EVERY_MS = 50;

const [module, placePath, limitsJson] = Deno.args;
const limits: Limits = JSON.parse(limitsJson);
meterAllocations(); // before anything keeps a constructor for itself, as the decompressor does when it is loaded
const { allTargets }: { allTargets(): Promise<Target[]> } = await import(module);
const targets = new Map((await allTargets()).map((target) => [target.name, target]));
const place = new PlaceWriter(placePath);
const encoder = new TextEncoder();
function say(word: Word): void {
  const bytes = encoder.encode(JSON.stringify(word) + "\n");
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** Failures so far, by target and kind. */
const kinds = new Set<string>();

async function runJob({ target: name, seed, count, bytes, minimise: toMinimise }: Job): Promise<void> {
  const target = targets.get(name)!;
  const given = bytes === undefined ? undefined : Uint8Array.fromBase64(bytes);
  const stopAt = performance.now() + TURN_MS, cpuBefore = process.cpuUsage();
  let done = 0, leaving = false, lookedAt = performance.now();
  while (done < count && (done === 0 || performance.now() < stopAt) && !leaving) {
    place.set(seed + done);
    const input = given ? { bytes: given, made: "given" } : inputOf(target, seed + done);
    const why = await judge(target, input, limits);
    if (why !== undefined) {
      const kind = `${name} ${kindOf(why)}`;
      const smaller = toMinimise && !kinds.has(kind) ? await smallerOf(target, input, why) : undefined;
      kinds.add(kind);
      say({ failed: { seed: seed + done, made: input.made, why, bytes: input.bytes.toBase64(), smaller } });
      leaving = peakRss() > limits.rssBytes;
    }
    done++;
    // what earlier inputs had is not all given back to the system, and is not to be laid to the next one
    if (done === count || performance.now() - lookedAt > LOOK_EVERY_MS) {
      lookedAt = performance.now();
      leaving ||= currentRss() > limits.rssBytes / 2;
    }
  }
  place.set(IDLE);
  const { user, system } = process.cpuUsage(cpuBefore);
  say({ done, cpuMs: (user + system) / 1000, leaving });
}

/** A smaller input, in base64, of an error that was thrown; undefined where there is none, or for another kind of failure. */
async function smallerOf(target: Target, input: Input, why: string): Promise<string | undefined> {
  const kind = kindOf(why);
  if (!why.includes("\n    at ") || input.check) return undefined;
  const smaller = await minimise(input.bytes, async (bytes) => {
    const why = await judge(target, { bytes, made: "smaller" }, limits);
    return why !== undefined && kindOf(why) === kind;
  });
  return smaller.length < input.bytes.length ? smaller.toBase64() : undefined;
}

say({ ready: Deno.pid });
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
let text = "";
for await (const chunk of lines) {
  text += chunk;
  for (let end; (end = text.indexOf("\n")) >= 0;) {
    const line = text.slice(0, end);
    text = text.slice(end + 1);
    await runJob(JSON.parse(line));
  }
}
