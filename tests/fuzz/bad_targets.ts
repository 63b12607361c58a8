/** Targets that do what none may, to see that it is seen. */

import { BadInputError, UsageError } from "../../lib/base/system/errors.ts";
import type { Target } from "./target.ts";

/** Bytes that are kept, so that no collection frees them. */
const kept: Uint8Array[] = [];

/** What to do with the number that the input is, by the target's name. */
const DEEDS: Readonly<Record<string, (n: number) => void | Promise<void>>> = {
  answers() {},
  refuses() {
    throw new BadInputError("cannot read x: it is damaged", 3);
  },
  "refuses-with-2"() {
    throw new UsageError("there is no such thing");
  },
  "says-nothing"() {
    throw new BadInputError(`cannot read x: ${undefined}`);
  },
  throws(n) {
    if (n % 10 === 7) throw new TypeError(`${n} is no function`);
  },
  loops(n) {
    while (n === 13) { /* for ever */ }
  },
  async waits(n) {
    if (n === 13) await new Promise(() => {});
  },
  eats(n) {
    for (let i = 0; n === 13 && i < 400; i++) kept.push(new Uint8Array(1 << 20).fill(1));
  },
  exits(n) {
    if (n === 13) Deno.exit(0);
  },
  aborts(n) {
    const all: string[][] = [];
    while (n === 13) all.push(Array.from({ length: 10_000 }, (_, i) => `${i}`)); // the engine gives up
  },
};

export function allTargets(): Promise<Target[]> {
  const targets = Object.entries(DEEDS).map(([name, deed]): Target => {
    let made = 0;
    return {
      name,
      what: name,
      weight: 1,
      mostBytes: 2 ** 40,
      make: () => ({ bytes: Uint8Array.of(made++), made: "its number" }),
      take: ([n]) => deed(n),
    };
  });
  return Promise.resolve(targets);
}
