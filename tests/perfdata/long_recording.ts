/** Recordings of any length, for tests of memory and of large files: one round of samples, repeated. */

import { PERF_RECORD, PERF_RECORD_MISC } from "../../lib/base/system/abi.ts";
import { encodeFileStart } from "../../lib/perfdata/format/writer.ts";
import { EVENTS, LAYOUT, records } from "./small_recording.ts";

const PER_ROUND = 1000;
/** Size in bytes of a sample: id, ip, tid, time, cpu, period, and a chain of 6. */
const SAMPLE_SIZE = 8 + 6 * 8 + 8 + 6 * 8;

/**
 * Round of PER_ROUND samples and its FINISHED_ROUND; the samples of two CPUs in turn, so that there is something to
 * sort.
 */
class Round {
  readonly bytes = new Uint8Array(PER_ROUND * SAMPLE_SIZE + 8);
  readonly #view = new DataView(this.bytes.buffer);

  constructor() {
    const view = this.#view;
    for (let i = 0; i < PER_ROUND; i++) {
      const at = i * SAMPLE_SIZE;
      view.setUint32(at, PERF_RECORD.SAMPLE, true);
      view.setUint16(at + 4, PERF_RECORD_MISC.USER, true);
      view.setUint16(at + 6, SAMPLE_SIZE, true);
      view.setBigUint64(at + LAYOUT.identifier, 11n, true);
      view.setBigUint64(at + LAYOUT.ip, BigInt(0x400100 + (i % 50) * 16), true);
      view.setUint32(at + LAYOUT.tid, 100, true);
      view.setUint32(at + LAYOUT.tid + 4, 100, true);
      view.setBigUint64(at + LAYOUT.period, 250_000n, true);
      view.setBigUint64(at + LAYOUT.callchain, 6n, true);
      view.setBigUint64(at + LAYOUT.callchain + 8, BigInt.asUintN(64, -512n), true); // PERF_CONTEXT_USER
      view.setBigUint64(at + LAYOUT.callchain + 16, BigInt(0x400100 + (i % 50) * 16), true);
      for (let frame = 1; frame < 5; frame++) {
        view.setBigUint64(at + LAYOUT.callchain + 16 + frame * 8, BigInt(0x400800 + frame * 16), true);
      }
    }
    view.setUint32(PER_ROUND * SAMPLE_SIZE, 68, true); // FINISHED_ROUND
    view.setUint16(PER_ROUND * SAMPLE_SIZE + 6, 8, true);
  }

  /** Sets the times of round `n`: those of one CPU first, then those of the other, which lie in between. */
  setTimes(n: number): void {
    const start = 2_000_000_000 + n * PER_ROUND * 1000;
    for (let i = 0; i < PER_ROUND; i++) {
      const cpu = i < PER_ROUND / 2 ? 0 : 1;
      const time = start + (i % (PER_ROUND / 2)) * 2000 + cpu * 1000;
      const at = i * SAMPLE_SIZE;
      this.#view.setUint32(at + LAYOUT.time, time % 2 ** 32, true);
      this.#view.setUint32(at + LAYOUT.time + 4, Math.floor(time / 2 ** 32), true);
      this.#view.setUint32(at + LAYOUT.cpu, cpu, true);
    }
  }
}

/** Writes a file with `samples` samples (in whole rounds) to `path`, as a killed recorder leaves it. */
export function writeLongRecording(path: string, samples: number): void {
  using file = Deno.createSync(path);
  const write = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  };
  write(encodeFileStart(EVENTS).bytes);
  for (const record of records().slice(0, 5)) write(record); // maps and names
  const round = new Round();
  for (let n = 0; n < samples / PER_ROUND; n++) {
    round.setTimes(n);
    write(round.bytes);
  }
}
