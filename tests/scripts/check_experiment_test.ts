import { assertEquals, assertMatch } from "@std/assert";
import { run } from "../live/harness.ts";
import { testNeeding } from "../needs.ts";

const SCRIPT = new URL("../../scripts/check-experiment", import.meta.url).pathname;

testNeeding(
  ["cc", "valgrind"],
  "the experiment of check runs, in short, and finds what it promises",
  async () => {
    const args = ["--checks", "10", "--simulated", "100", "instructions2", "simulated"];
    const { status, stdout, stderr } = await run(SCRIPT, args);
    assertEquals(status, 0, stderr);
    assertMatch(stdout, /\| 2% more instructions \| instructions\S* \| 1 \| 1 \| 0 \| 0 \|/);
    assertMatch(stdout, /\| alike, simulated: lognormal \| simulated \| 100 \| [01] \|/);
  },
);
