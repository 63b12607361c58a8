/** Row of the table `recordings`: what a recording is, and what its reports say besides their rows. */

import { writtenBigint } from "../../base/text/json_bigint.ts";
import { type Profile, sampleCount } from "../../profile/model/profile.ts";
import { LAYOUT_VERSION } from "../layout/partitions.ts";
import { bounded } from "./frames.ts";
import type { TableFile } from "./table_file.ts";
import type { WallClock } from "./wall_clock.ts";

/** Facts of a recording that the user gives. */
export interface RecordingLabels {
  /** Values of labels by their keys. */
  labels: ReadonlyMap<string, string>;
  /** Revision of the source that was recorded. */
  revision?: string;
}

/** Writes the row of a recording. */
export function writeRecording(
  file: TableFile,
  profile: Profile,
  { recording, source, clock, labels, revision }: RecordingLabels & {
    recording: string;
    /** Name of the file that was exported. */
    source: string;
    clock: WallClock;
  },
): void {
  const { meta, events, processes, comms } = profile;
  const known = (number: number) => number < 0 ? null : number;
  const time = (at: number) => at === at ? BigInt(Math.floor(at)) : null;
  const stored = {
    meta,
    events,
    processes: Array.from(processes.pid, (pid, row) => [pid, comms[processes.comm[row]]]),
  };
  file.values({
    recording: [recording],
    layout: [LAYOUT_VERSION],
    start: [time(clock.first)],
    end: [time(clock.last)],
    time_source: [clock.source],
    seconds: [known(meta.seconds)],
    source: [bounded(source)],
    command: [bounded(meta.command)],
    kernel: [bounded(meta.kernel)],
    arch: [bounded(meta.arch)],
    cpu: [bounded(meta.cpu)],
    cpus: [known(meta.cpus)],
    events: [events.filter(({ tracksOnly }) => !tracksOnly).map(({ name }) => bounded(name))],
    samples: [BigInt(sampleCount(profile))],
    lost: [meta.lost < 0 ? null : BigInt(meta.lost)],
    revision: [revision === undefined ? null : bounded(revision)],
    labels: [Object.fromEntries(labels)],
    profile: [JSON.stringify(stored, (_, value) => writtenBigint(value))],
  });
}
