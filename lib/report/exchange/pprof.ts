/**
 * Renders the profile for pprof: a gzipped `perftools.profiles.Profile` (github.com/google/pprof,
 * proto/profile.proto).
 */

import { lostText } from "../../perfdata/format/ledger.ts";
import { gzipSync } from "node:zlib";
import { addressToBigint } from "../../base/bytes/address.ts";
import {
  countingSort,
  processNames,
  type Profile,
  sampleCount,
  totalPeriod,
  weightUnit,
} from "../../profile/model/profile.ts";
import { ProfileQuery, type SampleCounts } from "../../profile/query/query.ts";
import { StackTable } from "../../profile/model/tables.ts";
import { pprofMappings } from "./pprof_mappings.ts";
import { ProtoWriter } from "./proto.ts";
import { stacksText } from "../shared/stacks_text.ts";

/** Field numbers of Profile. */
const SAMPLE_TYPE = 1, SAMPLE = 2, MAPPING = 3, LOCATION = 4, FUNCTION = 5, STRING_TABLE = 6;
const TIME_NANOS = 9,
  DURATION_NANOS = 10,
  PERIOD_TYPE = 11,
  PERIOD = 12,
  COMMENT = 13,
  DEFAULT_SAMPLE_TYPE = 14;
/** Field numbers of messages inside Profile. */
const VALUE_TYPE = { type: 1, unit: 2 };
const SAMPLE_OF = { location: 1, value: 2, label: 3 };
const LABEL = { key: 1, text: 2, number: 3 };
const MAPPING_OF = {
  id: 1,
  start: 2,
  limit: 3,
  file: 5,
  buildId: 6,
  hasFunctions: 7,
  hasLines: 9,
  hasInlineFrames: 10,
};
const LOCATION_OF = { id: 1, mapping: 2, address: 3, line: 4 };
const LINE = { function: 1, line: 2 };
const FUNCTION_OF = { id: 1, name: 2, file: 4 };

/** Table of distinct texts. The first is empty. */
class Texts {
  readonly all = [""];
  readonly #rows = new Map([["", 0]]);

  of(text: string): number {
    let row = this.#rows.get(text);
    if (row === undefined) this.#rows.set(text, row = this.all.push(text) - 1);
    return row;
  }
}

/**
 * Renders one profile of all events. Its values are, for each event, `samples` in `count` (with several events
 * `samples_EVENT`), and the periods as `EVENT` in `nanoseconds` (clock events) or `count`. The first event's periods
 * are the default.
 *
 * Stacks are distinguished by process and thread, which are in the labels `pid`, `tid`, `thread` and `process`.
 * Locations have source lines if these were resolved, and a line for each inlined function. Code without a symbol has a function named as in all other
 * formats, `libfoo.so+0x1a40`. Addresses are those of `pprofMappings`. Warnings, the command and the machine are
 * comments. Throws UsageError if there are too many events.
 */
export function renderPprof(profile: Profile): Uint8Array {
  const { meta } = profile;
  const out = new ProtoWriter(), texts = new Texts();
  const query = new ProfileQuery(profile), events = query.columnEvents();
  const types = events.flatMap((event): [string, string][] => {
    const { name } = profile.events[event];
    return [
      [events.length === 1 ? "samples" : `samples_${name}`, "count"],
      [name, weightUnit(profile.events[event].name) === "ns" ? "nanoseconds" : "count"],
    ];
  });
  const type = ([name, unit]: [string, string]) => (inner: ProtoWriter) =>
    inner.number(VALUE_TYPE.type, texts.of(name)).number(VALUE_TYPE.unit, texts.of(unit));
  for (const each of types) out.message(SAMPLE_TYPE, type(each));
  writeSamples(profile, events, texts, out);
  const { mappings, base } = pprofMappings(profile);
  for (const { object, start, limit, path, buildId, symbolized } of mappings) {
    out.message(MAPPING, (inner) => {
      inner.number(MAPPING_OF.id, object + 1).number(MAPPING_OF.start, start).number(MAPPING_OF.limit, limit);
      inner.number(MAPPING_OF.file, texts.of(path)).number(MAPPING_OF.buildId, texts.of(buildId));
      inner.number(MAPPING_OF.hasFunctions, symbolized ? 1 : 0);
      inner.number(MAPPING_OF.hasLines, symbolized && profile.lines !== undefined ? 1 : 0);
      inner.number(
        MAPPING_OF.hasInlineFrames,
        symbolized && profile.frames.inlinedInto !== undefined ? 1 : 0,
      );
    });
  }
  writeLocations(query.by(["sym"]), base, texts, out);
  out.number(TIME_NANOS, meta.wallStart < 0 ? 0 : BigInt(Math.round(meta.wallStart * 1e6)));
  out.number(DURATION_NANOS, meta.seconds < 0 ? 0 : Math.round(meta.seconds * 1e9));
  if (types.length > 1) {
    out.message(PERIOD_TYPE, type(types[1]));
    out.number(DEFAULT_SAMPLE_TYPE, texts.of(types[1][0]));
  }
  out.number(PERIOD, meanPeriod(profile, events[0]));
  out.numbers(COMMENT, commentsOf(profile).map((comment) => texts.of(comment)));
  for (const text of texts.all) out.text(STRING_TABLE, text);
  return gzipSync(out.bytes());
}

/** Writes a sample for each thread and stack, with the values of all events. */
function writeSamples(profile: Profile, events: readonly number[], texts: Texts, out: ProtoWriter): void {
  const { samples, threads, comms } = profile;
  const column = new Int32Array(profile.events.length).fill(-1);
  events.forEach((event, i) => column[event] = 2 * i);
  const own = Int32Array.from(samples.stack.keys()).filter((row) => column[samples.event[row]] >= 0);
  const pairs = new StackTable(); // a thread under a stack
  const pairOf = own.map((row) => pairs.intern(samples.stack[row], samples.thread[row]));
  const { order, ends } = countingSort(pairOf, pairs.parent.length);
  const values = new Float64Array(2 * events.length);
  const processName = processNames(profile);
  const label = (key: string, text: string, number: number) => (inner: ProtoWriter) =>
    inner.number(LABEL.key, texts.of(key)).number(LABEL.text, texts.of(text)).number(LABEL.number, number);
  for (let pair = 0, i = 0; pair < ends.length; pair++) {
    values.fill(0);
    for (; i < ends[pair]; i++) {
      const row = own[order[i]], at = column[samples.event[row]];
      values[at] += samples.count[row];
      values[at + 1] += samples.period[row];
    }
    const thread = pairs.frame.data[pair], pid = threads.pid[thread];
    out.message(SAMPLE, (inner) => {
      inner.numbers(SAMPLE_OF.location, locationIds(profile, pairs.parent.data[pair]));
      inner.numbers(SAMPLE_OF.value, values);
      inner.message(SAMPLE_OF.label, label("process", processName(pid), 0));
      inner.message(SAMPLE_OF.label, label("thread", comms[threads.comm[thread]], 0));
      inner.message(SAMPLE_OF.label, label("pid", "", pid));
      inner.message(SAMPLE_OF.label, label("tid", "", threads.tid[thread]));
    });
  }
}

/** Yields the ids of a stack's locations, innermost first. */
function* locationIds({ stacks: { parent, frame }, frames }: Profile, leaf: number): Generator<number> {
  const { inlinedInto } = frames;
  let isInlined = false;
  for (let stack = leaf; stack >= 0; stack = parent[stack]) {
    if (!isInlined) yield frame[stack] + 1;
    isInlined = inlinedInto !== undefined && inlinedInto[frame[stack]] >= 0;
  }
}

/**
 * Writes a location for each frame, and their functions: one per place, and, where lines are known, one per source
 * file of the place's code, since inlined code comes from other files. Frames of inlined functions and of what they were
 * inlined into are lines of one location, that of the innermost.
 */
function writeLocations(
  counts: SampleCounts,
  base: Float64Array,
  texts: Texts,
  out: ProtoWriter,
): void {
  const { profile: { frames, objects, lines }, places } = counts;
  const { inlinedInto } = frames;
  const functions = new StackTable(); // a file under a place
  const writeLine = (frame: number, inner: ProtoWriter) => {
    const line = lines?.ofFrame[frame] ?? -1;
    // Without a file, the object distinguishes functions of the same name.
    const file = line < 0 ? objects[frames.object[frame]]?.path ?? "" : lines!.paths[lines!.file[line]];
    const id = functions.intern(places.ofFrame[frame], texts.of(file)) + 1;
    inner.message(LOCATION_OF.line, (inner) => {
      inner.number(LINE.function, id).number(LINE.line, line < 0 ? 0 : lines!.line[line]);
    });
  };
  const isInner = new Uint8Array(frames.object.length).fill(1);
  inlinedInto?.forEach((into) => {
    if (into >= 0) isInner[into] = 0;
  });
  for (let frame = 0; frame < frames.object.length; frame++) {
    if (isInner[frame] === 0) continue;
    const object = frames.object[frame];
    const address = frames.address[frame] + (object >= 0 ? base[object] : 0);
    out.message(LOCATION, (inner) => {
      inner.number(LOCATION_OF.id, frame + 1).number(LOCATION_OF.mapping, object + 1);
      inner.number(LOCATION_OF.address, address >= 0 ? address : addressToBigint(address));
      for (let at = frame; at >= 0; at = inlinedInto === undefined ? -1 : inlinedInto[at]) {
        writeLine(at, inner);
      }
    });
  }
  for (let row = 0; row < functions.parent.length; row++) {
    out.message(FUNCTION, (inner) => {
      // No system name: if it equals the name, pprof shortens the name as if it were mangled.
      inner.number(FUNCTION_OF.id, row + 1);
      inner.number(FUNCTION_OF.name, texts.of(counts.nameOf(functions.parent.data[row])));
      inner.number(FUNCTION_OF.file, functions.frame.data[row]);
    });
  }
}

/** Returns the mean period of an event's samples. */
function meanPeriod(profile: Profile, event: number | undefined): number {
  const count = event === undefined ? 0 : sampleCount(profile, event);
  return count > 0 ? Math.round(totalPeriod(profile, event) / count) : 0;
}

function commentsOf({ meta, events }: Profile): string[] {
  const machine = [meta.host, meta.kernel, meta.arch, meta.cpu].filter((part) => part !== "");
  return [
    ...(meta.command ? [`command: ${meta.command}`] : []),
    ...(machine.length > 0 ? [`machine: ${machine.join(", ")}`] : []),
    ...events.filter(({ tracksOnly }) => !tracksOnly).map(({ name, rate }) => `event: ${name}, ${rate}`),
    ...(meta.lost === 0 ? [] : [`lost: ${lostText(meta.ledger)}`]),
    ...(meta.stacks ? [`stacks: ${stacksText(meta.stacks)}`] : []),
    ...meta.warnings.map((warning) => `warning: ${warning}`),
    ...meta.notes.map((note) => `note: ${note}`),
  ];
}
