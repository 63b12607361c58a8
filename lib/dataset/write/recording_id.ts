/** Id of a recording: a hash of what was sampled, so that the same recording has one, whatever its file is called. */

import type { Profile } from "../../profile/model/profile.ts";

/** Bytes of a hash that an id has, in hex. */
const ID_BYTES = 16;

/**
 * Returns the id of a recording: of its machine, its clock, and the time, event, thread, CPU and weight of each sample.
 * Names of functions are no part of it: they may be found later, when the same recording is exported once more. The
 * profile must have `times`.
 */
export function recordingId({ meta, events, threads, samples, times }: Profile): string {
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  const { host, kernel, arch, cpus, start, end } = meta;
  hash.update(
    JSON.stringify([host, kernel, arch, cpus, `${start}`, `${end}`, events.map(({ name }) => name)]),
  );
  const { at, sample, period } = times!;
  const row = new Int32Array(4 * sample.length);
  for (let i = 0; i < sample.length; i++) {
    const of = sample[i], thread = samples.thread[of];
    row[4 * i] = samples.event[of];
    row[4 * i + 1] = threads.pid[thread];
    row[4 * i + 2] = threads.tid[thread];
    row[4 * i + 3] = samples.cpu[of];
  }
  for (const column of [at, period, row]) {
    hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  }
  return hash.digest("hex").slice(0, 2 * ID_BYTES);
}
