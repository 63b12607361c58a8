/** Rings without a kernel, for tests of recordings: drains that take the records a test gives, and log each step. */

import { type DrainOptions, PmuError, type RingStats, type SeenRecords, writeAll } from "../../ffi/pmu.ts";
import { concat } from "../../lib/base/bytes/bytes.ts";
import { resolveEvents } from "../../lib/events/resolve.ts";
import type { Sampler } from "../../lib/record/backends/registry.ts";
import type { RecordRequest } from "../../lib/record/request/request.ts";
import { samplingAttr } from "../../lib/record/request/sampling.ts";
import type { RingDrain } from "../../lib/record/rings/rings.ts";
import { madeSample } from "../perfdata/sample_fixtures.ts";

/** Samples that wait in the one ring there is, and the drains that have been made from it. */
export class FakeRings {
  /** Steps of all drains, in order: `drain 1: start`. */
  readonly log: string[] = [];
  readonly drains: FakeDrain[] = [];
  /** Called at each step of a drain. */
  onStep: (step: string) => void = () => {};
  /** Gives what `tryAdd` returns, by the number of pages and of the drain (from 1). */
  addResult: (pages: number, drain: number) => number = () => 0;
  readonly #waiting: Uint8Array[] = [];

  readonly newDrain = (options: DrainOptions): FakeDrain => {
    const drain = new FakeDrain(this, this.drains.length + 1, options);
    this.drains.push(drain);
    return drain;
  };

  /** Puts a record into the ring. */
  push(record: Uint8Array): void {
    this.#waiting.push(record);
  }

  take(): Uint8Array[] {
    return this.#waiting.splice(0);
  }
}

const NO_STATS: RingStats = {
  cpu: 0,
  samples: 0,
  records: 0,
  bytes: 0,
  lost: 0,
  lostSamples: 0,
  throttle: 0,
  unthrottle: 0,
  buf: 0,
  emptybuf: 0,
  dropbuf: 0,
  dropbufSample: 0,
  droppedBytes: 0,
};

/** Drain that writes everything in the ring when it is stopped. */
export class FakeDrain implements RingDrain {
  readonly options: DrainOptions;
  /** First error of writing, set by a test. */
  error: PmuError | undefined;
  /** Holds `stop()` up until it resolves. */
  held: Promise<void> = Promise.resolve();
  cuts: string[] = [];
  times: undefined;
  /** Mappings and forks that the drain tells of once. */
  seen: SeenRecords = { maps: [], forks: [] };
  readonly standIns: [ring: number, fd: number][] = [];
  readonly #rings: FakeRings;
  readonly #number: number;
  readonly #stats: RingStats = { ...NO_STATS };
  #written = 0;

  constructor(rings: FakeRings, number: number, options: DrainOptions) {
    this.#rings = rings;
    this.#number = number;
    this.options = options;
  }

  tryAdd(_fd: number, pages: number, cpu: number): number {
    this.#stats.cpu = cpu;
    return this.#rings.addResult(pages, this.#number);
  }

  add(fd: number, pages: number, cpu: number): number {
    return this.tryAdd(fd, pages, cpu);
  }

  addStandIn(ring: number, fd: number): void {
    this.standIns.push([ring, fd]);
  }

  setBase(bytes: number): void {
    this.#written = bytes;
  }

  start(): void {
    this.#log("start");
  }

  abort(): void {
    this.#log("abort");
  }

  async stop(): Promise<PmuError | undefined> {
    this.#log("stop");
    await this.held;
    const records = this.#rings.take();
    const bytes = concat(records);
    this.#stats.samples += records.length;
    this.#stats.records += records.length;
    if (this.error) this.#stats.dropbufSample += records.length;
    else {
      writeAll(this.options.outFd, bytes);
      this.#written += bytes.length;
    }
    return this.error;
  }

  get written(): number {
    return this.#written;
  }

  stats(): RingStats[] {
    return [{ ...this.#stats }];
  }

  see(): void {}

  takeSeen(): SeenRecords {
    const seen = this.seen;
    this.seen = { maps: [], forks: [] };
    return seen;
  }

  seeAgain(): void {}

  free(): void {
    this.#log("free");
  }

  #log(step: string): void {
    const line = `drain ${this.#number}: ${step}`;
    this.#rings.log.push(line);
    this.#rings.onStep(line);
  }
}

/** Returns a sampled event, cpu-clock:u, that is open nowhere but counts as CPU 0's, with id 7. */
export function fakeSampler(fd = -1): Sampler {
  const [{ events: [event] }] = resolveEvents("cpu-clock:u");
  const attr = samplingAttr(event, {}, { several: false, watermark: 0, enableOnExec: false }, "own");
  // without PERF_FORMAT_LOST nothing is read from the kernel
  return {
    event,
    attr: { ...attr, readFormat: 0 },
    places: [{ tid: -1, cpu: 0, fd, id: 7n }],
    choice: { backend: "clock" },
  };
}

/** Returns a sample of that event at this time, in ns. */
export function fakeSample(time: number): Uint8Array {
  return madeSample(fakeSampler().attr, { ip: 0x1000, pid: 100, time });
}

/** Returns a request for a recording of a command into `path`. */
export function fakeRequest(path: string, changes: Partial<RecordRequest> = {}): RecordRequest {
  return {
    groups: [],
    sampling: {},
    target: { kind: "command", argv: ["work", "hard"] },
    cpus: [0],
    ringPages: 8,
    objectPolicy: "nothing",
    output: { kind: "file", path },
    commandLine: ["pmuctl", "record"],
    host: {
      hostname: "testhost",
      osrelease: "6.1",
      arch: "x86_64",
      cpusOnline: 1,
      cpusAvailable: 1,
      cpudesc: "",
      cpuid: "",
      totalMemoryKb: 1024,
    },
    standing: { privilege: { paranoid: 2, capable: true, seccomp: false }, hasCorePmu: false },
    keepRate: true,
    ...changes,
  };
}
