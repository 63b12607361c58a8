import { assertEquals } from "@std/assert";
import { RoundSorter } from "../../lib/perfdata/sorter.ts";

/** Takes the records that are ready out of the sorter, as `time@place`. */
function take(sorter: RoundSorter, n: number): string[] {
  const out: string[] = [];
  for (let i = 0; i < n; i++) out.push(`${sorter.times[i]}@${(sorter.places[i] - sorter.moved) >>> 0}`);
  sorter.drop(n);
  return out;
}

Deno.test("sorter() holds a round back until the next has ended", () => {
  const sorter = new RoundSorter();
  sorter.push(30, 0);
  sorter.push(10, 8);
  assertEquals(take(sorter, sorter.endRound()), []);
  sorter.push(20, 16); // older than what the first round had, as another CPU's ring may be
  sorter.push(40, 24);
  assertEquals(take(sorter, sorter.endRound()), ["10@8", "20@16", "30@0"]);
  assertEquals(take(sorter, sorter.endRound()), ["40@24"]);
  assertEquals(sorter.count, 0);
  assertEquals(sorter.outOfOrder, 0);
});

Deno.test("sorter() keeps the order of the file among equal times", () => {
  const sorter = new RoundSorter();
  [5, 7, 7, 5, 7, 5].forEach((time, i) => sorter.push(time, i * 8));
  assertEquals(take(sorter, sorter.endInput()), ["5@0", "5@24", "5@40", "7@8", "7@16", "7@32"]);
});

Deno.test("sorter() counts a record that is older than one that has gone out", () => {
  const sorter = new RoundSorter();
  sorter.push(10, 0);
  sorter.endRound();
  assertEquals(take(sorter, sorter.endRound()), ["10@0"]);
  sorter.push(9, 8);
  sorter.push(10, 16);
  assertEquals(sorter.outOfOrder, 1);
  assertEquals(take(sorter, sorter.endInput()), ["9@8", "10@16"]);
});

Deno.test("sorter() sorts any mix of runs and rounds as a plain sort does", () => {
  let state = 7;
  const random = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  for (let round = 0; round < 50; round++) {
    const sorter = new RoundSorter(4);
    const given: [number, number][] = [];
    const out: string[] = [];
    const runs = random(9);
    for (let run = 0; run < runs; run++) {
      let time = random(1000);
      for (let n = random(300); n > 0; n--) {
        time += random(4);
        given.push([time, given.length * 8]);
        sorter.push(...given[given.length - 1]);
      }
      // Sorting part of the way, without letting anything out, must not disturb what follows.
      if (random(3) === 0) sorter.endRound();
    }
    out.push(...take(sorter, sorter.endInput()));
    given.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    assertEquals(out, given.map(([time, place]) => `${time}@${place}`));
  }
});

Deno.test("sorter() merges the rings of a hundred CPUs, round by round, into the order of time", () => {
  const CPUS = 100, ROUNDS = 6, EACH = 40;
  const sorter = new RoundSorter(4);
  const out: string[] = [], given: [number, number][] = [[500, 0]];
  sorter.push(500, 0);
  sorter.endRound(); // so that the next one cuts every run in two
  for (let round = 0; round < ROUNDS; round++) {
    for (let cpu = 0; cpu < CPUS; cpu++) {
      // rings that are drained later hold younger records
      for (let n = 0; n < EACH; n++) {
        given.push([round * 1000 + cpu * 3 + n * 25 + (n * cpu) % 7, given.length * 8]);
      }
      for (const record of given.slice(-EACH)) sorter.push(...record);
    }
    out.push(...take(sorter, sorter.endRound()));
  }
  out.push(...take(sorter, sorter.endInput()));
  given.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  assertEquals(sorter.outOfOrder, 0);
  assertEquals(out, given.map(([time, place]) => `${time}@${place}`));
});

Deno.test("sorter() moves the places of what it holds", () => {
  const sorter = new RoundSorter();
  sorter.push(2, 800);
  sorter.push(1, 808);
  assertEquals(sorter.lowestPlace(4000), 800);
  sorter.movePlaces(800);
  assertEquals(take(sorter, sorter.endInput()), ["1@8", "2@0"]);
  assertEquals(sorter.lowestPlace(4000), 4000);
  sorter.push(3, 1600);
  sorter.push(1, 1608);
  sorter.push(4, 1616);
  sorter.endRound(); // nothing goes out, and the order stays that of the places
  sorter.movePlaces(1600);
  sorter.push(5, 24);
  assertEquals(sorter.lowestPlace(4000), 0);
  assertEquals(take(sorter, sorter.endInput()), ["1@8", "3@0", "4@16", "5@24"]);
});
