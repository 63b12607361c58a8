/** `pmuctl record -g` of Go, whose runtime switches between stacks. */

import { assert, assertGreater } from "@std/assert";
import { SOURCES } from "../../../scripts/stacks/program.ts";
import { NEEDS, testUnless } from "../../needs.ts";
import { pmuctlOk, run, withFolder } from "../harness.ts";
import { stacksOf, sumOf } from "./recorded_stacks.ts";

/** Functions that goroutines, threads and the scheduler begin with. */
const ROOT = /^(runtime\.(goexit|mstart|clone|rt0_go|mcall|morestack)(\.abi0)?|_rt0_\w+)(;|$)/;

testUnless(
  NEEDS.go(),
  "stacks of Go without symbols and tables are whole",
  () =>
    withFolder(async (folder) => {
      const path = `${folder}/work`, file = `${folder}/perf.data`;
      const built = await run("go", ["build", "-ldflags=-s -w", "-o", path, `${SOURCES}work.go`]);
      assert(built.status === 0, built.stderr);
      const options = ["-q", "-g", "-e", "cpu-clock:u", "-F", "999", "-o", file];
      await pmuctlOk(["record", ...options, "--", path, "700"]);
      const { meta: { stacks } } = JSON.parse(await pmuctlOk(["report", "-g", "--json", "-i", file]));
      assertGreater(stacks.unwound, 200);
      assert(stacks.whole >= 0.97 * stacks.unwound, JSON.stringify(stacks));
    }),
);

testUnless(
  NEEDS.go(),
  "stacks of Go are whole, over changes from a goroutine's stack to a thread's, too",
  () =>
    withFolder(async (folder) => {
      const path = `${folder}/work`;
      const built = await run("go", ["build", "-o", path, `${SOURCES}work.go`]);
      assert(built.status === 0, built.stderr);
      const stacks = await stacksOf(folder, [path, "700"]);
      const all = sumOf(stacks, () => true), whole = sumOf(stacks, (frames) => ROOT.test(frames));
      assertGreater(all, 300);
      const broken = stacks.filter(([frames]) => !ROOT.test(frames.join(";")));
      assert(whole >= 0.97 * all, `${whole} of ${all}: ${JSON.stringify(broken.slice(0, 5))}`);
      const switched = sumOf(stacks, (frames) => /^runtime\.goexit.*;runtime\.systemstack/.test(frames));
      assertGreater(switched, 0);
    }),
);
