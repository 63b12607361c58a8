/** Recordings of processes and objects with hostile names, through every format and comparison there is. */

import { setColorEnabled } from "@std/fmt/colors";
import { gunzipSync } from "node:zlib";
import { type ByteInput, MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { concat } from "../../../lib/base/bytes/bytes.ts";
import { countRecords } from "../../../lib/perfdata/read/count.ts";
import { encodeFeatures } from "../../../lib/perfdata/format/feature_encoders.ts";
import {
  encodeComm,
  encodeFork,
  encodeKsymbol,
  encodeMmap,
  encodeMmap2,
} from "../../../lib/perfdata/format/record_encoders.ts";
import { encodeFileEnd, encodeFileStart } from "../../../lib/perfdata/format/writer.ts";
import { diffProfiles } from "../../../lib/profile/compare/diff.ts";
import { SORT_KEYS } from "../../../lib/profile/request/sort_keys.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import type { Profile } from "../../../lib/profile/model/profile.ts";
import { ProfileQuery } from "../../../lib/profile/query/query.ts";
import { readStoredProfile, storeProfile } from "../../../lib/profile/model/stored.ts";
import { renderDiffJson } from "../../../lib/report/json/diff_json.ts";
import { renderDiffText } from "../../../lib/report/text/diff_text.ts";
import { FORMATS, type OutputOptions } from "../../../lib/report/formats.ts";
import { DEFAULT_REPORT } from "../../../lib/report/shared/options.ts";
import { renderStats, renderStatsJson } from "../../../lib/report/text/stats.ts";
import type { SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";
import { stream } from "../../perfdata/read_recording.ts";
import { EVENTS, FEATURES, LAYOUT, records, writtenFile } from "../../perfdata/small_recording.ts";
import { HOSTILE_NAMES } from "../hostile.ts";
import { fitForTerminal, onlyOurScripts, openPage, wellFormed } from "../output_checks.ts";
import { memoryFiles } from "../made/memory_files.ts";
import { mutateBytes } from "../mutate/mutate.ts";
import type { Random } from "../random.ts";
import { choiceBy, type Target } from "../target.ts";
import { isStreamed, mutateStructure, type Seed, seeds } from "./recordings.ts";
import { contentOf, whole } from "../../report/whole.ts";

const KERNEL = -0x7f000000;

/** A recording of processes, objects, symbols and a host with hostile names, mostly right in its form. */
export function hostileRecording(random: Random): Uint8Array<ArrayBuffer> {
  const name = () =>
    (random.pick(HOSTILE_NAMES) + (random.oneIn(6) ? random.pick(HOSTILE_NAMES) : "")).replace(/\0/g, "");
  const path = () => random.oneIn(2) ? `/tmp/${name()}` : name();
  const trailer = (tid: number, time: bigint) => ({ pid: 100, tid, time, cpu: 0, id: 11n });
  const all: Uint8Array[] = [];
  for (let n = 1 + random.below(10); n > 0; n--) {
    const tid = 100 + random.below(4), time = 1_000_000_000n + BigInt(random.below(600));
    all.push(
      random.pick<() => Uint8Array>([
        () => encodeComm({ pid: 100, tid, comm: name(), exec: random.oneIn(3) }, LAYOUT, trailer(tid, time)),
        () => encodeFork({ pid: 101, ppid: 100, tid, ptid: 100, time }, LAYOUT, trailer(100, time)),
        () =>
          encodeKsymbol({
            address: KERNEL + random.below(4096),
            length: 512,
            ksymType: 1,
            flags: 0,
            name: name(),
          }, LAYOUT),
        () => {
          const start = random.pick([0x400000, 0x500000, 0x400000 + 64 * random.below(100)]);
          const map = {
            pid: 100,
            tid: 100,
            start,
            length: random.pick([64, 0x1000, 0x200000]),
            pgoff: 0,
            filename: path(),
          };
          return random.oneIn(3)
            ? encodeMmap(map, LAYOUT, trailer(100, time))
            : encodeMmap2({ ...map, prot: 5, flags: 2 }, LAYOUT, trailer(100, time));
        },
      ])(),
    );
  }
  const start = encodeFileStart(EVENTS);
  const own = records();
  // before the samples, or between them and behind
  const data = concat(
    random.oneIn(2) ? [...all, ...own] : [...own.slice(0, 6), ...all, ...own.slice(6), ...own.slice(5, 7)],
  );
  const features = encodeFeatures({
    ...FEATURES,
    hostname: name(),
    osrelease: name(),
    cpudesc: name(),
    cmdline: [name(), name()],
    eventDesc: EVENTS.map((event) => random.oneIn(3) ? { ...event, name: name() } : event),
    buildIds: [{ pid: -1, misc: 2, buildId: "ab".repeat(20), filename: path() }],
    ledger: random.oneIn(3)
      ? JSON.stringify({ version: 1, command: [name()], ledger: { rows: [], total: {} } })
      : FEATURES.ledger,
  });
  const end = encodeFileEnd(start.dataOffset, data.length, features);
  const file = concat([start.bytes, data, end.tail]);
  for (const { offset, bytes } of end.patches) file.set(bytes, offset);
  return file;
}

const PERF_MAP = HOSTILE_NAMES.filter((name) => !name.includes("\n"))
  .map((name, i) => `${(0x400000 + 16 * i).toString(16)} 10 ${name}`).join("\n") + "\n";
const DWARF = Deno.readFileSync(new URL("../../testdata/fuzz/dwarf5.elf", import.meta.url));

/** Objects from memory: the code of a process has hostile names, and programs have source lines. */
function symbolFiles(): SymbolFiles {
  const files = memoryFiles();
  return {
    ...files,
    open: (object) =>
      object.kind === "jit"
        ? new MemoryBytes(new TextEncoder().encode(PERF_MAP), object.path)
        : object.path.includes("a")
        ? new MemoryBytes(DWARF, object.path)
        : files.open(object),
  };
}

/** Options that go by the bytes. */
function optionsOf(bytes: Uint8Array, profile: Profile): OutputOptions {
  const pick = (n: number) => choiceBy(bytes, n);
  const sort = SORT_KEYS.filter((key, i) => (pick(255) >> i) & 1 && (key !== "srcline" || profile.lines));
  return {
    ...DEFAULT_REPORT,
    sort: sort.length > 0 ? sort : DEFAULT_REPORT.sort,
    children: pick(2) === 0,
    tree: (["none", "callers", "calls"] as const)[pick(3)],
    sideBySide: pick(5) === 0 && pick(3) !== 1,
    showPeriod: pick(7) === 0,
    ledger: pick(3) === 0,
    percentLimit: [0, 0.05, 10][pick(3)],
    width: [Infinity, 20, 80][pick(3)],
    color: pick(4) === 0,
    whole: new ProfileQuery(profile).totals(),
    tprof: {
      file: "input",
      mergeCpus: pick(2) === 0,
      mergeThreads: pick(3) === 0,
      mergeProcesses: pick(5) === 0,
      perSymbol: pick(7) < 3,
    },
    weight: pick(2) === 0 ? "period" : "samples",
    marks: pick(3) === 0,
    flamegraph: { inverted: pick(2) === 0, base: undefined },
  };
}

/** What an output has to be, by its format. */
const CHECKS: Readonly<Record<string, (output: string | Uint8Array) => void>> = {
  text: (output) => fitForTerminal("the text", output as string),
  tprof: (output) => fitForTerminal("tprof's table", output as string),
  json: (output) => void JSON.parse(output as string),
  speedscope: (output) => void JSON.parse(output as string),
  firefox: (output) => void JSON.parse(output as string),
  pprof: (output) => void gunzipSync(output as Uint8Array),
  folded(output) {
    const text = typeof output === "string" ? output : new TextDecoder().decode(output);
    for (const line of text.split("\n").slice(0, -1)) {
      if (!/^[^;]*(;[^;]*)* \d+(\.\d+)?(e\+\d+)?$/.test(line)) {
        throw new Error(`no folded stack: ${JSON.stringify(line)}`);
      }
    }
  },
  flamegraph: (output) => wellFormed(output as string),
  html(output) {
    onlyOurScripts(output as string);
    openPage(output as string);
  },
};

/** Loads the bytes with options that go by them, as `report` would for a format. */
async function load(bytes: Uint8Array, open: () => ByteInput, lines: boolean): Promise<Profile> {
  const pick = (n: number) => choiceBy(bytes, n);
  return await loadProfile(open(), symbolFiles(), {
    force: true,
    times: true,
    lines,
    mangled: pick(7) === 0,
    leafOnly: pick(6) === 0,
    mergeCpus: pick(3) === 0,
    mergeThreads: pick(4) === 0,
    mergeAddresses: pick(2) === 0,
    readableFrom: pick(5) === 0 ? 1 : undefined,
  });
}

export async function rendererTargets(): Promise<Target[]> {
  const all = await seeds();
  const base = await loadProfile(new MemoryBytes(writtenFile(), "base"), memoryFiles());
  const renderers = new Map(
    await Promise.all(FORMATS.map(async (format) => [format.name, await format.renderer()] as const)),
  );
  const make = (random: Random) => {
    const hostile = random.oneIn(2) ? hostileRecording(random) : undefined;
    const { name, bytes }: Pick<Seed, "name" | "bytes"> = hostile
      ? { name: "hostile names", bytes: hostile }
      : random.pick(all);
    if (hostile && random.oneIn(2)) return { bytes: hostile, made: name };
    const changed = random.oneIn(2) ? mutateBytes(bytes, random) : mutateStructure(bytes, random);
    return { bytes: changed, made: `${name}, changed` };
  };
  const open = (bytes: Uint8Array) => isStreamed(bytes) ? stream(bytes) : new MemoryBytes(bytes, "input");
  const perFormat = FORMATS.map(({ name, what, events }): Target => ({
    name: `report-${name}`,
    what: `report --format ${name}: ${what}`,
    weight: name === "html" ? 2 : 5,
    make,
    async take(bytes) {
      const loaded = await load(bytes, () => open(bytes), choiceBy(bytes, 3) === 0);
      const merged = new ProfileQuery(loaded).mergeHybridEvents(), order = merged.heaviestEvents();
      const profile = events === undefined
        ? loaded
        : merged.withEvents(events === "heaviest" ? order.slice(0, 1) : order).profile;
      const options = optionsOf(bytes, profile);
      if (choiceBy(bytes, 9) === 0) {
        options.flamegraph.base = { profile: base, name: "base", normalize: "share", negate: false };
      }
      setColorEnabled(options.color);
      CHECKS[name](contentOf(renderers.get(name)!(profile, options)));
    },
  }));
  return [
    ...perFormat,
    {
      name: "report-part",
      what: "filters, and what is stored of a profile",
      weight: 3,
      make,
      async take(bytes) {
        const profile = await load(bytes, () => open(bytes), false);
        const { profile: part } = new ProfileQuery(profile).filter({
          kernel: choiceBy(bytes, 2) === 0,
          cpus: new Set([0]),
          symbolPart: choiceBy(bytes, 3) === 0 ? "o" : undefined,
        });
        const options = optionsOf(bytes, part);
        setColorEnabled(false);
        CHECKS.text(contentOf(renderers.get("text")!(part, { ...options, color: false })));
        readStoredProfile("x", storeProfile(part, 2));
      },
    },
    {
      name: "report-stats",
      what: "report --stats",
      weight: 3,
      make,
      async take(bytes) {
        const counts = await countRecords(open(bytes), true);
        fitForTerminal("the counts", renderStats(counts));
        JSON.parse(renderStatsJson(counts));
      },
    },
    {
      name: "diff",
      what: "a recording compared with another, either way round",
      weight: 4,
      make,
      async take(bytes) {
        const own = await load(bytes, () => open(bytes), false);
        const [a, b] = choiceBy(bytes, 2) === 0 ? [own, base] : [base, own];
        const diff = diffProfiles(a, b, {
          keys: choiceBy(bytes, 3) === 0 ? ["comm", "dso", "sym"] : undefined,
        });
        const names = { a: "a", b: "b" }, order = (["delta", "self", "total"] as const)[choiceBy(bytes, 3)];
        fitForTerminal(
          "the comparison",
          whole(renderDiffText(diff, { names, order, percentLimit: 0, width: 80, color: false })),
        );
        JSON.parse(whole(renderDiffJson(diff, { names, order })));
      },
    },
  ];
}
