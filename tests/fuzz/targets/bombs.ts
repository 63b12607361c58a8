/**
 * Bombs as a target: each one's cost is counted, and is a few seconds of CPU and less than a gigabyte, whatever its
 * size.
 */

import type { Target } from "../target.ts";
import type { Bomb } from "../bombs/bomb.ts";
import { codeBombs } from "../bombs/code.ts";
import { functionBombs } from "../bombs/functions.ts";
import { goBombs } from "../bombs/go.ts";
import { objectBombs } from "../bombs/objects.ts";
import { recordingBombs } from "../bombs/recordings.ts";
import { textBombs } from "../bombs/texts.ts";

const BOMBS: readonly Bomb[] = [
  ...objectBombs,
  ...functionBombs,
  ...goBombs,
  ...codeBombs,
  ...recordingBombs,
  ...textBombs,
];

/** One target for all: an input names the bomb and its size. */
export function bombTargets(): Target[] {
  const all = BOMBS.flatMap(({ name, sizes }) => sizes.map((size) => JSON.stringify({ bomb: name, size })));
  return [{
    name: "bombs",
    what: `${all.length} inputs that claim to be, or unpack to, more than anybody could read`,
    weight: 0.02,
    cpuMs: 10_000,
    mostBytes: 2 ** 40,
    count: all.length,
    make: (_, seed) => ({
      bytes: new TextEncoder().encode(all[seed % all.length]),
      made: all[seed % all.length],
    }),
    take(bytes) {
      const { bomb, size } = JSON.parse(new TextDecoder().decode(bytes));
      return BOMBS.find(({ name }) => name === bomb)!.go(size);
    },
  }];
}
