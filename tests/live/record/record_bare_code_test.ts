/** `pmuctl record -g` of code that has no call frame information: made by the program, or built without. */

import { assertEquals, assertGreater } from "@std/assert";
import { NEEDS, testUnless } from "../../needs.ts";
import { program, run, withFolder } from "../harness.ts";
import { stacksOf, sumOf } from "./recorded_stacks.ts";

const hindrance = Deno.build.arch !== "x86_64" ? "it needs x86_64" : NEEDS.cc();
const PROGRAMS = new URL("../../programs/", import.meta.url).pathname;

testUnless(
  hindrance,
  "callers are found through code that a program makes and that keeps no frame pointers",
  () =>
    withFolder(async (folder) => {
      const stacks = await stacksOf(folder, [program("generated"), "400"]);
      const below = sumOf(stacks, (frames) => frames.endsWith("spin_below"));
      assertGreater(below, 100);
      const whole = sumOf(stacks, (frames) => /main;run_above;\[JIT\][^;]*;spin_below$/.test(frames));
      assertEquals(below - whole <= below / 100, true, JSON.stringify(stacks.slice(0, 4)));
    }),
);

testUnless(
  hindrance,
  "callers are found in a static program without any call frame information, as C libraries are built",
  () =>
    withFolder(async (folder) => {
      const path = `${folder}/bare`, flags = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"];
      const built = await run("cc", [
        "-O2",
        "-static",
        ...flags,
        "-pthread",
        "-o",
        path,
        `${PROGRAMS}ratio.c`,
      ]);
      assertEquals(built.status, 0, built.stderr);
      const removed = ["--remove-section=.eh_frame", "--remove-section=.gcc_except_table"];
      const ran = await run("objcopy", [...removed, path]);
      assertEquals(ran.status, 0, ran.stderr);
      const stacks = await stacksOf(folder, [path]);
      const inWork = sumOf(stacks, (frames) => /(^|;)(hot|warm|work)(;|$)/.test(frames));
      assertGreater(inWork, 50);
      const whole = sumOf(
        stacks,
        (frames) => /(^|;)_start;(.*;)?main(;.*)?;(hot|warm|work)(;|$)/.test(frames),
      );
      assertEquals(inWork - whole <= inWork / 50, true, JSON.stringify(stacks.slice(0, 4)));
    }),
);
