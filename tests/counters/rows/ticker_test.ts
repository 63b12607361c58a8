import { assertEquals } from "@std/assert";
import { Rotation } from "../../../lib/counters/rows/rotation.ts";
import { type TickClock, Ticker } from "../../../lib/counters/rows/ticker.ts";

/** A clock whose sleeps take no time and may ring early or late. */
class FakeClock implements TickClock {
  time = 1000;
  slept: number[] = [];
  /** Added to the next sleeps, one each. */
  offBy: number[] = [];
  now = () => this.time;
  sleep(ms: number) {
    this.slept.push(ms);
    this.time += ms + (this.offBy.shift() ?? 0);
    return Promise.resolve();
  }
}

const NEVER = new Promise<void>(() => {});

Deno.test("Ticker ticks at whole intervals, however long the work between takes", async () => {
  const clock = new FakeClock();
  const ticker = new Ticker(clock, 100, NEVER);
  ticker.start();
  const ticks: number[] = [];
  for (const work of [0, 30, 60, 0]) {
    assertEquals(await ticker.next(), true);
    ticks.push(clock.time - 1000);
    clock.time += work;
  }
  assertEquals(ticks, [100, 200, 300, 400]);
  assertEquals(clock.slept, [100, 100, 70, 40]);
});

Deno.test("Ticker leaves out the ticks that were slept through", async () => {
  const clock = new FakeClock();
  const ticker = new Ticker(clock, 100, NEVER);
  ticker.start();
  await ticker.next();
  clock.time += 250;
  await ticker.next();
  assertEquals(clock.time - 1000, 400);
});

Deno.test("Ticker waits on when the timer rings early", async () => {
  const clock = new FakeClock();
  clock.offBy = [-5];
  const ticker = new Ticker(clock, 100, NEVER);
  ticker.start();
  await ticker.next();
  assertEquals(clock.time - 1000, 100);
  assertEquals(clock.slept, [100, 5]);
});

Deno.test("Ticker ends when it is told to, and when what it waits for fails", async () => {
  for (const stopped of [Promise.resolve(), Promise.reject(new Error("gone"))]) {
    const ticker = new Ticker(new FakeClock(), 100, stopped);
    ticker.start();
    await Promise.resolve();
    await Promise.resolve();
    assertEquals(await ticker.next(), false);
    await stopped.catch(() => {});
  }
});

Deno.test("Rotation gives each set its turn, and begins again", () => {
  const rotation = new Rotation(3);
  assertEquals([rotation.current, rotation.next(), rotation.next(), rotation.next()], [0, 1, 2, 0]);
  assertEquals(new Rotation(1).next(), 0);
});
