/**
 * Prints samples one by one, as `perf script` does (process_event() of the kernel's tools/perf/builtin-script.c), so that
 * scripts which read that can read this:
 *
 *     postgres  4711 [001] 12345.678901:     250000 cpu-clock:  55d0c8a4e0b2 hash_search+0x52 (/usr/lib/postgresql/15/bin/postgres)
 *
 * With call chains a line for each caller follows, and an empty line.
 */

import { hexAddress } from "../../base/bytes/address.ts";
import { greatest } from "../../base/bytes/lists.ts";
import { UsageError } from "../../base/system/errors.ts";
import type { Profile } from "../../profile/model/profile.ts";
import { printable } from "../../base/text/printable.ts";
import { printedProfile } from "../shared/printed.ts";
import { Utf8Pieces } from "../shared/utf8_pieces.ts";
import { ChainLines } from "./chain_lines.ts";

/** Fields of a sample, in the order in which they are printed. */
export const SCRIPT_FIELDS = [
  "comm",
  "pid",
  "tid",
  "cpu",
  "time",
  "period",
  "event",
  "trace",
  "ip",
  "sym",
  "symoff",
  "dso",
  "srcline",
] as const;
/** One of SCRIPT_FIELDS. */
export type ScriptField = typeof SCRIPT_FIELDS[number];

/** Fields that are printed by default, where the recording has them. */
export const DEFAULT_SCRIPT_FIELDS: readonly ScriptField[] = SCRIPT_FIELDS.filter((field) =>
  field !== "pid" && field !== "srcline"
);

/** Options of renderScript(). */
export interface ScriptOptions {
  fields: ReadonlySet<ScriptField>;
  /** Fields that were asked for by name: it is an error if the recording does not have one. */
  named: ReadonlySet<ScriptField>;
  /** Print the innermost frame alone, in the sample's line. */
  hideCallers?: boolean;
  /** Print times to the nanosecond, rather than the microsecond. */
  nanoseconds?: boolean;
  /** Print times since the first sample, or since the one before; the recording's clock by default. */
  since?: "first" | "previous";
}

const NS_PER_SECOND = 1_000_000_000;
const UNKNOWN = "[unknown]";

/**
 * Returns the fields of `perf script`'s -F: a list of names, or changes to the default ones: `+srcline,-period`. Throws
 * UsageError.
 */
export function parseScriptFields(text: string): Pick<ScriptOptions, "fields" | "named"> {
  const words = text.split(",").map((word) => word.trim());
  const changes = words.some((word) => /^[+-]/.test(word));
  const fields = new Set<ScriptField>(changes ? DEFAULT_SCRIPT_FIELDS : []), named = new Set<ScriptField>();
  for (const word of words) {
    const [, sign, name] = /^([+-]?)(.*)$/.exec(word)!;
    const field = SCRIPT_FIELDS.find((each) => each === name);
    if (changes && sign === "") {
      throw new UsageError(`-F ${text}: '${word}' has no sign, others have: give + or - to all, or to none`);
    }
    if (field === undefined) {
      throw new UsageError(`-F ${text}: '${name}' is no field: expected any of ${SCRIPT_FIELDS.join(", ")}`);
    }
    if (sign === "-") fields.delete(field);
    else {
      fields.add(field);
      named.add(field);
    }
  }
  if (fields.size === 0) throw new UsageError(`-F ${text}: no field is left: name at least one`);
  return { fields, named };
}

/**
 * Yields the samples in order of time, in pieces. The profile must have times, of samples without one too, and places
 * (LoadOptions), and lines for `srcline`. Throws UsageError where samples do not have what was asked for by name.
 */
export function* renderScript(loaded: Profile, options: ScriptOptions): Generator<Uint8Array> {
  const profile = printedProfile(loaded), { samples, times } = profile;
  if (!times) throw new Error("renderScript() needs the times of the samples");
  const fields = fieldsOf(profile, options);
  const callers = profile.meta.callChains && !options.hideCallers;
  const head = headOf(profile, fields, callers);
  const pieces = new Utf8Pieces();
  const places = placesOf(profile, { fields, callers, pieces });
  const clock = clockOf(profile, options), hasTime = fields.has("time");
  const texts = fields.has("trace") ? times.texts : undefined;
  for (let i = 0; i < times.at.length; i++) {
    const row = times.sample[i], event = samples.event[row];
    const { who, name, weighs } = head(row, event);
    const time = hasTime && !Number.isNaN(times.at[i]) ? `${clock(times.at[i])}: ` : "";
    const trace = texts === undefined ? "" : printable(texts[i]);
    pieces.add(who + time + (weighs ? `${times.period[i].toString().padStart(10)} ${name}` : name) + trace);
    places(samples.stack[row], event);
    if (pieces.isFull) yield pieces.take();
  }
  yield pieces.take();
}

/** Returns a function that formats a time in ns since the profile's start as seconds. Called in order of time. */
function clockOf({ meta }: Profile, { nanoseconds, since }: ScriptOptions): (at: number) => string {
  const start = meta.start < 0n || since !== undefined ? 0n : meta.start, ns = BigInt(NS_PER_SECOND);
  const seconds = Number(start / ns), rest = Number(start % ns);
  let previous = 0;
  return (at) => {
    const time = rest + at - previous, whole = Math.floor(time / NS_PER_SECOND);
    if (since === "previous") previous = at;
    const second = `${seconds + whole}`, below = time - whole * NS_PER_SECOND;
    return nanoseconds
      ? `${second.padStart(5)}.${below.toString().padStart(9, "0")}`
      : `${second}.${Math.floor(below / 1000).toString().padStart(6, "0")}`.padStart(12);
  };
}

/** Returns the fields to print, without those that the recording does not have. Throws UsageError. */
function fieldsOf(profile: Profile, { fields, named, since }: ScriptOptions): ReadonlySet<ScriptField> {
  const { samples, lines, times } = profile;
  const left = new Set(fields);
  if (!samples.cpu.some((cpu) => cpu >= 0)) left.delete("cpu");
  if (!times?.at.some((time) => time >= 0)) left.delete("time");
  if (!lines) left.delete("srcline");
  if (samples.cpu.length === 0) return left;
  for (const field of named) {
    if (fields.has(field) && !left.has(field)) {
      throw new UsageError(`-F ${field}: the samples in this recording have none: leave it out`);
    }
  }
  if (since !== undefined && fields.has("time") && !left.has("time")) {
    const option = since === "first" ? "--reltime" : "--deltatime";
    throw new UsageError(`${option}: the samples in this recording have no times: leave it out`);
  }
  return left;
}

/** Beginning of a sample's line. */
interface Head {
  /** Name and ids of the thread, and the CPU. */
  who: string;
  /** Name of the event. */
  name: string;
  /** Whether its period is printed. */
  weighs: boolean;
}

function headOf(
  profile: Profile,
  fields: ReadonlySet<ScriptField>,
  callers: boolean,
): (row: number, event: number) => Head {
  const { samples, threads, comms, events } = profile;
  const width = greatest([0, ...events.map(({ name }) => name.length)]);
  const hasChain = callers && fields.has("ip");
  const comm = (thread: number) => {
    const name = comms[threads.comm[thread]];
    return hasChain ? `${name} ` : `${name.padStart(16)} `;
  };
  const ids = (thread: number) => {
    const pid = threads.pid[thread].toString(), tid = threads.tid[thread].toString();
    if (fields.has("pid") && fields.has("tid")) return `${pid.padStart(7)}/${tid.padEnd(7)} `;
    return fields.has("pid") ? `${pid.padStart(7)} ` : fields.has("tid") ? `${tid.padStart(7)} ` : "";
  };
  const ofThread = Array.from(
    threads.pid,
    (_, thread) => (fields.has("comm") ? comm(thread) : "") + ids(thread),
  );
  const ofEvent = events.map(({ name, isTracepoint }) => ({
    name: fields.has("event") ? `${name.padStart(width)}: ` : "",
    weighs: fields.has("period") && !isTracepoint,
  }));
  return (row, event) => {
    const thread = ofThread[samples.thread[row]], cpu = samples.cpu[row];
    const who = fields.has("cpu") && cpu >= 0 ? `${thread}[${cpu.toString().padStart(3, "0")}] ` : thread;
    return { who, ...ofEvent[event] };
  };
}

/** Returns a function that prints the places of a stack: one in the sample's line, or a call chain below it. */
function placesOf(
  profile: Profile,
  { fields, callers, pieces }: { fields: ReadonlySet<ScriptField>; callers: boolean; pieces: Utf8Pieces },
): (stack: number, event: number) => void {
  const { stacks: { frame: frameOf }, events } = profile;
  const place = placeOf(profile, fields), known: (Uint8Array | undefined)[] = [];
  if (!fields.has("ip") && !fields.has("sym")) return () => pieces.add("\n");
  if (!callers) {
    return (stack, event) => {
      if (events[event].isTracepoint) return pieces.add("\n");
      const frame = outermost(profile, frameOf[stack]);
      pieces.addEncoded(known[frame] ??= pieces.encode(` ${place(frame)}\n`));
    };
  }
  const chains = new ChainLines(profile, (frame) => `\t${place(frame)}\n`, pieces);
  return (stack) => {
    pieces.add("\n");
    chains.add(stack);
    pieces.add("\n");
  };
}

/** Returns the frame of the function with code of its own that an inlined function's code is in: perf prints only that. */
function outermost({ frames: { inlinedInto } }: Profile, frame: number): number {
  while (inlinedInto !== undefined && inlinedInto[frame] >= 0) frame = inlinedInto[frame];
  return frame;
}

/** Returns a function that prints a frame: `ffffffff8158c3e1 next_uptodate_folio+0xc1 ([kernel.kallsyms])`. */
function placeOf(profile: Profile, fields: ReadonlySet<ScriptField>): (frame: number) => string {
  const { frames, symbols, objects, lines } = profile;
  const { ip = frames.address, offset, inlinedInto } = frames;
  return (frame) => {
    const object = frames.object[frame], symbol = frames.symbol[frame], parts: string[] = [];
    const isMissing = object >= 0 && objects[object].kind === "missing";
    if (fields.has("ip")) parts.push((isMissing ? "" : hexAddress(ip[frame])).padStart(16));
    if (fields.has("sym")) {
      const bytes = fields.has("symoff") && offset && offset[frame] >= 0 && !isMissing
        ? `+0x${offset[frame].toString(16)}`
        : "";
      parts.push(symbol >= 0 ? symbols.name[symbol] + bytes : UNKNOWN);
    }
    if (inlinedInto !== undefined && inlinedInto[frame] >= 0) parts.push("(inlined)");
    else if (fields.has("dso") && !isMissing) parts.push(`(${object >= 0 ? objects[object].path : UNKNOWN})`);
    const text = parts.join(" ");
    if (!fields.has("srcline") || !lines || object < 0 || isMissing) return text;
    const line = lines.ofFrame[frame];
    // addr2line's answer where there is none
    if (line < 0) return `${text}\n  ??:0`;
    const path = lines.paths[lines.file[line]];
    return `${text}\n  ${path.slice(path.lastIndexOf("/") + 1)}:${lines.line[line]}`;
  };
}
