import { assertEquals } from "@std/assert";
import { applyModifiers, modifierFlags, modifierProblem, NO_MODIFIERS } from "../../lib/events/modifiers.ts";

// What perf 6.1 opens (perf stat -vv -e 'cpu-clock:MODIFIERS'): the exclude bits and precise_ip.
const AS_PERF: [modifiers: string, flags: string, precise: number][] = [
  ["u", "excludeKernel excludeHv excludeGuest", 0],
  ["k", "excludeUser excludeHv", 0],
  ["h", "excludeUser excludeKernel", 0],
  ["uk", "excludeHv excludeGuest", 0],
  ["ku", "excludeHv excludeGuest", 0],
  ["G", "excludeHost", 0],
  ["H", "excludeGuest", 0],
  ["GH", "", 0],
  ["uG", "excludeKernel excludeHv excludeHost", 0],
  ["kH", "excludeUser excludeHv excludeGuest", 0],
  ["I", "excludeIdle", 0],
  ["p", "excludeGuest", 1],
  ["upp", "excludeKernel excludeHv excludeGuest", 2],
  ["ppp", "excludeGuest", 3],
  ["S", "", 0],
  ["D", "pinned", 0],
  ["e", "exclusive", 0],
];

for (const [modifiers, flags, precise] of AS_PERF) {
  Deno.test(`applyModifiers() gives ':${modifiers}' the bits that perf does`, () => {
    const state = applyModifiers(modifiers);
    assertEquals([modifierFlags(state).join(" "), state.precise], [flags, precise]);
  });
}

Deno.test("applyModifiers() adds a group's modifiers to the event's own, as perf does", () => {
  const both = (own: string, group: string) =>
    modifierFlags(applyModifiers(group, own ? applyModifiers(own) : NO_MODIFIERS)).join(" ");
  assertEquals(both("k", "u"), "excludeHv excludeGuest");
  assertEquals(both("", "u"), "excludeKernel excludeHv excludeGuest");
  assertEquals(both("", "S"), "excludeGuest");
  assertEquals(both("k", "p"), "excludeUser excludeHv excludeGuest");
});

Deno.test("modifierProblem() finds unknown and repeated letters", () => {
  assertEquals(modifierProblem("ukhIGHpppPSDWe"), undefined);
  assertEquals(modifierProblem("ux")?.at, 1);
  assertEquals(modifierProblem("uku")?.at, 2);
  assertEquals(modifierProblem("pppp")?.at, 3);
});
