import { assertEquals, assertStringIncludes } from "@std/assert";
import { brokenChainWarning } from "../../../lib/profile/load/broken_chains.ts";
import type { Profile } from "../../../lib/profile/model/profile.ts";
import { profileOf } from "../build.ts";

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
  const warning = brokenChainWarning(profile, [true])!;
  assertStringIncludes(warning, "50.0% of 100 samples have wrong callers");
  assertStringIncludes(warning, "record with pmuctl record -g (--call-graph auto)");
});

Deno.test("no warning is given for whole chains, a few broken ones, and samples that are themselves nowhere", () => {
  assertEquals(brokenChainWarning(misled(["app app!main;app!work 7"]), [true]), undefined);
  assertEquals(
    brokenChainWarning(misled(["app x!nowhere;app!work 1", "app app!main 200"]), [true]),
    undefined,
  );
  assertEquals(brokenChainWarning(misled(["app app!main;x!nowhere 100"]), [true]), undefined);
  assertEquals(brokenChainWarning(misled([]), [true]), undefined);
});

Deno.test("callers in the kernel that have no object don't count as broken", () => {
  assertEquals(brokenChainWarning(misled(["app x!nowhere;app!work 100"], -4096), [true]), undefined);
});

Deno.test("samples of events that do not follow frame pointers don't count", () => {
  assertEquals(brokenChainWarning(misled(["app x!nowhere;app!work 100"]), [false]), undefined);
});
