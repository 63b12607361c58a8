/**
 * CPUs that go and come while a recording runs. The kernel takes a CPU's own events away when it goes and does
 * not bring them back; events of threads stay, but there are none on a CPU that was not there at the start.
 */

import { onlineCpus } from "../events/sysfs.ts";
import { type CpuChange, cpuChangeText } from "../perfdata/session_info.ts";

const LOOK_EVERY_MS = 1000;

/** Finds what changed for a recording since it was last asked; pure, for what `watchCpus` sees. */
export class CpuChanges {
  readonly #recorded: ReadonlySet<number>;
  readonly #ofThreads: boolean;
  #online: ReadonlySet<number>;

  /** @param ofThreads the events are of threads, which a CPU that goes hands to the others. */
  constructor(recorded: readonly number[], ofThreads: boolean) {
    this.#recorded = new Set(recorded);
    this.#ofThreads = ofThreads;
    this.#online = this.#recorded;
  }

  /** The changes that cost samples, `seconds` into the recording. */
  observe(online: readonly number[], seconds: number): CpuChange[] {
    const before = this.#online, now = this.#online = new Set(online);
    const gone = this.#ofThreads ? [] : [...before].filter((cpu) => this.#recorded.has(cpu) && !now.has(cpu));
    const come = [...now].filter((cpu) => !before.has(cpu) && this.#misses(cpu));
    return [
      ...gone.map((cpu) => ({ seconds, cpu, online: false })),
      ...come.map((cpu) => ({ seconds, cpu, online: true })),
    ];
  }

  /** Whether what runs on a CPU that has just come is not recorded, though it was asked for. */
  #misses(cpu: number): boolean {
    return this.#ofThreads ? !this.#recorded.has(cpu) : this.#recorded.has(cpu);
  }
}

/** The CPUs of a recording, looked at once a second until `stop()`. */
export class CpuWatch {
  /** What was seen, in order. */
  readonly changes: CpuChange[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Begins to look; `note` gets a line for each change. */
  begin(recorded: readonly number[], ofThreads: boolean, note: (line: string) => void): void {
    const seen = new CpuChanges(recorded, ofThreads);
    const started = performance.now();
    this.#timer = setInterval(() => {
      for (const change of seen.observe(onlineCpus(), (performance.now() - started) / 1000)) {
        this.changes.push(change);
        note(`warning: ${cpuChangeText(change)}`);
      }
    }, LOOK_EVERY_MS);
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
