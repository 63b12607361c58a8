import { assertEquals } from "@std/assert";
import { eventually } from "../eventually.ts";
import { QueuedSwitchRequests, type SwitchableOutput, switchWhen } from "../../lib/record/triggers.ts";

/** An output that grows by `step` bytes each time somebody looks, and prompts given by hand. */
function growing(step: number) {
  const acts: (() => void)[] = [];
  let bytes = 0;
  const parts: SwitchableOutput & { switches: number } = {
    switches: 0,
    get segmentBytes() {
      return bytes += step;
    },
    switch() {
      parts.switches++;
      bytes = 0;
      return Promise.resolve();
    },
  };
  return { parts, prompts: { each: (act: () => void) => void acts.push(act) }, prompt: () => acts[0]() };
}

Deno.test("switchWhen() switches at each prompt, until it is over", () => {
  const { parts, prompts, prompt } = growing(0);
  const stop = switchWhen({ kind: "signal" }, prompts, parts);
  prompt();
  prompt();
  assertEquals(parts.switches, 2);
  stop();
  prompt();
  assertEquals(parts.switches, 2);
});

Deno.test("QueuedSwitchRequests keeps what comes before there is anybody to act", () => {
  const { prompts, prompt } = growing(0);
  const early = new QueuedSwitchRequests(prompts);
  let acts = 0;
  prompt();
  early.each(() => acts++);
  assertEquals(acts, 1);
  prompt();
  assertEquals(acts, 2);
});

Deno.test("switchWhen() switches when the file has its size, and when it has its age", async () => {
  for (const when of [{ kind: "size", bytes: 100 }, { kind: "time", seconds: 0.01 }] as const) {
    const { parts, prompts } = growing(100);
    const stop = switchWhen(when, prompts, parts);
    await eventually(() => parts.switches >= 2, "two switches");
    stop();
  }
});

Deno.test("switchWhen() does not switch by time while a switch is under way", async () => {
  let begun = 0;
  const ended = Promise.withResolvers<void>();
  const stop = switchWhen({ kind: "time", seconds: 0.001 }, undefined, {
    segmentBytes: 0,
    switch: () => (begun++, ended.promise),
  });
  await eventually(() => begun === 1, "a switch");
  await new Promise((resolve) => setTimeout(resolve, 30));
  assertEquals(begun, 1);
  ended.resolve();
  stop();
});
