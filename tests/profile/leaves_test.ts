/** A flat report's shortcut, many samples at once, comes to the same as looking at each by itself. */

import { assert, assertEquals } from "@std/assert";
import { FileBytes } from "../../lib/base/files/file_bytes.ts";
import { loadProfile } from "../../lib/profile/load/load.ts";
import type { LoadOptions } from "../../lib/profile/request/load_options.ts";
import type { Profile } from "../../lib/profile/model/profile.ts";
import type { SymbolFiles } from "../../lib/symbols/files/symbol_files.ts";

const nothing: SymbolFiles = { open: () => undefined, kallsyms: () => undefined };

async function load(file: string, options: LoadOptions): Promise<Profile> {
  const input = FileBytes.tryOpen(new URL(`../testdata/perfdata/${file}`, import.meta.url).pathname)!;
  return await loadProfile(input, nothing, { ...options, leafOnly: true });
}

for (
  const file of [
    "callgraph.data",
    "two_events.data",
    "compressed.data",
    "clock.data",
    "extras.data",
    "pipe.data",
  ]
) {
  for (const merge of [false, true]) {
    const merged = merge ? ", threads and CPUs merged" : "";
    Deno.test(`loadProfile() of ${file} is the same of many samples at once as of each${merged}`, async () => {
      const options = { mergeCpus: merge, mergeThreads: merge };
      const atOnce = await load(file, options);
      // who keeps the time of every sample looks at each
      const { times, ...each } = await load(file, { ...options, times: true });
      assert(times !== undefined && times.at.length > 0);
      assertEquals(atOnce, { ...each, times: undefined });
    });
  }
}
