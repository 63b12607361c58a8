/** A small recording with samples in code that its process made at run time. */

import { PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { makeAttr } from "../../../lib/events/attr.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import { encodeComm, encodeMmap2 } from "../../../lib/perfdata/format/record_encoders.ts";
import { encodeFileStart } from "../../../lib/perfdata/format/writer.ts";

const ATTR = {
  ...makeAttr({
    type: 1,
    config: 0n,
    samplePeriod: 1000n,
    sampleType: PERF_SAMPLE.IP | PERF_SAMPLE.TID | PERF_SAMPLE.TIME,
    readFormat: 0,
    flags: ["sampleIdAll", "mmap", "mmap2", "comm", "task", "useClockid"],
  }),
  clockid: 1,
};
const made = new Map<string, Uint8Array>();

/** The recording of a process that has mapped `path`: `//anon` for code of no file, or a jitdump. */
export function recordingOfCode(path: string): Uint8Array {
  let recording = made.get(path);
  if (recording === undefined) made.set(path, recording = makeRecording(path));
  return recording;
}

function makeRecording(path: string): Uint8Array {
  const layout = compileLayout(ATTR);
  const trailer = (time: bigint) => ({ pid: 100, tid: 100, time, cpu: 0, id: 1n });
  const map = (start: number, filename: string) =>
    encodeMmap2(
      {
        pid: 100,
        tid: 100,
        start,
        length: 0x4000,
        pgoff: 0,
        maj: 0,
        min: 0,
        ino: 0n,
        prot: 5,
        flags: 2,
        filename,
      },
      layout,
      trailer(999_999_000n),
    );
  const samples = Array.from({ length: 10 }, (_, i) => {
    const w = new ByteWriter(64).u32(9).u16(2).u16(0);
    w.u64(0x7f0000001000 + 40 * i).u32(100).u32(100).u64(1_000_000_000n + BigInt(40 * i));
    return w.patchU16(6, w.length).bytes();
  });
  return concat([
    encodeFileStart([{ attr: ATTR, ids: [1n] }]).bytes,
    encodeComm({ pid: 100, tid: 100, comm: "node", exec: false }, layout, trailer(999_998_000n)),
    map(0x7f0000000000, "//anon"),
    map(0x600000, path),
    ...samples,
  ]);
}
