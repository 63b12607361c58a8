/** The profile as pprof has it: a gzipped `perftools.profiles.Profile` (github.com/google/pprof, proto/profile.proto). */

import { gzipSync } from "node:zlib";
import {
  type FunctionInput,
  type LabelInput,
  type LocationInput,
  Profile as PprofProfile,
  type SampleInput,
  StringTable,
} from "pprof-format";
import { addressToBigint } from "../base/address.ts";
import { isClock, type Profile, totalPeriod } from "../profile/profile.ts";
import { sampledEvents } from "../profile/table.ts";
import { pprofMappings } from "./pprof_mappings.ts";

/**
 * One profile of all events. Its values, by event: `samples` in `count` (with several events `samples_EVENT`), and
 * `EVENT` in `nanoseconds` (the clock events) or `count`, the periods; the first event's periods are the default.
 * Stacks are told apart by process and thread, which are in the labels `pid`, `tid`, `thread` and `process`.
 * Where source lines were looked up, locations have them. What has no symbol is a location without a function, which pprof shows by its mapping. The addresses are those of
 * `pprofMappings`. Warnings, the command and the machine are comments.
 */
export function renderPprof(profile: Profile): Uint8Array {
  const strings = new StringTable();
  const text = (value: string) => strings.dedup(value);
  const events = sampledEvents(profile);
  const { mappings, base } = pprofMappings(profile);
  const { locations, functions } = locationsOf(profile, base, text);
  const { meta } = profile;
  const types = events.flatMap((event) => {
    const { name } = profile.events[event];
    return [
      { type: text(events.length === 1 ? "samples" : `samples_${name}`), unit: text("count") },
      { type: text(name), unit: text(isClock(profile.events[event]) ? "nanoseconds" : "count") },
    ];
  });
  const [, main] = types;
  const encoded = new PprofProfile({
    sampleType: types,
    sample: samplesOf(profile, events, text),
    mapping: mappings.map(({ object, start, limit, path, buildId, symbolized }) => ({
      id: object + 1,
      memoryStart: start,
      memoryLimit: limit,
      filename: text(path),
      buildId: text(buildId),
      hasFunctions: symbolized,
      hasLineNumbers: symbolized && profile.lines !== undefined,
    })),
    location: locations,
    function: functions,
    stringTable: strings,
    timeNanos: meta.wallStart < 0 ? 0 : BigInt(Math.round(meta.wallStart * 1e6)),
    durationNanos: meta.seconds < 0 ? 0 : Math.round(meta.seconds * 1e9),
    periodType: main,
    period: meanPeriod(profile, events[0]),
    comment: commentsOf(profile).map(text),
    defaultSampleType: main?.type,
  });
  return gzipSync(encoded.encode());
}

/** One for each thread and stack, with all values; ids are rows plus one. */
function samplesOf(
  profile: Profile,
  events: readonly number[],
  text: (value: string) => number,
): SampleInput[] {
  const { samples, stacks } = profile;
  const column = new Map(events.map((event, i) => [event, 2 * i]));
  const labels = labelsOf(profile, text);
  const byThread = new Map<number, SampleInput & { value: number[] }>();
  const threads = profile.threads.pid.length;
  for (let row = 0; row < samples.count.length; row++) {
    const at = column.get(samples.event[row]);
    if (at === undefined) continue;
    const thread = samples.thread[row];
    const key = samples.stack[row] * threads + thread;
    let sample = byThread.get(key);
    if (!sample) {
      const locationId: number[] = [];
      for (let stack = samples.stack[row]; stack >= 0; stack = stacks.parent[stack]) {
        locationId.push(stacks.frame[stack] + 1);
      }
      sample = { locationId, value: new Array(2 * events.length).fill(0), label: labels[thread] };
      byThread.set(key, sample);
    }
    sample.value[at] += samples.count[row];
    sample.value[at + 1] += samples.period[row];
  }
  return [...byThread.values()];
}

function labelsOf(profile: Profile, text: (value: string) => number): LabelInput[][] {
  const { threads, processes, comms } = profile;
  const processComm = new Map(Array.from(processes.pid, (pid, row) => [pid, comms[processes.comm[row]]]));
  return Array.from(threads.pid, (pid, row) => [
    { key: text("process"), str: text(processComm.get(pid)!) },
    { key: text("thread"), str: text(comms[threads.comm[row]]) },
    { key: text("pid"), num: pid },
    { key: text("tid"), num: threads.tid[row] },
  ]);
}

/**
 * A location for each frame, and the functions they are in: one for each symbol, and where lines are known one for
 * each source file that code of it is from, for inlined code is from other files.
 */
function locationsOf(
  { frames, symbols, objects, lines }: Profile,
  base: Float64Array,
  text: (value: string) => number,
): { locations: LocationInput[]; functions: FunctionInput[] } {
  const functions: FunctionInput[] = [];
  const known = new Map<string, number>();
  const functionOf = (symbol: number, file: string): number => {
    const key = `${symbol} ${file}`;
    let id = known.get(key);
    if (id === undefined) {
      // no name for the linker: with one that is the same, pprof would shorten ours as if it were mangled
      id = functions.push({
        id: functions.length + 1,
        name: text(symbols.name[symbol]),
        filename: text(file),
      });
      known.set(key, id);
    }
    return id;
  };
  const locations = Array.from(frames.object, (object, frame): LocationInput => {
    const symbol = frames.symbol[frame], line = lines?.ofFrame[frame] ?? -1;
    const address = frames.address[frame] + (object >= 0 ? base[object] : 0);
    return {
      id: frame + 1,
      mappingId: object + 1,
      address: address >= 0 ? address : addressToBigint(address),
      line: symbol < 0 ? [] : line < 0
        // the object in place of a file tells functions of one name apart
        ? [{ functionId: functionOf(symbol, objects[object].path) }]
        : [{ functionId: functionOf(symbol, lines!.paths[lines!.file[line]]), line: lines!.line[line] }],
    };
  });
  return { locations, functions };
}

/** What a sample of this event stands for on average. */
function meanPeriod(profile: Profile, event: number | undefined): number {
  const { samples } = profile;
  let count = 0;
  for (let row = 0; row < samples.count.length; row++) {
    if (samples.event[row] === event) count += samples.count[row];
  }
  return count > 0 ? Math.round(totalPeriod(profile, event) / count) : 0;
}

function commentsOf({ meta, events }: Profile): string[] {
  const machine = [meta.host, meta.kernel, meta.arch, meta.cpu].filter((part) => part !== "");
  return [
    ...(meta.command ? [`command: ${meta.command}`] : []),
    ...(machine.length > 0 ? [`machine: ${machine.join(", ")}`] : []),
    ...events.filter(({ tracksOnly }) => !tracksOnly).map(({ name, rate }) => `event: ${name}, ${rate}`),
    ...(meta.lost > 0 ? [`lost: ${meta.lost}`] : []),
    ...meta.warnings.map((warning) => `warning: ${warning}`),
  ];
}
