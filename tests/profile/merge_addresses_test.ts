/** A report's shortcut, one frame for all addresses of a symbol, changes nothing that it shows. */

import { assert, assertEquals } from "@std/assert";
import { FileBytes } from "../../lib/base/files/file_bytes.ts";
import { ProfileQuery } from "../../lib/profile/query/query.ts";
import { loadProfile } from "../../lib/profile/load/load.ts";
import type { LoadOptions } from "../../lib/profile/request/load_options.ts";
import { type Profile, sampleCount, unresolvedByWeight } from "../../lib/profile/model/profile.ts";
import { tableRows } from "../../lib/profile/query/table.ts";
import { renderFolded } from "../../lib/report/exchange/folded.ts";
import { whole } from "../report/whole.ts";
import type { SymbolFiles } from "../../lib/symbols/files/symbol_files.ts";

/** A list whose symbols are 4 KiB apart, so that many addresses share one; no program is there. */
const kernel: SymbolFiles = {
  open: () => undefined,
  kallsyms() {
    const line = (_: unknown, i: number) =>
      `ffffffff${(0x81000000 + i * 0x1000).toString(16)} T function_${i}\n`;
    return new TextEncoder().encode(Array.from({ length: 0x2000 }, line).join(""));
  },
};

const FLAT: LoadOptions = { leafOnly: true, mergeCpus: true, mergeThreads: true };

async function load(file: string, options: LoadOptions): Promise<Profile> {
  const input = FileBytes.tryOpen(new URL(`../testdata/perfdata/${file}`, import.meta.url).pathname)!;
  return await loadProfile(input, kernel, options);
}

/** Command, object, symbol, samples and period of every row, in an order of their own. */
function rowsOf(profile: Profile): string[] {
  const counts = new ProfileQuery(profile).by(["comm", "dso", "sym"]);
  return profile.events.flatMap((_, event) =>
    tableRows(profile, counts, [event], { children: false, selfOnly: true }).map(
      ({ group, place, self }) => {
        const object = profile.objects[counts.places.object[place]]?.name;
        const { comm } = counts.valuesOf(group);
        const { count, period } = self[0];
        return [event, comm, object, counts.nameOf(place), count, period].join(" ");
      },
    )
  ).sort();
}

for (const file of ["callgraph.data", "two_events.data", "compressed.data", "clock.data", "pipe.data"]) {
  Deno.test(`loadProfile() of ${file} with a frame for each symbol has the rows of that with one for each address`, async () => {
    const apart = await load(file, FLAT), merged = await load(file, { ...FLAT, mergeAddresses: true });
    assertEquals(rowsOf(merged), rowsOf(apart));
    assertEquals(sampleCount(merged), sampleCount(apart));
    assertEquals(unresolvedByWeight(merged), unresolvedByWeight(apart));
    assert(merged.frames.object.length <= apart.frames.object.length);
  });
}

for (const file of ["callgraph.data", "two_events.data", "compressed.data", "clock.data", "pipe.data"]) {
  Deno.test(`the stacks of ${file} are the same with a frame for each symbol as with one for each address`, async () => {
    const apart = await load(file, {}), merged = await load(file, { mergeAddresses: true });
    for (const weight of ["period", "samples"] as const) {
      const folded = (profile: Profile) => whole(renderFolded(profile, { weight, marks: true }));
      assertEquals(folded(merged), folded(apart));
    }
    assertEquals(unresolvedByWeight(merged), unresolvedByWeight(apart));
  });
}

Deno.test("loadProfile() with a frame for each symbol has fewer than with one for each address", async () => {
  for (const options of [FLAT, {}]) {
    const apart = await load("callgraph.data", options),
      merged = await load("callgraph.data", { ...options, mergeAddresses: true });
    assert(merged.frames.object.length < apart.frames.object.length);
    assert(merged.stacks.frame.length < apart.stacks.frame.length);
  }
});

/** Object and address of every sampled frame, with its samples, in an order of their own. */
function sampledAddresses({ samples, stacks, frames, objects }: Profile): string[] {
  const counts = new Map<string, number>();
  samples.stack.forEach((stack, row) => {
    const frame = stacks.frame[stack];
    const place = `${objects[frames.object[frame]]?.name} ${frames.address[frame]}`;
    counts.set(place, (counts.get(place) ?? 0) + samples.count[row]);
  });
  return Array.from(counts, ([place, count]) => `${place} ${count}`).sort();
}

for (const file of ["callgraph.data", "two_events.data", "pipe.data"]) {
  Deno.test(`the addresses that were sampled in ${file} can be kept while those of callers are merged`, async () => {
    const apart = await load(file, { places: true });
    for (const options of [{}, FLAT]) {
      const merged = await load(file, { ...options, mergeAddresses: true, sampledAddresses: true });
      assertEquals(sampledAddresses(merged), sampledAddresses(apart));
      const { start, end } = merged.symbols;
      for (const name of merged.symbols.name) {
        const row = merged.symbols.name.indexOf(name), all = apart.symbols.name.indexOf(name);
        assertEquals([start![row], end![row]], [apart.symbols.start![all], apart.symbols.end![all]]);
      }
    }
    const merged = await load(file, { mergeAddresses: true, sampledAddresses: true });
    const folded = (profile: Profile) => whole(renderFolded(profile, { weight: "period", marks: true }));
    assertEquals(folded(merged), folded(apart));
    assert(merged.stacks.frame.length <= apart.stacks.frame.length);
  });
}
