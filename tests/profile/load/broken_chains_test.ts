import { assertEquals, assertStringIncludes } from "@std/assert";
import { type AttrFlag, makeAttr } from "../../../lib/events/attr.ts";
import { brokenChainWarning } from "../../../lib/profile/load/broken_chains.ts";
import type { Profile } from "../../../lib/profile/model/profile.ts";
import { profileOf } from "../build.ts";

const eventWith = (...flags: AttrFlag[]) => [{ attr: makeAttr({ type: 1, flags }) }];
const BY_POINTERS = eventWith(), UNWOUND = eventWith("excludeCallchainUser");

/** Puts all frames of the symbol `nowhere` where nothing was mapped, at these addresses. */
function misled(lines: string[], address = 0x1234): Profile {
  const profile = profileOf(lines);
  const { symbols, frames } = profile;
  for (let frame = 0; frame < frames.object.length; frame++) {
    if (symbols.name[frames.symbol[frame]] !== "nowhere") continue;
    frames.object[frame] = -1;
    frames.address[frame] = address;
  }
  return profile;
}

Deno.test("a warning tells how many samples have a caller where nothing was mapped, and what to do", () => {
  const profile = misled([
    "app x!nowhere;app!main;app!work 30",
    "app x!nowhere;app!work 20",
    "app app!main 50",
  ]);
  const warning = brokenChainWarning(profile, BY_POINTERS)!;
  assertStringIncludes(warning, "50.0% of 100 samples have wrong callers");
  assertStringIncludes(warning, "record with pmuctl record -g (--call-graph auto)");
});

Deno.test("no warning is given for whole chains, a few broken ones, and samples that are themselves nowhere", () => {
  assertEquals(brokenChainWarning(misled(["app app!main;app!work 7"]), BY_POINTERS), undefined);
  assertEquals(
    brokenChainWarning(misled(["app x!nowhere;app!work 1", "app app!main 200"]), BY_POINTERS),
    undefined,
  );
  assertEquals(brokenChainWarning(misled(["app app!main;x!nowhere 100"]), BY_POINTERS), undefined);
  assertEquals(brokenChainWarning(misled([]), BY_POINTERS), undefined);
});

Deno.test("callers in the kernel that have no object don't count as broken", () => {
  assertEquals(brokenChainWarning(misled(["app x!nowhere;app!work 100"], -4096), BY_POINTERS), undefined);
});

Deno.test("samples of events that do not follow frame pointers don't count", () => {
  assertEquals(brokenChainWarning(misled(["app x!nowhere;app!work 100"]), UNWOUND), undefined);
});

Deno.test("recordings that keep the most recent samples only are told of the way that works with them", () => {
  const warning = brokenChainWarning(misled(["app x!nowhere;app!work 100"]), eventWith("writeBackward"))!;
  assertStringIncludes(warning, "record with --call-graph dwarf");
});
