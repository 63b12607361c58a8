import { assertEquals, assertMatch } from "@std/assert";
import { run } from "../live/harness.ts";
import { testNeeding } from "../needs.ts";

const SCRIPT = new URL("../../scripts/compare-stat", import.meta.url).pathname;

testNeeding(
  ["cc", "hyperfine", "perf"],
  "the comparison of stat with hyperfine and perf stat runs, in short",
  async () => {
    const { status, stdout, stderr } = await run(SCRIPT, ["--rounds", "2", "--runs", "2", "true"]);
    assertEquals(status, 0, stderr);
    const [head, , row, ...rest] = stdout.trimEnd().split("\n");
    assertMatch(head, /^\| 2 rounds of 2 runs \| pmuctl stat \| hyperfine \| perf stat \|/);
    const time = "[\\d.]+ (s|ms|µs)", ratio = "[\\d.]+ \\([\\d.]+ to [\\d.]+\\)";
    assertMatch(row, new RegExp(`^\\| \`true\` (\\| ${time} ){3}(\\| ${ratio} ){2}\\| [\\d.]+% \\|$`));
    assertEquals(rest, []);
  },
);
