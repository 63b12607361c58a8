import { assert, assertEquals } from "@std/assert";
import { fallbackFor, isRestricted, userOnlyNote } from "../../lib/events/fallback.ts";
import type { Privilege } from "../../lib/events/privilege.ts";
import { resolveEvents } from "../../lib/events/resolve.ts";
import { INTEL_SERVER, worldOf } from "./trees.ts";

const ROOT: Privilege = { paranoid: 2, capable: true, seccomp: false };
const USER: Privilege = { paranoid: 2, capable: false, seccomp: false };
const event = (text: string) => resolveEvents(text, worldOf(INTEL_SERVER))[0].events[0];

Deno.test("fallbackFor() puts nothing in the place of another event", () => {
  for (const text of ["cycles", "instructions", "r3c", "L1-dcache-loads", "cpu-clock"]) {
    assertEquals(fallbackFor(event(text), 2, ROOT, false), undefined, text);
  }
});

Deno.test("fallbackFor() leaves the kernel out where that is what is refused", () => {
  const fallback = fallbackFor(event("cycles"), 13, USER, false)!;
  assertEquals(fallback.name, "cycles:u");
  assert(fallback.attr.flags.has("excludeKernel") && fallback.attr.flags.has("excludeHv"));
  assertEquals([isRestricted(event("cycles"), fallback), isRestricted(fallback, fallback)], [true, false]);
});

Deno.test("userOnlyNote() tells of all events at once", () => {
  assertEquals(
    userOnlyNote(["cycles", "page-faults"], USER),
    "cycles, page-faults: the kernel's side is not permitted (perf_event_paranoid is 2); measuring user space only, as " +
      "cycles:u, page-faults:u",
  );
});

Deno.test("fallbackFor() has nothing where leaving the kernel out would not help", () => {
  assertEquals(fallbackFor(event("cycles"), 13, ROOT, false), undefined);
  assertEquals(fallbackFor(event("cycles"), 13, USER, true), undefined);
  assertEquals(fallbackFor(event("cycles:u"), 13, USER, false), undefined);
  assertEquals(fallbackFor(event("cycles:k"), 13, USER, false), undefined);
});

Deno.test("fallbackFor() tries user space at level 3, which only some kernels know", () => {
  const user = fallbackFor(event("cycles"), 13, { ...USER, paranoid: 3 }, false)!;
  assertEquals(user.name, "cycles:u");
  assertEquals(fallbackFor(user, 13, { ...USER, paranoid: 3 }, false), undefined);
});

Deno.test("fallbackFor() lowers :P step by step, then drops the guest bit, without a word", () => {
  let current = event("instructions:P");
  const seen: number[] = [];
  for (let fallback; (fallback = fallbackFor(current, 95, ROOT, false)); current = fallback) {
    assertEquals(isRestricted(current, fallback), false);
    seen.push(fallback.attr.preciseIp);
  }
  assertEquals(seen, [2, 1, 0]);
  const host = fallbackFor(event("instructions"), 22, ROOT, false)!;
  assertEquals(host.attr.flags.size, 0);
  assertEquals(fallbackFor(host, 22, ROOT, false), undefined);
});

Deno.test("fallbackFor() does not leave the kernel out of what only happens there, or of a PMU that cannot", () => {
  for (const text of ["context-switches", "migrations", "sched:sched_switch", "msr/tsc/"]) {
    assertEquals(fallbackFor(event(text), 13, USER, false), undefined, text);
  }
  assert(fallbackFor(event("page-faults"), 13, USER, false));
  assert(fallbackFor(event("cpu/event=0x3c/"), 13, USER, false));
});
