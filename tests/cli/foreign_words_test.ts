import { assert, assertEquals, assertMatch } from "@std/assert";
import { pmuctl } from "../live/harness.ts";

/** Command lines that people know from other tools, and what the answer must name. */
const KNOWN: [string[], RegExp][] = [
  [["record", "-s", "--", "true"], /record has no option -s: .*report -s pid,tid/],
  [["record", "-j", "any", "--", "true"], /branch stacks are not recorded/],
  [["record", "-p", "1", "--", "sleep", "10"], /--duration 10/],
  [["record", "--all-user", "--", "true"], /cycles:u/],
  [["report", "--tui"], /--format html/],
  [["report", "--max-stack", "5"], /--percent-limit/],
  [["stat", "-p", "1"], /pmuctl bind -p PID/],
  [["stat", "-a"], /pmuctl bind -a -- COMMAND/],
  [["stat", "-I", "1000", "--", "true"], /pmuctl bind -i SEC/],
  [["stat", "-d", "--", "true"], /-e cycles,instructions/],
  [["stat", "--export-json", "x", "--", "true"], /--json >FILE/],
  [["stat", "-B", "--", "true"], /counts of one run, .* use 'pmuctl bind -- COMMAND'/],
  [["stat", "sleep 0.1", "sleep 0.2"], /pmuctl stat --vs 'sleep 0.2' -- sleep 0.1$/m],
  [["stat", "sleep 0.1"], /pmuctl stat -- sleep 0.1$/m],
  [["stat", "--shell", "a | b", "c | d"], /pmuctl stat --shell --vs 'c \| d' -- 'a \| b'$/m],
  [["record", "--vmlinux", "x", "--", "true"], /report --vmlinux FILE/],
  [["bind", "--per-core", "--", "true"], /per CPU with -a/],
  [["diff", "--stdio", "a", "b"], /this is the default/],
  [["hyperfine"], /pmuctl stat -- COMMAND/],
  [["sched"], /sched:sched_switch/],
  [["top"], /unknown command 'top': .*record -a/],
  [["annotate", "-s", "main"], /name the function/],
];

for (const [words, answer] of KNOWN) {
  Deno.test(`'${words.join(" ")}' is answered with what pmuctl has for it`, async () => {
    const { status, stderr, stdout } = await pmuctl(words);
    assertEquals([status, stdout], [2, ""]);
    assertMatch(stderr, answer);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  });
}

Deno.test("what changes nothing is accepted: report --stdio -n, and 'list' for list-events", async () => {
  const report = await pmuctl(["report", "--stdio", "-n", "-i", "/no/such/file"]);
  assertEquals(report.status, 4);
  assertMatch(report.stderr, /no such file/);
  const list = await pmuctl(["list", "cpu-clock"]);
  assertEquals(list.status, 0);
  assert(list.stdout.includes("cpu-clock"));
});
