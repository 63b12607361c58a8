/** Changes to JSON that leave it JSON, mostly: what reads it has to look at what is in it. */

import { mutateText } from "./mutate.ts";
import { EDGES, type Random } from "../random.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Names of members that objects have anyway. */
const ODD_KEYS = ["__proto__", "constructor", "toString", "hasOwnProperty", "length", ""];
const ODD_TEXTS = [
  "",
  "\u0000",
  "\r\n",
  "\u2028",
  "\ud800",
  "\u001b[31m",
  "</script>",
  "NaN",
  "-1",
  "x".repeat(3000),
];

/** The text of one of `seeds` with one to four values changed, or with letters changed here and there. */
export function mutateJson(seeds: readonly string[], words: readonly string[], random: Random): string {
  if (random.oneIn(4)) return mutateText(seeds, words, random);
  const root = { it: JSON.parse(random.pick(seeds)) as Json };
  for (let changes = 1 + random.below(4); changes > 0; changes--) changeSome(root, words, random);
  const text = JSON.stringify(root.it, undefined, random.pick([undefined, 2])) ?? "";
  // what a number cannot hold in JavaScript, JSON can
  return random.oneIn(8)
    ? text.replace(/-?\d+/, random.pick(["1e999", "-0", "9".repeat(400), "1e-400"]))
    : text;
}

/** Walks to some place of the tree, and changes what is there. */
function changeSome(root: { [key: string]: Json }, words: readonly string[], random: Random): void {
  let holder: Json[] | { [key: string]: Json } = root;
  for (;;) {
    const keys: string[] = Object.keys(holder);
    if (keys.length === 0) return;
    const key: string = random.pick(keys);
    const value: Json = (holder as { [key: string]: Json })[key];
    if (typeof value === "object" && value !== null && !random.oneIn(6)) holder = value;
    else return change(holder as { [key: string]: Json }, key, words, random);
  }
}

function change(
  holder: { [key: string]: Json },
  key: string,
  words: readonly string[],
  random: Random,
): void {
  const value = holder[key];
  switch (random.below(9)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      return;
    case 1:
      if (Array.isArray(holder)) holder.splice(Number(key), 0, structuredClone(value));
      else define(holder, random.pick([...ODD_KEYS, ...words]), structuredClone(value));
      return;
    case 2: // deep
      for (let depth = random.pick([1, 3, 200]); depth > 0; depth--) {
        holder[key] = random.oneIn(2) ? [holder[key]] : { a: holder[key] };
      }
      return;
    case 3: // many
      if (Array.isArray(value) && value.length > 0 && JSON.stringify(value).length < 2000) {
        holder[key] = Array.from(
          { length: random.pick([2, 10, 300]) * value.length },
          (_, i) => value[i % value.length],
        );
        return;
      }
  }
  holder[key] = random.oneIn(3) ? another(random, words) : alike(value, random, words);
}

/** Also of the name `__proto__`, which an assignment takes for something else. */
function define(holder: { [key: string]: Json }, key: string, value: Json): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

/** A value of the same type. */
function alike(value: Json, random: Random, words: readonly string[]): Json {
  switch (typeof value) {
    case "number":
      return random.pick([
        -1,
        0,
        0.5,
        -0.5,
        value + 1,
        value - 1,
        value * 1e6,
        Number(random.pick(EDGES)),
        1e308,
      ]);
    case "string":
      return random.pick([...ODD_TEXTS, ...words, value + value, value.slice(1)]);
    case "boolean":
      return !value;
    default:
      return another(random, words);
  }
}

/** A value of any type. */
function another(random: Random, words: readonly string[]): Json {
  return random.pick<() => Json>([
    () => null,
    () => true,
    () => Number(random.u64()),
    () => random.pick(ODD_TEXTS),
    () => random.pick(words),
    () => [],
    () => ({}),
    () => [Number(random.u64()), "x", null],
    () => ({ bigint: String(random.u64()) }),
    () => ({ bigint: "x" }),
    () => ({ Int32Array: [Number(random.u64()), -1] }),
    () => ({ Float64Array: ["x"] }),
  ])();
}
