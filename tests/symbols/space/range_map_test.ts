import { assert, assertEquals } from "@std/assert";
import { RangeMap } from "../../../lib/symbols/space/range_map.ts";
import { bytesKept } from "../../memory.ts";

/** Numbers that look random and are the same each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % below;
}

/** `OBJECT+OFFSET` at each address below `end`; "" where nothing is. */
function contents(space: RangeMap, end: number): string[] {
  return Array.from({ length: end }, (_, address) => {
    const object = space.find(address);
    return object < 0 ? "" : `${object}+${address + space.shift}`;
  });
}

Deno.test("spaces agree with plain arrays after any sequence of mappings, removals and copies", () => {
  const END = 3000;
  for (const seed of [1, 2, 3]) {
    const random = numbers(seed);
    const spaces = [new RangeMap(0)], truths = [new Array<string>(END).fill("")];
    for (let step = 0; step < 1500; step++) {
      const which = random(spaces.length);
      const start = random(END), end = Math.min(END, start + random(random(20) === 0 ? END : 12));
      if (random(40) === 0 && spaces.length < 12) {
        spaces.push(spaces[which].clone(0));
        truths.push(truths[which].slice());
      } else if (random(6) === 0) {
        spaces[which].remove(start, end);
        truths[which].fill("", start, end);
      } else {
        const shift = random(1000);
        spaces[which].insert(start, end, step, shift);
        for (let address = start; address < end; address++) {
          truths[which][address] = `${step}+${address + shift}`;
        }
      }
      if (step % 100 === 99) spaces.forEach((space, i) => assertEquals(contents(space, END), truths[i]));
    }
  }
});

Deno.test("mappings in ascending, descending and mixed order are all found", () => {
  const MANY = 20_000;
  const orders = [
    Array.from({ length: MANY }, (_, i) => i),
    Array.from({ length: MANY }, (_, i) => MANY - 1 - i),
    Array.from({ length: MANY }, (_, i) => (i * 7919) % MANY),
  ];
  for (const order of orders) {
    const space = new RangeMap(0);
    for (const i of order) space.insert(i * 10, i * 10 + 5, i, 0);
    for (let i = 0; i < MANY; i++) {
      assert(space.find(i * 10 + 4) === i && space.find(i * 10 + 5) === -1, `mapping ${i}`);
    }
  }
});

Deno.test("a space that is emptied can be filled again", () => {
  const space = new RangeMap(0);
  for (const round of [1, 2]) {
    for (let i = 0; i < 1000; i++) space.insert(i * 10, i * 10 + 5, round * i, 0);
    assertEquals(space.find(5550), round * 555);
    space.remove(0, 1e6);
    assertEquals(space.find(5550), -1);
  }
});

/** A space with many mappings, copied again and again, each copy with one more mapping: a chain of forks. */
function chain(mappings: number): RangeMap[] {
  const spaces = [new RangeMap(0)];
  for (let i = 0; i < mappings; i++) spaces[0].insert(i * 10, i * 10 + 5, i, 0);
  for (let i = 0; i < mappings; i++) {
    const copy = spaces[spaces.length - 1].clone(0);
    copy.insert(i * 10 + 5, i * 10 + 7, i, 0);
    spaces.push(copy);
  }
  return spaces;
}

Deno.test("copies that are changed cost what the change does, not what they hold", () => {
  chain(100);
  const small = bytesKept(() => chain(4000)), large = bytesKept(() => chain(16_000));
  assert(large < 8 * small, `${small} bytes for 4000 mappings and copies, ${large} for 16000`);
  assert(large < 16_000 * 8000, `${large / 16_000} bytes for each mapping and copy`);
});
