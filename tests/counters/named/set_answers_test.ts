import { assertEquals } from "@std/assert";
import { type HoldingProcess, SetAnswers } from "../../../lib/counters/named/set_answers.ts";
import type { HoldRequest, ProtocolRequest } from "../../../lib/counters/named/protocol.ts";
import { BoundSet } from "../../../lib/counters/open/bound_set.ts";
import { FakePlace } from "../open/fake_place.ts";

/** A set of one request that counts, its answers, and what they did to the process, in order. */
function held({ keepMs = 100 } = {}) {
  const place = new FakePlace("thread 1", [0n]), target = { hasEnded: false }, happened: string[] = [];
  let nowMs = 1000, nowNs = 0n;
  const set = new BoundSet([place], [0n], () => nowNs++);
  set.enable();
  const process: HoldingProcess = {
    pid: 77,
    freeName: () =>
      happened.push(`the name is free, ${place.counts === undefined ? "and" : "but not"} the counters`),
    leave: () => happened.push("the process ends"),
    now: () => nowMs,
  };
  const request = { name: "a", path: "/a", pmus: [], target: { kind: "thread", tids: [1] }, keepMs };
  const answers = new SetAnswers(request as Partial<HoldRequest> as HoldRequest, {
    set,
    watch: { ended: () => target.hasEnded },
    counters: [{ name: "cycles", unit: "" }],
  }, process);
  /** Lets the counter count, and time pass. */
  const run = (count: bigint | undefined, ms: number) => {
    place.counts = count === undefined ? undefined : [count];
    place.tickNs += 10;
    nowMs += ms;
  };
  const ask = (request: ProtocolRequest) => {
    const { reply, afterwards } = answers.handle(request);
    return {
      ok: "ok" in reply ? reply.ok : undefined,
      refused: "refused" in reply ? reply.refused : undefined,
      afterwards,
    };
  };
  return { answers, place, target, happened, run, ask };
}

const SINCE: ProtocolRequest = { do: "sample", since: true };

Deno.test("a sample that the client did not get is not the one that the next difference is taken to", () => {
  const { run, ask } = held();
  run(100n, 1);
  const first = ask(SINCE);
  assertEquals(first.ok?.buffer?.counts, [100n]);
  first.afterwards!();
  run(130n, 1);
  assertEquals(ask(SINCE).ok?.buffer?.counts, [30n], "its answer is lost");
  run(150n, 1);
  assertEquals(ask(SINCE).ok?.buffer?.counts, [50n]);
  assertEquals(ask({ do: "sample", since: false }).ok?.buffer?.counts, [150n]);
});

Deno.test("a set that is unbound gives its last counts, and frees counters and name before it answers", () => {
  const { answers, run, ask, happened } = held();
  run(9n, 1);
  const { ok, afterwards } = ask({ do: "unbind" });
  assertEquals([ok?.buffer?.counts, ok?.info.holder, answers.unbound], [[9n], 77, true]);
  assertEquals(happened, ["the name is free, and the counters"]);
  assertEquals(ask({ do: "describe" }).refused, { errno: "EINVAL", cause: "it has just been unbound" });
  afterwards!();
  assertEquals(happened.slice(1), ["the process ends"]);
});

Deno.test("a set that has lost its counters says so, refuses to be read, and can be unbound", () => {
  const { run, ask, happened } = held();
  run(undefined, 1);
  assertEquals(ask({ do: "describe" }).ok?.info.state, "invalid");
  assertEquals(ask(SINCE).refused?.errno, "EAGAIN");
  const { ok } = ask({ do: "unbind" });
  assertEquals([ok?.info.state, ok?.buffer, happened.length], ["invalid", undefined, 1]);
});

Deno.test("requests that the set refuses are answered with its reason, and the others done", () => {
  const { place, ask } = held();
  assertEquals(ask({ do: "preset", index: 5, value: 1n }).refused?.errno, "EINVAL");
  assertEquals([ask({ do: "disable" }).ok?.info.state, place.enabled], ["frozen", false]);
  assertEquals([ask({ do: "restart" }).ok?.info.state, place.enabled], ["counting", true]);
  assertEquals(ask({ do: "preset", index: 0, value: 50n }).ok?.info.state, "counting");
});

Deno.test("a set whose target has ended is kept for a time from then, and from each use", () => {
  const { answers, target, run, ask } = held({ keepMs: 100 });
  run(5n, 1000);
  assertEquals(answers.isForgotten(), false, "its target runs");
  target.hasEnded = true;
  assertEquals(answers.isForgotten(), false, "its target has just ended");
  run(5n, 60);
  assertEquals(ask(SINCE).ok?.info.state, "ended");
  run(5n, 60);
  assertEquals(ask({ do: "describe" }).ok?.info.state, "ended");
  assertEquals(answers.isForgotten(), false, "it was used 60 ms ago");
  run(5n, 40);
  assertEquals(answers.isForgotten(), true, "a description is no use of it");
});
