/** From records to a profile: a recording made in memory, with symbols handed in. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { PERF_CONTEXT, PERF_RECORD, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { addressToBigint } from "../../../lib/base/bytes/address.ts";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { makeAttr } from "../../../lib/events/attr.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import { encodeFeatures } from "../../../lib/perfdata/format/feature_encoders.ts";
import { encodeSessionInfo } from "../../../lib/perfdata/own/session_info.ts";
import { encodeComm, encodeFork, encodeMmap2 } from "../../../lib/perfdata/format/record_encoders.ts";
import { encodeFileEnd, encodeFileStart } from "../../../lib/perfdata/format/writer.ts";
import { overhead } from "../../../lib/profile/query/aggregate.ts";
import { ProfileQuery } from "../../../lib/profile/query/query.ts";
import { DEFAULT_SORT } from "../../../lib/profile/request/sort_keys.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import type { LoadOptions } from "../../../lib/profile/request/load_options.ts";
import { processNames, type Profile, sampleCount } from "../../../lib/profile/model/profile.ts";
import { parseTimeRanges } from "../../../lib/profile/request/time_ranges.ts";
import type { SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";
import { encodeExit } from "../../perfdata/exit_record.ts";

const attr = makeAttr({
  type: 1,
  samplePeriod: 1000n,
  sampleType: PERF_SAMPLE.IP | PERF_SAMPLE.TID | PERF_SAMPLE.TIME | PERF_SAMPLE.CPU | PERF_SAMPLE.PERIOD |
    PERF_SAMPLE.CALLCHAIN,
  flags: ["sampleIdAll", "freq"],
});
const layout = compileLayout(attr);
const KERNEL = addressToBigint(PERF_CONTEXT.KERNEL), USER = addressToBigint(PERF_CONTEXT.USER);
const KERNEL_CODE = 0xffffffff81000100n;

/** A sample; `ip` defaults to the first address of the chain. */
function sample(
  s: { pid: number; tid?: number; time: bigint; chain: bigint[]; ip?: bigint; period?: bigint },
): Uint8Array {
  const ip = s.ip ?? s.chain[1];
  const w = new ByteWriter();
  w.u32(PERF_RECORD.SAMPLE).u16(ip >> 63n ? 1 : 2).u16(0);
  w.u64(ip).u32(s.pid).u32(s.tid ?? s.pid).u64(s.time).u32(0).u32(0).u64(s.period ?? 1000n);
  w.u64(s.chain.length);
  for (const address of s.chain) w.u64(address);
  return w.patchU16(6, w.length).bytes();
}

const kernelList = "ffffffff81000000 T _text\nffffffff81000100 t page_fault\nffffffff82000000 T _etext\n";
/** Files without symbols, and a kernel with one function. */
const files: SymbolFiles = {
  open: () => undefined,
  kallsyms: () => new TextEncoder().encode(kernelList),
};

async function profileOf(
  records: Uint8Array[],
  session?: string,
  options: LoadOptions = {},
): Promise<Profile> {
  const start = encodeFileStart([{ attr, ids: [1n] }]);
  const size = records.reduce((sum, r) => sum + r.length, 0);
  const sections = encodeFeatures({
    hostname: "box",
    cmdline: ["perf", "record"],
    ...(session ? { ledger: session } : {}),
  });
  const { tail, patches } = encodeFileEnd(start.dataOffset, size, sections);
  const file = new ByteWriter();
  file.raw(start.bytes);
  for (const record of records) file.raw(record);
  const bytes = file.raw(tail).bytes();
  for (const { offset, bytes: patch } of patches) bytes.set(patch, offset);
  return await loadProfile(new MemoryBytes(bytes, "test"), files, options);
}

const map = (pid: number, start: number, filename: string, time: bigint) =>
  encodeMmap2(
    { pid, tid: pid, start, length: 0x1000, pgoff: 0, prot: 5, flags: 2, filename },
    layout,
    { pid, tid: pid, time },
  );
const comm = (pid: number, name: string, time: bigint, exec = false) =>
  encodeComm({ pid, tid: pid, comm: name, exec }, layout, { pid, tid: pid, time });

/** `COMM OBJECT SYMBOL: SELF/TOTAL` of each row. */
function rows(profile: Profile): string[] {
  const counts = new ProfileQuery(profile).by(DEFAULT_SORT);
  return overhead(profile, counts, 0).map((row) =>
    `${counts.valuesOf(row.group).comm} ${counts.objectOf(row.place)} ` +
    `${counts.nameOf(row.place)}: ${row.self.count}/${row.total.count}`
  ).sort();
}

const WAYS: [string, LoadOptions][] = [
  ["", {}],
  [", also without callers", { leafOnly: true, mergeCpus: true, mergeAddresses: true }],
];

for (const [how, options] of WAYS) {
  Deno.test(`a sample counts for the object that its process had mapped at its time${how}`, async () => {
    const profile = await profileOf(
      [
        comm(7, "one", 1n),
        map(7, 0x400000, "/bin/a", 2n),
        sample({ pid: 7, time: 10n, chain: [USER, 0x400100n] }),
        comm(7, "two", 20n, true), // exec: the old maps are gone
        map(7, 0x400000, "/bin/b", 21n),
        sample({ pid: 7, time: 30n, chain: [USER, 0x400100n] }),
        sample({ pid: 7, time: 31n, chain: [USER, 0x999000n] }),
      ],
      undefined,
      options,
    );
    assertEquals(rows(profile), [
      "one a a+0x100: 1/1",
      "two [unknown] 0x999000: 1/1",
      "two b b+0x100: 1/1",
    ]);
  });

  Deno.test(`a pid that is used again starts with its parent's maps and name${how}`, async () => {
    const fork = (pid: number, ppid: number, time: bigint) =>
      encodeFork({ pid, tid: pid, ppid, ptid: ppid, time }, layout, { pid: ppid, tid: ppid, time });
    const profile = await profileOf(
      [
        comm(1, "init", 1n),
        map(1, 0x400000, "/sbin/init", 2n),
        fork(9, 1, 3n),
        comm(9, "old", 4n, true),
        map(9, 0x400000, "/bin/old", 5n),
        sample({ pid: 9, time: 6n, chain: [USER, 0x400010n] }),
        encodeExit({ pid: 9, tid: 9, ppid: 1, ptid: 1, time: 7n }, layout, { pid: 9, tid: 9, time: 7n }),
        fork(9, 1, 8n),
        sample({ pid: 9, time: 9n, chain: [USER, 0x400010n] }),
      ],
      undefined,
      options,
    );
    assertEquals(rows(profile), ["init init init+0x10: 1/1", "old old old+0x10: 1/1"]);
  });
}

Deno.test("a stack goes from the kernel into user space, and the same addresses make the same stack", async () => {
  const chain = [KERNEL, KERNEL_CODE, USER, 0x400020n, 0x400040n];
  const profile = await profileOf([
    encodeMmap2(
      {
        pid: -1,
        tid: 0,
        start: -0x7f000000,
        length: 0x1000000,
        pgoff: -0x7f000000,
        prot: 5,
        flags: 2,
        filename: "[kernel.kallsyms]_text",
        misc: 1,
      },
      layout,
    ),
    comm(7, "app", 1n),
    map(7, 0x400000, "/bin/app", 2n),
    sample({ pid: 7, time: 3n, chain }),
    sample({ pid: 7, time: 4n, chain, period: 500n }),
    // without the kernel's part of the chain the sample's own address is still its leaf
    sample({ pid: 7, time: 5n, chain: [USER, 0x400020n, 0x400040n], ip: KERNEL_CODE }),
  ]);
  assertEquals(profile.samples.count.length, 1);
  assertEquals(profile.samples.period[0], 2500);
  assertEquals(rows(profile), [
    "app [kernel.kallsyms] page_fault: 3/3",
    "app app app+0x20..0x40: 0/3",
  ]);
  assertEquals(profile.stacks.parent, Int32Array.of(-1, 0, 1));
});

Deno.test("a chain with a broken frame pointer counts up to there, and is not the kernel's", async () => {
  const profile = await profileOf([
    comm(7, "app", 1n),
    map(7, 0x400000, "/bin/app", 2n),
    // perf discards this one whole for its -1, which is no address and no marker
    sample({ pid: 7, time: 3n, chain: [USER, 0x400020n, 0xa80fbe0fd40fea0fn, 2n ** 64n - 1n, 0x400040n] }),
    sample({ pid: 7, time: 4n, chain: [USER, 0x400020n, 2n ** 64n - 4096n] }),
  ]);
  assertEquals(rows(profile), [
    "app [unknown] [unknown]: 0/2",
    "app app app+0x20: 2/2",
  ]);
  const { kernel, ofFrame } = new ProfileQuery(profile).by(DEFAULT_SORT).places;
  assertEquals([...ofFrame].filter((place) => kernel[place]), []);
});

Deno.test("what has no symbol is counted by cause, with a remedy", async () => {
  const profile = await profileOf([
    comm(7, "app", 1n),
    map(7, 0x400000, "/bin/app", 2n),
    sample({ pid: 7, time: 3n, chain: [USER, 0x400020n] }),
    sample({ pid: 7, time: 4n, chain: [USER, 0x400020n, 0x400040n] }),
  ]);
  assertEquals(profile.unresolved.map((u) => [u.object, u.cause, u.samples]), [["app", "no file", 2]]);
  assertEquals(profile.unresolved[0].remedy.length > 0, true);
});

Deno.test("the command and the losses come from pmuctl's own section where there is one", async () => {
  const records = [comm(7, "app", 1n), sample({ pid: 7, time: 3n, chain: [USER, 0x400020n] })];
  assertEquals((await profileOf(records)).meta.command, "perf record");
  const session = encodeSessionInfo({
    tool: "0",
    command: ["make", "-j2"],
    seconds: 1,
    ledger: { rows: [], total: { sample: 2, overflow: 3, dropbuf_sample: 4 } },
  });
  const { meta } = await profileOf(records, session);
  assertEquals([meta.command, meta.lost, meta.host], ["make -j2", 7, "box"]);
  assertEquals(meta.warnings.filter((text) => text.includes("the ledger counts")), [
    "the ledger counts 2 samples as written, but the file holds 1",
  ]);
  // a section that is not what pmuctl writes is as good as none
  assertEquals((await profileOf(records, '{"version":1,"command":[1]}')).meta.command, "perf record");
});

/** Three samples, at 1.0, 1.2 and 2.0 s. */
const timed = [
  comm(7, "app", 1n),
  ...[1_000_000_000n, 1_200_000_000n, 2_000_000_000n].map((time, i) =>
    sample({ pid: 7, time, chain: [USER, 0x400020n], period: BigInt(i + 1) })
  ),
];

Deno.test("loadProfile() keeps the time of every sample where it is asked to", async () => {
  assertEquals((await profileOf(timed)).times, undefined);
  const { times, meta } = await profileOf(timed, undefined, { times: true });
  assertEquals(times, {
    at: Float64Array.of(0, 2e8, 1e9),
    sample: Int32Array.of(0, 0, 0),
    period: Float64Array.of(1, 2, 3),
  });
  assertEquals([meta.start, meta.end], [1_000_000_000n, 2_000_000_000n]);
});

Deno.test("loadProfile() takes a part by time, slices too without a header that says how long it was", async () => {
  const part = async (text: string) => {
    const { samples, meta } = await profileOf(timed, undefined, { within: parseTimeRanges(text) });
    return [samples.period[0], meta.seconds, ...meta.warnings];
  };
  assertEquals(await part("1.1,"), [5, 0.8]);
  assertEquals(await part("+0.1,+0.5"), [2, 0]);
  assertEquals(await part("0%-50%"), [3, 0.2]);
  assertEquals(await part("30,"), [
    undefined,
    -1,
    "no sample is within --time: the recording is from 0.000000001 to 2.000000000",
  ]);
});

Deno.test("a thread of any number is counted as itself", async () => {
  const ids = [0x80000000, 1, 2, 0x7fffffff, 0x80000001, 0xffffffff, 0xffffff00];
  const samples = ids.flatMap((id, i) =>
    [1, 2].map((n) => sample({ pid: id, time: 10n + BigInt(2 * i + n), chain: [USER, 0x1000n] }))
  );
  for (const leafOnly of [false, true]) {
    const { threads, samples: { thread, count } } = await profileOf(samples, undefined, { leafOnly });
    assertEquals(Array.from(thread, (row) => threads.tid[row]), ids.map((id) => id | 0));
    assertEquals([...count], ids.map(() => 2));
  }
});

const idle = sample({ pid: 0, time: 11n, chain: [KERNEL, KERNEL_CODE] });
const outside = sample({ pid: 0, time: 12n, chain: [USER, 0x400020n] });
const dead = sample({ pid: -1, time: 13n, chain: [KERNEL, KERNEL_CODE] });
const byName = ({ threads, comms, samples: { thread, count } }: Profile) =>
  Array.from(thread, (row, i) => [threads.pid[row], comms[threads.comm[row]], count[i]]);

Deno.test("samples in user space under pid 0 are of another pid namespace, not of the idle task", async () => {
  for (const leafOnly of [false, true]) {
    const profile = await profileOf([comm(0, "make", 1n), idle, outside, outside, dead], undefined, {
      leafOnly,
    });
    assertEquals(byName(profile), [
      [0, "[idle or other pid namespace]", 1],
      [-1, "[other pid namespace]", 2],
      [-1, ":-1", 1],
    ]);
    assertEquals([0, -1].map(processNames(profile)), [
      "[idle or other pid namespace]",
      "[other pid namespace]",
    ]);
    const [warning] = profile.meta.warnings;
    assertMatch(warning, /^2 samples are of processes outside the recorded pid namespace/);
  }
});

Deno.test("kernel samples under pid 0 are the idle task's alone, unless it was recorded in a pid namespace", async () => {
  const ledger = { rows: [], total: { sample: 1 } };
  const told = { tool: "1", command: ["all CPUs"], seconds: 1, ledger };
  assertEquals(byName(await profileOf([idle], encodeSessionInfo(told))), [[0, "swapper", 1]]);
  const inside = await profileOf([idle], encodeSessionInfo({ ...told, pidNamespace: true }));
  assertEquals(byName(inside), [[0, "[idle or other pid namespace]", 1]]);
});

Deno.test("a process goes by the name of its main thread, sampled or not", async () => {
  const name = (tid: number, text: string) =>
    encodeComm({ pid: 7, tid, comm: text, exec: false }, layout, { pid: 7, tid, time: 1n });
  const worker = sample({ pid: 7, tid: 8, time: 5n, chain: [USER, 0x400020n] });
  const profile = await profileOf([name(7, "server"), name(8, "worker"), worker]);
  assertEquals(profile.comms[profile.threads.comm[0]], "worker");
  assertEquals(processNames(profile)(7), "server");
  assertEquals(sampleCount(profile), 1);
  // and by the last one that it took, even if none of its samples say so
  const renamed = await profileOf([name(7, "server"), worker, comm(7, "idle", 9n)]);
  assertEquals(processNames(renamed)(7), "idle");
});

Deno.test("a recording without samples has an empty profile, also where only heavy symbols are made readable", async () => {
  const profile = await profileOf([comm(7, "idle", 1n)], undefined, { leafOnly: true, readableFrom: 0.05 });
  assertEquals([sampleCount(profile), profile.symbols.name.length], [0, 0]);
});

Deno.test("loadProfile() refuses what is not perf.data", async () => {
  await assertRejects(() => loadProfile(new MemoryBytes(new Uint8Array(200), "zeros"), files), BadInputError);
});
