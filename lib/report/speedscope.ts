/** The profile as speedscope reads it (speedscope.app/file-format-schema.json), its `sampled` kind. */

import { VERSION } from "../base/version.ts";
import { type PathTree, pathTree } from "../profile/path_tree.ts";
import { placesOf } from "../profile/places.ts";
import { isClock, type Profile } from "../profile/profile.ts";
import { sampledEvents } from "../profile/table.ts";
import { frameName } from "./frame_names.ts";
import { threadList } from "./thread_list.ts";

/** Up to so many samples are written in the order of time; of more, a browser could not open the file. */
const MOST_IN_ORDER = 200_000;

/** Stacks (rows of the tree) and what each weighs, in the order they are shown. */
interface Sequence {
  stack: number[];
  weight: number[];
}

interface SampledProfile {
  type: "sampled";
  name: string;
  unit: "nanoseconds" | "none";
  startValue: number;
  endValue: number;
  samples: number[][];
  weights: number[];
}

/**
 * For each event a profile of all threads, then one of each, heaviest first. Weights are periods: ns for the clock
 * events, else events. Samples are in the order of time, alike ones in a row made one; without times, or where
 * there are more than 200,000, each stack is there once, heaviest first, which says nothing of when.
 */
export function renderSpeedscope(profile: Profile): string {
  const { frames, objects, meta } = profile;
  const places = placesOf(profile, "symbol");
  // frames of what is in a stack; places are more
  const frameOf = new Int32Array(places.symbol.length).fill(-1);
  const shared: { name: string; file: string }[] = [];
  for (let frame = 0; frame < frames.object.length; frame++) {
    const place = places.ofFrame[frame];
    if (frameOf[place] >= 0) continue;
    const object = places.object[place];
    const file = object >= 0 ? objects[object].path : "[unknown]";
    frameOf[place] = shared.push({ name: frameName(profile, places, place), file }) - 1;
  }
  const tree = pathTree(profile, places.ofFrame.map((place) => frameOf[place]));
  const profiles = sampledEvents(profile).flatMap((event) => profilesOf(profile, event, tree));
  return JSON.stringify({
    $schema: "https://www.speedscope.app/file-format-schema.json",
    name: meta.command || "pmuctl",
    activeProfileIndex: 0,
    exporter: `pmuctl ${VERSION}`,
    shared: { frames: shared },
    profiles,
  });
}

function profilesOf(profile: Profile, event: number, tree: PathTree): SampledProfile[] {
  const { threads, ofRow } = threadList(profile);
  const title = (thread: number) => {
    const { pid, tid, name, process } = threads[thread];
    return pid === tid ? `${name} (${pid})` : `${name} (${tid} of ${process} ${pid})`;
  };
  const all: Sequence = { stack: [], weight: [] };
  const byThread = new Map<number, Sequence>();
  for (const [row, weight] of inOrder(profile, event)) {
    const thread = ofRow[profile.samples.thread[row]], stack = tree.ofStack[profile.samples.stack[row]];
    let sequence = byThread.get(thread);
    if (!sequence) byThread.set(thread, sequence = { stack: [], weight: [] });
    append(sequence, stack, weight);
    append(all, stack, weight);
  }
  const unit = isClock(profile.events[event]) ? "nanoseconds" : "none";
  const { name: eventName } = profile.events[event];
  const made = [...byThread].map(([thread, sequence]) =>
    sampled(`${eventName}: ${title(thread)}`, unit, sequence, tree)
  );
  made.sort((a, b) => b.endValue - a.endValue);
  return [sampled(`${eventName}: all threads`, unit, all, tree), ...made];
}

/** Row of `samples` and weight: of each sample in the order of time, or of each row, heaviest first. */
function* inOrder({ samples, times }: Profile, event: number): Generator<[number, number]> {
  let total = 0;
  for (const count of samples.count) total += count;
  if (times && times.at.length === total && total <= MOST_IN_ORDER) {
    for (let i = 0; i < times.at.length; i++) {
      const row = times.sample[i];
      if (samples.event[row] === event) yield [row, times.period[i]];
    }
    return;
  }
  const rows = [...samples.count.keys()].filter((row) => samples.event[row] === event);
  for (const row of rows.sort((a, b) => samples.period[b] - samples.period[a])) {
    yield [row, samples.period[row]];
  }
}

function append({ stack, weight }: Sequence, node: number, by: number) {
  const last = stack.length - 1;
  if (stack[last] === node) weight[last] += by;
  else {
    stack.push(node);
    weight.push(by);
  }
}

function sampled(
  name: string,
  unit: SampledProfile["unit"],
  { stack, weight }: Sequence,
  { parent, what }: PathTree,
): SampledProfile {
  const samples = stack.map((leaf) => {
    const path: number[] = [];
    for (let node = leaf; node >= 0; node = parent[node]) path.push(what[node]);
    return path.reverse();
  });
  const endValue = weight.reduce((sum, one) => sum + one, 0);
  return { type: "sampled", name, unit, startValue: 0, endValue, samples, weights: weight };
}
