/**
 * CPUs that go and come while a recording runs. The kernel takes a CPU's own events away when it goes and does
 * not bring them back: they are opened again. Events of threads stay, but there are none on a CPU that was not there at
 * the start.
 */

import { onlineCpus } from "../../events/sysfs.ts";
import { type CpuChange, cpuChangeText } from "../../perfdata/format/session_info.ts";

/** What runs on a CPU that has come back is not recorded before that is seen. */
const POLL_MS = 100;

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

/** What is to be known of a recording, to look after its CPUs. */
export interface WatchedRecording {
  cpus: readonly number[];
  /** The events are of threads. */
  ofThreads: boolean;
  /** Opens the events again on a CPU that has come back; tells whether they are open. */
  reopen(cpu: number): Promise<boolean>;
  /** Gets a line for each change. */
  note(line: string): void;
}

/** The CPUs of a recording, looked at all the while until `stop()`. */
export class CpuWatch {
  /** What was seen, in order. */
  readonly changes: CpuChange[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Begins to look. */
  begin({ cpus, ofThreads, reopen, note }: WatchedRecording): void {
    const seen = new CpuChanges(cpus, ofThreads);
    const started = performance.now();
    const tell = (change: CpuChange) => {
      this.changes.push(change);
      note(`warning: ${cpuChangeText(change)}`);
    };
    this.#timer = setInterval(async () => {
      for (const change of seen.observe(onlineCpus(), (performance.now() - started) / 1000)) {
        const back = change.online && !ofThreads && await reopen(change.cpu);
        tell(back ? { ...change, recorded: true } : change);
      }
    }, POLL_MS);
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
