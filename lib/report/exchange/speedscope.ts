/** Renders the profile for speedscope, as its `sampled` kind (speedscope.app/file-format-schema.json). */

import { VERSION } from "../../base/system/version.ts";
import { countingSort, type Profile, sampleCount, weightUnit } from "../../profile/model/profile.ts";
import { type PathTree, ProfileQuery } from "../../profile/query/query.ts";
import { JsonList, JsonNumbers, jsonPieces } from "../json/json_pieces.ts";
import { threadList } from "../shared/thread_list.ts";

/** Maximum number of samples written in order of time. With more, browsers could not open the file. */
const MAX_ORDERED_SAMPLES = 200_000;

/** Samples in display order. */
interface Sequence {
  /** Row of `profile.samples` of each. */
  row: Int32Array;
  weight: Float64Array;
}

/**
 * Yields the JSON in pieces: for each event a profile of all threads, then one per thread, heaviest first. Weights
 * are periods: ns for the clock events, else events.
 *
 * Samples are in order of time, with equal neighbours merged. Without times, or with more than 200,000 samples, each
 * stack occurs once, heaviest first, which says nothing about time.
 */
export function renderSpeedscope(profile: Profile): Generator<string> {
  const { frames, objects, meta } = profile;
  const query = new ProfileQuery(profile), counts = query.by(["sym"]), { places } = counts;
  // Only frames that occur in stacks; there are more places.
  const frameOf = new Int32Array(places.symbol.length).fill(-1);
  const shared: number[] = [];
  for (let frame = 0; frame < frames.object.length; frame++) {
    const place = places.ofFrame[frame];
    if (frameOf[place] < 0) frameOf[place] = shared.push(place) - 1;
  }
  const tree = query.paths(places.ofFrame.map((place) => frameOf[place]));
  return jsonPieces({
    $schema: "https://www.speedscope.app/file-format-schema.json",
    name: meta.command || "pmuctl",
    activeProfileIndex: 0,
    exporter: `pmuctl ${VERSION}`,
    shared: {
      frames: shared.map((place) => {
        const object = places.object[place];
        return {
          name: counts.nameOf(place),
          file: object >= 0 ? objects[object].path : "[unknown]",
        };
      }),
    },
    profiles: new JsonList(profilesOf(query, tree)),
  });
}

function* profilesOf(query: ProfileQuery, tree: PathTree): Generator<unknown> {
  const { profile } = query, { samples, events } = profile;
  const { threads, ofRow } = threadList(profile);
  const title = (thread: number) => {
    const { pid, tid, name, process } = threads[thread];
    return pid === tid ? `${name} (${pid})` : `${name} (${tid} of ${process} ${pid})`;
  };
  const sequence = inOrder(profile);
  const eventOf = sequence.row.map((row) => samples.event[row]);
  const threadOf = sequence.row.map((row) => ofRow[samples.thread[row]]);
  const byEvent = countingSort(eventOf, events.length);
  const byThread = countingSort(threadOf, threads.length).order;
  const ofThreads = countingSort(byThread.map((at) => eventOf[at]), events.length).order.map((i) =>
    byThread[i]
  );
  for (const event of query.sampledEvents()) {
    const from = event > 0 ? byEvent.ends[event - 1] : 0, to = byEvent.ends[event];
    const unit = weightUnit(events[event].name) === "ns" ? "nanoseconds" : "none";
    const made = (name: string, places: Int32Array) =>
      sampled(`${events[event].name}: ${name}`, unit, merged(profile, tree, sequence, places), tree);
    yield made("all threads", byEvent.order.subarray(from, to));
    const parts = runsOf(ofThreads.subarray(from, to), (at) => threadOf[at]).map((places) => ({
      places,
      total: places.reduce((sum, at) => sum + sequence.weight[at], 0),
    }));
    for (const { places } of parts.sort((a, b) => b.total - a.total)) {
      yield made(title(threadOf[places[0]]), places);
    }
  }
}

/** Returns runs of neighbouring `places` for which `what` is equal. */
function runsOf(places: Int32Array, what: (place: number) => number): Int32Array[] {
  const runs: Int32Array[] = [];
  for (let from = 0, to = 1; from < places.length; from = to++) {
    while (to < places.length && what(places[to]) === what(places[from])) to++;
    runs.push(places.subarray(from, to));
  }
  return runs;
}

/** Returns the samples in order of time, or else the rows of samples, heaviest first. */
function inOrder(profile: Profile): Sequence {
  const { times, samples: { period } } = profile;
  const total = sampleCount(profile);
  if (times && times.at.length === total && total <= MAX_ORDERED_SAMPLES) {
    return { row: times.sample, weight: times.period };
  }
  const row = Int32Array.from(period.keys()).sort((a, b) => period[b] - period[a]);
  return { row, weight: Float64Array.from(row, (row) => period[row]) };
}

/** Returns stacks, as rows of the tree, and weights of the samples at these places, with equal neighbours merged. */
function merged({ samples }: Profile, { ofStack }: PathTree, { row, weight }: Sequence, places: Int32Array) {
  const stacks = new Int32Array(places.length), weights = new Float64Array(places.length);
  let count = 0;
  for (const at of places) {
    const stack = ofStack[samples.stack[row[at]]];
    if (count === 0 || stacks[count - 1] !== stack) stacks[count++] = stack;
    weights[count - 1] += weight[at];
  }
  return { stacks: stacks.subarray(0, count), weights: weights.subarray(0, count) };
}

function sampled(
  name: string,
  unit: "nanoseconds" | "none",
  { stacks, weights }: ReturnType<typeof merged>,
  { parent, what }: PathTree,
) {
  const path = (leaf: number): number[] => {
    const frames: number[] = [];
    for (let node = leaf; node >= 0; node = parent[node]) frames.push(what[node]);
    return frames.reverse();
  };
  return {
    type: "sampled",
    name,
    unit,
    startValue: 0,
    endValue: weights.reduce((sum, weight) => sum + weight, 0),
    samples: new JsonList(stacks, path),
    weights: new JsonNumbers(weights),
  };
}
