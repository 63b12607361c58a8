import { assertEquals } from "@std/assert";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import { type CpuCounter, CpuCounters } from "../../../lib/counters/cpus/cpu_counters.ts";
import { OnlineWatch } from "../../../lib/counters/open/online_watch.ts";
import type { CountValue } from "../../../lib/counters/rows/row.ts";

/** A CPU whose one counter is moved by hand; it counts while the set is enabled. */
class FakeCounter implements CpuCounter {
  count = 0n;
  enabled: number | undefined;
  closed = false;
  #last = 0n;

  enable(set: number) {
    this.enabled = set;
  }
  disable() {
    this.enabled = undefined;
  }
  since(): CountValue[] {
    const counted = this.count - this.#last;
    this.#last = this.count;
    return [{ value: counted }];
  }
  total(): CountValue[] {
    return [{ value: this.count }];
  }
  close() {
    this.closed = true;
  }
}

function twoCpus() {
  const opened: FakeCounter[] = [];
  const notes: string[] = [];
  const open = (cpu: number) => {
    if (cpu > 8) throw new UnsupportedError({ attempt: `count on CPU ${cpu}`, cause: "no counter" }, 2);
    opened.push(new FakeCounter());
    return opened.at(-1)!;
  };
  const counters = new CpuCounters([0, 1], { open, sets: 1, note: (line) => notes.push(line) });
  counters.enable(0);
  return { counters, opened, notes };
}

const values = (counts: readonly CountValue[]) => counts.map(({ value }) => value);

Deno.test("a CPU that goes keeps what it has counted, and is counted on when it is back", () => {
  const { counters, opened, notes } = twoCpus();
  [opened[0].count, opened[1].count] = [10n, 20n];
  assertEquals(counters.since().map(({ cpu, counts }) => [cpu, ...values(counts)]), [[0, 10n], [1, 20n]]);
  opened[1].count = 25n;
  counters.cpuOffline(1, 2.5);
  assertEquals(opened[1].closed, true);
  const [, last] = counters.since();
  assertEquals([last.cpu, values(last.counts), last.remark], [1, [5n], "CPU 1 went offline after 2.5 s"]);
  assertEquals(counters.since().map(({ cpu }) => cpu), [0]);
  counters.cpuOnline(1, 4, false);
  assertEquals(opened[2].enabled, 0);
  opened[2].count = 7n;
  const [, back] = counters.since();
  assertEquals(values(back.counts), [7n]);
  assertEquals(back.remark, "CPU 1 came online after 4.0 s and is counted from then on");
  assertEquals(counters.totals(0).map(values), [[10n], [32n]]);
  assertEquals(notes, counters.cpuEvents.map((what) => `warning: ${what}`));
});

Deno.test("a CPU that goes and comes between two rows has one row, with all of it", () => {
  const { counters, opened } = twoCpus();
  opened[1].count = 3n;
  counters.cpuOffline(1, 1);
  counters.cpuOnline(1, 1.2, false);
  opened[2].count = 4n;
  const [, row] = counters.since();
  assertEquals([values(row.counts), row.remark?.split("; ").length], [[7n], 2]);
});

Deno.test("a CPU that was not there is counted where all of them are, and its total is unknown where it cannot be", () => {
  const { counters, opened, notes } = twoCpus();
  counters.cpuOnline(2, 1, false);
  assertEquals([counters.size, notes], [2, []]);
  counters.cpuOnline(2, 1, true);
  opened[2].count = 5n;
  assertEquals(counters.totals(0).map(values), [[0n], [0n], [5n]]);
  counters.cpuOnline(9, 2, true);
  assertEquals(counters.totals(0).at(-1), [{}]);
  assertEquals(notes.at(-1)?.includes("CPU 9 came online after 2.0 s and is not counted"), true);
});

Deno.test("OnlineWatch tells of what went and came since the last look", () => {
  const looks = [[0, 1], [0], [0], [0, 1, 2]];
  const watch = new OnlineWatch([0, 1], () => looks.shift()!);
  assertEquals([watch.poll(), watch.poll(), watch.poll(), watch.poll()], [
    undefined,
    { offline: [1], online: [] },
    undefined,
    { offline: [], online: [1, 2] },
  ]);
});
