import { assertEquals } from "@std/assert";
import { renderTprof, type TprofOptions } from "../../../lib/report/text/tprof.ts";
import { assertGolden } from "../../golden.ts";
import { profileOf } from "../../profile/build.ts";
import { whole } from "../whole.ts";

const profile = profileOf([
  "app app!main;app!hot 60 600",
  "app app!main;app!warm 20 200000",
  "sh app!hot 5 5",
  "sh [kernel.kallsyms]!do_idle 9 9",
  "sh lib.so! 1 1",
]);
const all: TprofOptions = {
  file: "perf.data",
  mergeCpus: false,
  mergeThreads: false,
  mergeProcesses: false,
  perSymbol: false,
};

Deno.test("renderTprof() with everything told apart", () =>
  assertGolden("tprof.txt", whole(renderTprof(profile, all))));

Deno.test("renderTprof() with CPUs, threads and processes merged, by symbol", () => {
  const options = { ...all, mergeCpus: true, mergeThreads: true, mergeProcesses: true, perSymbol: true };
  assertGolden("tprof-CLPs.txt", whole(renderTprof(profile, options)));
});

Deno.test("renderTprof() has a column for each event, and counts samples rather than periods", () => {
  const two = profileOf(["app app!hot 3 300", "app app!warm 2 2"]);
  two.events.push({ name: "page-faults", rate: "", tracksOnly: false }, {
    name: "d",
    rate: "",
    tracksOnly: true,
  });
  two.samples.event[1] = 1;
  const lines = whole(renderTprof(two, { ...all, mergeThreads: true, mergeCpus: true })).trimEnd().split(
    "\n",
  );
  assertEquals(lines.slice(1, 4), ["Number of samples: 5", "Event #00: cpu-clock", "Event #01: page-faults"]);
  assertEquals(lines.slice(-2).map((line) => line.trim().split(/\s+/).slice(0, 5)), [
    ["60.000", "3", "3", "0", "100"],
    ["40.000", "2", "0", "2", "100"],
  ]);
});

Deno.test("renderTprof() on a terminal narrows its columns, and folds symbols", () => {
  const wide = profileOf(["app app!ns::Table<int,std::allocator<int>>::find(int&&) 3 300"]);
  const lines = whole(renderTprof(wide, { ...all, width: 80 })).split("\n");
  assertEquals(lines.slice(-3), [
    "percentage nsamples event#00 pid lwp cpu k address symbol",
    "   100.000        3        3 100 100   0 0    1000 app:ns::Table<…>::find(int&&)",
    "",
  ]);
});
