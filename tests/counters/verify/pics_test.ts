import { assertEquals } from "@std/assert";
import { PERF_COUNT_HW } from "../../../lib/base/system/abi.ts";
import { countPics, type GroupOpener } from "../../../lib/counters/verify/pics.ts";
import type { EventAttr } from "../../../lib/events/attr.ts";
import type { Pmu } from "../../../lib/events/sysfs.ts";

const pmu: Pmu = {
  name: "cpu_core",
  type: 4,
  formats: new Map(),
  events: new Map(),
  core: true,
  caps: new Map(),
};

/** A PMU of some general counters, of which another user has pinned some, and fixed ones for some events. */
class FakePmu implements GroupOpener {
  readonly open_ = new Map<number, EventAttr>();
  readonly configs: bigint[] = [];
  #next = 3;

  constructor(
    readonly general: number,
    readonly fixed: number[],
    readonly taken = 0,
    readonly unknown: number[] = [],
  ) {}

  open(attr: EventAttr, leader: number): number {
    if (this.unknown.includes(Number(attr.config & 0xffffffffn))) return -2;
    if ((leader === -1) !== attr.flags.has("pinned")) return -22; // only a leader may be pinned
    if (leader !== -1 && !this.open_.has(leader)) return -9;
    this.open_.set(this.#next, attr);
    if (this.#needed() > this.general) {
      this.open_.delete(this.#next);
      return -22;
    }
    this.configs.push(attr.config);
    return this.#next++;
  }

  counts(): boolean {
    return this.#needed() <= this.general - this.taken;
  }

  close(fd: number): void {
    if (!this.open_.delete(fd)) throw new Error(`${fd} is not open`);
  }

  /** General counters that the open events need, each fixed counter being taken once. */
  #needed(): number {
    const free = new Set(this.fixed);
    let needed = 0;
    for (const { config } of this.open_.values()) if (!free.delete(Number(config & 0xffffffffn))) needed++;
    return needed;
  }
}

Deno.test("countPics() counts general and fixed counters and closes all it opened", () => {
  const { CPU_CYCLES, INSTRUCTIONS, REF_CPU_CYCLES } = PERF_COUNT_HW;
  const intel = new FakePmu(8, [CPU_CYCLES, INSTRUCTIONS, REF_CPU_CYCLES]);
  assertEquals(countPics(pmu, false, intel), { general: 8, fixed: 3 });
  assertEquals(intel.open_.size, 0);
  assertEquals(countPics(pmu, false, new FakePmu(6, [])), { general: 6, fixed: 0 });
  assertEquals(countPics(pmu, false, new FakePmu(6, [CPU_CYCLES])), { general: 6, fixed: 1 });
});

Deno.test("countPics() leaves out counters that another user has", () => {
  const watched = new FakePmu(4, [], 1);
  assertEquals(countPics(pmu, false, watched), { general: 3, fixed: 0 });
  assertEquals(watched.open_.size, 0);
});

Deno.test("countPics() fills a PMU without branch misses with instructions", () => {
  const { BRANCH_MISSES, CPU_CYCLES, REF_CPU_CYCLES } = PERF_COUNT_HW;
  const emulated = new FakePmu(6, [CPU_CYCLES], 0, [BRANCH_MISSES, REF_CPU_CYCLES]);
  assertEquals(countPics(pmu, false, emulated), { general: 6, fixed: 1 });
  const taken = new FakePmu(4, [PERF_COUNT_HW.INSTRUCTIONS], 4);
  assertEquals(countPics(pmu, false, taken), { general: 0, fixed: 1 }); // branch misses are there, and wait
});

Deno.test("countPics() finds none where nothing opens, and ends where everything does", () => {
  assertEquals(countPics(pmu, false, new FakePmu(0, [])), { general: 0, fixed: 0 });
  assertEquals(countPics(pmu, false, new FakePmu(1000, [])).general, 64);
});

Deno.test("countPics() names the PMU in its events where there are several", () => {
  const hybrid = new FakePmu(1, []);
  countPics(pmu, true, hybrid);
  assertEquals(hybrid.configs, [(4n << 32n) | BigInt(PERF_COUNT_HW.BRANCH_MISSES)]);
});
