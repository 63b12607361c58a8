/** Copies of stacks, recorded by pmuctl and unwound by its reports. */

import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { hasCommand, testUnless } from "../../needs.ts";
import { pmuctlOk, run, withFolder } from "../harness.ts";

/** Calls itself DEPTH times, with 48 bytes and more a frame, then works for a second or so. */
const SOURCE = `
#include <stdlib.h>
#include <time.h>
static volatile unsigned long sink;
__attribute__((noinline)) void work(long ms)
{
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		for (int i = 0; i < 100000; i++) sink += i;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
}
__attribute__((noinline)) long descend(int depth, long ms)
{
	volatile long room[6] = { depth };
	if (depth == 0) { work(ms); return room[0]; }
	return descend(depth - 1, ms) + room[0];
}
int main(int argc, char **argv) { return argc > 2 && descend(atoi(argv[1]), atol(argv[2])) < 0; }
`;

const hindrance = Deno.build.arch !== "x86_64" && Deno.build.arch !== "aarch64"
  ? "it needs x86_64 or aarch64"
  : !hasCommand("cc") && "it needs cc";

async function build(folder: string, source = SOURCE): Promise<string> {
  const program = `${folder}/descend`;
  await Deno.writeTextFile(`${program}.c`, source);
  const options = ["-O2", "-fomit-frame-pointer", "-fno-optimize-sibling-calls", "-falign-functions=1"];
  const { status, stderr } = await run("cc", [...options, "-o", program, `${program}.c`]);
  assertEquals(status, 0, stderr);
  return program;
}

/** Spins in functions that never return, which the compiler ends with the call: behind it is another function. */
const ENDLESS = `
#include <stdlib.h>
#include <time.h>
static volatile unsigned long sink;
__attribute__((noinline, noreturn)) void spin(void)
{
	struct timespec now;
	for (;;) {
		for (int i = 0; i < 100000; i++) sink += i;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
		if (now.tv_sec > 0 || now.tv_nsec > 200000000) exit(0);
	}
}
__attribute__((noinline, noreturn)) void caller(void) { sink++; spin(); }
__attribute__((noinline)) int behind_it(void) { return sink; }
int main(void) { caller(); }
`;

interface Stacks {
  unwound: number;
  whole: number;
  cut: { frame: string; remedy: string; samples: number }[];
}

async function stacksOf(file: string, env?: Record<string, string>): Promise<Stacks> {
  return JSON.parse(await pmuctlOk(["report", "--json", "-i", file], { env })).meta.stacks;
}

testUnless(
  hindrance,
  "stacks of a program without frame pointers are whole, frame by frame",
  () =>
    withFolder(async (folder) => {
      const program = await build(folder), file = `${folder}/perf.data`;
      await pmuctlOk([
        "record",
        "-q",
        "-F",
        "997",
        "--call-graph",
        "dwarf",
        "-o",
        file,
        "--",
        program,
        "10",
        "300",
      ]);
      const { unwound, whole } = await stacksOf(file);
      assertGreater(unwound, 20);
      assertGreater(whole, 0.95 * unwound);
      const folded = await pmuctlOk(["report", "--format", "folded", "--weight", "samples", "-i", file]);
      const deep = folded.split("\n").filter((line) => line.includes(";work"));
      assert(deep.length > 0, folded);
      for (const line of deep) assertStringIncludes(line, `main;${"descend;".repeat(11)}work`);
      assertStringIncludes(await pmuctlOk(["report", "-g", "-i", file]), `stacks   `);
    }),
);

testUnless(
  hindrance,
  "a copy that is too short says so, and how much to copy",
  () =>
    withFolder(async (folder) => {
      const program = await build(folder), file = `${folder}/perf.data`;
      const options = ["-F", "997", "--call-graph", "dwarf,512", "-o", file];
      await pmuctlOk(["record", "-q", ...options, "--", program, "40", "200"]);
      const { unwound, cut } = await stacksOf(file);
      const short = cut.find(({ frame }) => frame === "[stack cut]")!;
      assertGreater(short.samples, 0.9 * unwound);
      assertEquals(short.remedy, "record with --call-graph dwarf,1024");
      const unread = await pmuctlOk(["report", "--no-unwind", "-g", "-i", file]);
      assertStringIncludes(unread, "--no-unwind leaves unread");
    }),
);

testUnless(
  hindrance,
  "a program that was deleted meanwhile is unwound by the copy that was kept",
  () =>
    withFolder(async (folder) => {
      const program = await build(folder), file = `${folder}/perf.data`, env = { HOME: folder };
      const script = `${program} 10 300 & sleep 0.1; rm ${program}; wait`;
      await pmuctlOk(
        ["record", "-q", "-F", "997", "--call-graph", "dwarf", "-o", file, "--", "sh", "-c", script],
        { env },
      );
      const folded = await pmuctlOk(["report", "--format", "folded", "-i", file], { env });
      const deep = folded.split("\n").filter((line) => line.includes("work"));
      assert(deep.length > 0, folded);
      for (const line of deep) assertStringIncludes(line, `main;${"descend;".repeat(11)}work`);
    }),
);

for (const mode of ["auto", "dwarf"]) {
  testUnless(
    hindrance,
    `functions that end with a call that never returns are named as callers: --call-graph ${mode}`,
    () =>
      withFolder(async (folder) => {
        const program = await build(folder, ENDLESS), file = `${folder}/perf.data`;
        await pmuctlOk(["record", "-q", "-F", "997", "--call-graph", mode, "-o", file, "--", program]);
        const folded = await pmuctlOk(["report", "--format", "folded", "-i", file]);
        const spinning = folded.split("\n").filter((line) => line.includes(";spin"));
        assert(spinning.length > 0, folded);
        for (const line of spinning) assertStringIncludes(line, ";main;caller;spin");
      }),
  );
}
