/** A profile with inlined functions, for tests of what shows them. */

import { expandInlined } from "../../lib/profile/load/inlined/expand_inlined.ts";
import type { Inlined } from "../../lib/profile/load/inlined/inlined_frames.ts";
import type { Profile } from "../../lib/profile/model/profile.ts";
import { profileOf } from "./build.ts";

/** `sort`, which was inlined into `all` on line 30, which was inlined on line 20; into no frame yet. */
export const INLINED: Inlined = {
  ofFrame: new Int32Array(0),
  parent: Int32Array.of(-1, 0),
  function: Int32Array.of(0, 1),
  functions: [{ object: 0, name: "all" }, { object: 0, name: "sort" }],
  callPath: Int32Array.of(0, 1),
  callLine: Int32Array.of(20, 30),
  paths: ["/src/main.c", "/src/all.h"],
};

/** INLINED in the frames of one symbol. */
export function inlinedAt({ frames, symbols }: Profile, name: string): Inlined {
  return { ...INLINED, ofFrame: frames.symbol.map((symbol) => symbols.name[symbol] === name ? 1 : -1) };
}

/** Stacks of `main` and `run`, in which `all` and `sort` were inlined; `sort` also called `memcpy`. */
export function expandedProfile(): Profile {
  const profile = profileOf(["w app!main;app!run 5", "w app!main;app!run;libc!memcpy 2", "w app!main 1"]);
  return expandInlined(profile, inlinedAt(profile, "run"), ["all", "sort"]);
}
