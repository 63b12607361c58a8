/** Facts of many recordings as those of one. */

import { counted } from "../../base/text/plural.ts";
import type { ProfileLedger, ProfileMeta, ProfileStacks } from "../../profile/model/profile.ts";
import type { LedgerCounts } from "../../perfdata/own/session_info.ts";
import type { DatasetRecording } from "./recordings.ts";

/** Times of the samples in microseconds since 1970: Infinity and -Infinity if none has one. */
export interface SampleTimes {
  first: number;
  last: number;
}

/** Most warnings, and most notes, of many recordings. */
const MAX_WARNINGS = 20;

/** Returns what a report says of these recordings, of which `times` are those of the samples to show. */
export function mergedMeta(
  recordings: readonly DatasetRecording[],
  { first, last }: SampleTimes,
): ProfileMeta {
  const metas = recordings.map(({ meta }) => meta);
  const timed = first <= last;
  const one = (values: readonly string[], noun: string) => {
    const different = new Set(values);
    return different.size === 1 ? values[0] : counted(different.size, noun);
  };
  const cpus = new Set(metas.map(({ cpus }) => cpus));
  const sampling = new Map(
    metas.flatMap(({ sampling }) => sampling.map((each) => [JSON.stringify(each), each])),
  );
  const ledger = mergedLedger(metas.map(({ ledger }) => ledger));
  const stacks = mergedStacks(metas.flatMap(({ stacks }) => stacks ?? []));
  return {
    command: one(metas.map(({ command }) => command), "command"),
    host: one(recordings.map(({ host }) => host), "host"),
    kernel: one(metas.map(({ kernel }) => kernel), "kernel"),
    arch: one(metas.map(({ arch }) => arch), "architecture"),
    cpu: one(metas.map(({ cpu }) => cpu), "kind of CPU").replace(/CPUs$/, "CPU"),
    cpus: cpus.size === 1 ? metas[0].cpus : -1,
    seconds: timed ? (last - first) / 1e6 : -1,
    start: timed ? BigInt(first) * 1000n : -1n,
    end: timed ? BigInt(last) * 1000n : -1n,
    wallStart: timed ? first / 1000 : -1,
    sampling: [...sampling.values()],
    callChains: metas.some(({ callChains }) => callChains),
    ...stacks ? { stacks } : {},
    lost: metas.some(({ lost }) => lost < 0) ? -1 : metas.reduce((sum, { lost }) => sum + lost, 0),
    ledger,
    warnings: mergedTexts(metas.map(({ warnings }) => warnings), "warning"),
    notes: mergedTexts(metas.map(({ notes }) => notes), "note"),
  };
}

/** Lists texts, each once, and says of how many recordings each is. */
function mergedTexts(lists: readonly string[][], noun: string): string[] {
  const counts = new Map<string, number>();
  for (const text of lists.flatMap((list) => [...new Set(list)])) {
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const all = [...counts].sort((a, b) => b[1] - a[1]);
  const texts = all.slice(0, MAX_WARNINGS).map(([text, count]) => `${counted(count, "recording")}: ${text}`);
  const left = all.length - texts.length;
  return left > 0 ? [...texts, `and ${counted(left, `more ${noun}`)} of these recordings`] : texts;
}

/** Adds up the ledgers. Rows of CPUs stay with the recordings: a CPU of one machine is none of another. */
function mergedLedger(ledgers: readonly ProfileLedger[]): ProfileLedger {
  const total: LedgerCounts = { sample: 0 };
  for (const { total: each } of ledgers) {
    for (const [name, count] of Object.entries(each)) {
      if (name !== "cpu" && count !== undefined) total[name] = (total[name] ?? 0) + count;
    }
  }
  const unfinished = ledgers.flatMap(({ unfinished }) => unfinished ?? []);
  return {
    from: ledgers.every(({ from }) => from === "recorder") ? "recorder" : "records",
    rows: [],
    total,
    ...unfinished.length > 0
      ? { unfinished: { atLeast: unfinished.reduce((sum, { atLeast }) => sum + atLeast, 0) } }
      : {},
  };
}

/** Adds up how many stacks are whole, and why others are not. */
function mergedStacks(all: readonly ProfileStacks[]): ProfileStacks | undefined {
  if (all.length === 0) return undefined;
  const cut = new Map<string, ProfileStacks["cut"][number]>();
  for (const each of all.flatMap(({ cut }) => cut)) {
    const key = JSON.stringify([each.reason, each.cause, each.frame, each.object]), known = cut.get(key);
    if (known) known.samples += each.samples;
    else cut.set(key, { ...each });
  }
  return {
    unwound: all.reduce((sum, { unwound }) => sum + unwound, 0),
    whole: all.reduce((sum, { whole }) => sum + whole, 0),
    cut: [...cut.values()].sort((a, b) => b.samples - a.samples),
  };
}
