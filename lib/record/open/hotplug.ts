/**
 * Watches for CPUs that go offline and come back while a recording runs. The kernel removes a CPU's own events when it
 * goes, so they are opened again when it comes back. Events of threads stay, but there are none on a CPU that was
 * offline at the start.
 */

import { everyBeat } from "../../base/system/beat.ts";
import { onlineCpus } from "../../events/sysfs.ts";
import { type CpuChange, cpuChangeText } from "../../perfdata/own/session_info.ts";

/** Finds the changes of CPUs that cost a recording samples, from lists of online CPUs. */
export class CpuChanges {
  readonly #recorded: ReadonlySet<number>;
  readonly #ofThreads: boolean;
  #online: ReadonlySet<number>;
  /** List that was observed last. */
  #list: readonly number[] | undefined;

  /** @param ofThreads whether the events are of threads, which the kernel moves to other CPUs. */
  constructor(recorded: readonly number[], ofThreads: boolean) {
    this.#recorded = new Set(recorded);
    this.#ofThreads = ofThreads;
    this.#online = this.#recorded;
  }

  /** Returns the changes since the last call that cost samples; `seconds` is the time since the recording's start. */
  observe(online: readonly number[], seconds: number): CpuChange[] {
    if (online === this.#list) return [];
    this.#list = online;
    const before = this.#online, now = this.#online = new Set(online);
    const gone = this.#ofThreads ? [] : [...before].filter((cpu) => this.#recorded.has(cpu) && !now.has(cpu));
    const come = [...now].filter((cpu) => !before.has(cpu) && this.#misses(cpu));
    return [
      ...gone.map((cpu) => ({ seconds, cpu, online: false })),
      ...come.map((cpu) => ({ seconds, cpu, online: true })),
    ];
  }

  /** Returns whether a CPU that has just come is not recorded, though it was asked for. */
  #misses(cpu: number): boolean {
    return this.#ofThreads ? !this.#recorded.has(cpu) : this.#recorded.has(cpu);
  }
}

/** Recording whose CPUs are watched. */
export interface WatchedRecording {
  cpus: readonly number[];
  /** Whether the events are of threads. */
  ofThreads: boolean;
  /** Opens the events again on a CPU that has come back; returns whether they are open. */
  reopen(cpu: number): Promise<boolean>;
  /** Gets a line for each change. */
  note(line: string): void;
}

/** Watch over a recording's CPUs, until `stop()`. A CPU that comes back is not recorded until the next look. */
export class CpuWatch {
  /** Changes so far, in order. */
  readonly changes: CpuChange[] = [];
  #stop = () => {};

  /** Starts the watch. */
  begin({ cpus, ofThreads, reopen, note }: WatchedRecording): void {
    const seen = new CpuChanges(cpus, ofThreads);
    const started = performance.now();
    const tell = (change: CpuChange) => {
      this.changes.push(change);
      note(`warning: ${cpuChangeText(change)}`);
    };
    this.#stop = everyBeat(async () => {
      for (const change of seen.observe(onlineCpus(), (performance.now() - started) / 1000)) {
        const back = change.online && !ofThreads && await reopen(change.cpu);
        tell(back ? { ...change, recorded: true } : change);
      }
    });
  }

  stop(): void {
    this.#stop();
  }
}
