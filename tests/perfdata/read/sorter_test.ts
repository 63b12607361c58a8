import { assertEquals } from "@std/assert";
import { RoundSorter } from "../../../lib/perfdata/read/sorter.ts";

/** Ends a round; returns the places that go out. */
function round(sorter: RoundSorter): number[] {
  const places: number[] = [];
  sorter.endRound((batch, count) => places.push(...batch.subarray(0, count)));
  return places;
}

/** Ends the input; returns the places that go out. */
function rest(sorter: RoundSorter): number[] {
  const places: number[] = [];
  sorter.endInput((batch, count) => places.push(...batch.subarray(0, count)));
  return places;
}

Deno.test("sorter() holds a round back until the next has ended", () => {
  const sorter = new RoundSorter();
  sorter.push(30, 0);
  sorter.push(10, 8);
  assertEquals(round(sorter), []);
  sorter.push(20, 16); // older than what the first round had, as another CPU's ring may be
  sorter.push(40, 24);
  assertEquals(round(sorter), [8, 16, 0]);
  assertEquals(round(sorter), [24]);
  assertEquals(sorter.count, 0);
  assertEquals(sorter.outOfOrder, 0);
});

Deno.test("sorter() keeps the order of the file among equal times", () => {
  const sorter = new RoundSorter();
  [5, 7, 7, 5, 7, 5].forEach((time, i) => sorter.push(time, i * 8));
  assertEquals(rest(sorter), [0, 24, 40, 8, 16, 32]);
});

Deno.test("sorter() counts a record that is older than one that has gone out", () => {
  const sorter = new RoundSorter();
  sorter.push(10, 0);
  assertEquals(round(sorter), []);
  assertEquals(round(sorter), [0]);
  sorter.push(9, 8);
  sorter.push(10, 16);
  assertEquals(sorter.outOfOrder, 1);
  assertEquals(rest(sorter), [8, 16]);
});

Deno.test("sorter() lets out of any mix of runs and rounds what a plain sort of all that is held does", () => {
  let state = 7;
  const random = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  for (let mix = 0; mix < 200; mix++) {
    const sorter = new RoundSorter(4);
    let held: { time: number; place: number }[] = [];
    let limit = -Infinity, youngest = -Infinity, place = 0;
    const expected = () => {
      const out = held.filter(({ time }) => time <= limit).sort((a, b) =>
        a.time - b.time || a.place - b.place
      );
      held = held.filter(({ time }) => time > limit);
      limit = youngest;
      return out.map(({ place }) => place);
    };
    for (let rounds = random(5); rounds > 0; rounds--) {
      for (let runs = random(9); runs > 0; runs--) {
        let time = random(1000);
        for (let n = random(300); n > 0; n--) {
          time += random(4);
          youngest = Math.max(youngest, time);
          held.push({ time, place });
          sorter.push(time, place);
          place += 8;
        }
      }
      assertEquals(round(sorter), expected());
    }
    limit = Infinity;
    assertEquals(rest(sorter), expected());
    assertEquals(sorter.count, 0);
  }
});

Deno.test("sorter() merges the rings of a hundred CPUs, round by round, into the order of time", () => {
  const CPUS = 100, ROUNDS = 6, EACH = 40;
  const sorter = new RoundSorter(4);
  const out: number[] = [], given: [number, number][] = [[500, 0]];
  sorter.push(500, 0);
  round(sorter); // so that the next one cuts every run in two
  for (let turn = 0; turn < ROUNDS; turn++) {
    for (let cpu = 0; cpu < CPUS; cpu++) {
      // rings that are drained later hold younger records
      for (let n = 0; n < EACH; n++) {
        given.push([turn * 1000 + cpu * 3 + n * 25 + (n * cpu) % 7, given.length * 8]);
      }
      for (const record of given.slice(-EACH)) sorter.push(...record);
    }
    out.push(...round(sorter));
  }
  out.push(...rest(sorter));
  given.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  assertEquals(sorter.outOfOrder, 0);
  assertEquals(out, given.map(([, place]) => place));
});

Deno.test("sorter() moves the places of what it holds", () => {
  const sorter = new RoundSorter();
  sorter.push(2, 800);
  sorter.push(1, 808);
  assertEquals(sorter.lowestPlace(4000), 800);
  sorter.movePlaces(800);
  assertEquals(rest(sorter), [8, 0]);
  assertEquals(sorter.lowestPlace(4000), 4000);
  sorter.push(3, 1600);
  sorter.push(1, 1608);
  sorter.push(4, 1616);
  assertEquals(round(sorter), []); // and the order stays that of the places
  sorter.movePlaces(1600);
  sorter.push(5, 24);
  assertEquals(sorter.lowestPlace(4000), 0);
  assertEquals(rest(sorter), [8, 0, 16, 24]);
});
