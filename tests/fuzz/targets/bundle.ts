/** Names that a recording carries, as if anyone could have written them. */

import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { concat } from "../../../lib/base/bytes/bytes.ts";
import type { SeekableInput } from "../../../lib/perfdata/read/data_input.ts";
import { withNames } from "../../../lib/perfdata/rewrite/add_names.ts";
import { gatherNames } from "../../../lib/profile/bundle/gather_names.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import { jumpTargets } from "../../../lib/profile/bundle/jump_targets.ts";
import { Bundle, encodeBundle } from "../../../lib/symbols/bundle/bundle.ts";
import type { FunctionCode, FunctionOutcome } from "../../../lib/symbols/bundle/bundled_code.ts";
import type { ObjectAnswers } from "../../../lib/symbols/bundle/bundled_object.ts";
import { writeSources } from "../../../lib/symbols/bundle/bundled_sources.ts";
import { EM } from "../../../lib/symbols/elf/elf.ts";
import type { SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";
import { Budget } from "../../../lib/symbols/object/limits.ts";
import { REASON } from "../../../lib/symbols/object/missing_symbol_reasons.ts";
import { SourceTexts } from "../../../lib/symbols/source_texts.ts";
import { writtenFile, writtenPipe } from "../../perfdata/small_recording.ts";
import { buildElf } from "../../symbols/build_elf.ts";
import { HOSTILE_NAMES } from "../hostile.ts";
import { copiesSeed, WORKER, WORKER_PATH } from "../made/copies.ts";
import { mutateBytes } from "../mutate/mutate.ts";
import type { Random } from "../random.ts";
import { choiceBy, type Target } from "../target.ts";

const RECORDINGS = [writtenFile(), writtenPipe(), copiesSeed()].map((bytes) =>
  new MemoryBytes(bytes, "input") as SeekableInput
);
const ADDRESSES = [0, 0x400, 0x1000, 0x1234, 0x2000, -1, -2130706432];
/** Most bytes that a byte of a bundle can stand for. */
const MAX_RATIO = 1032;
/** Bytes in front of the blocks: version, packing, size. */
const HEADER = 12;

/** Programs with symbols that cover everything, so that each object of the recording has answers. */
const PROGRAMS: SymbolFiles = {
  open: ({ path }) =>
    path === WORKER_PATH ? new MemoryBytes(WORKER) : new MemoryBytes(
      buildElf({ symbols: HOSTILE_NAMES.map((name, i) => ({ name, value: 64 * i, size: 64 })) }),
    ),
  kallsyms: () => new TextEncoder().encode("ffffffff81000000 T _text\nffffffff81000100 T vfs_read\n"),
};
/** Blocks that only recordings of real programs have. */
const CODE: ObjectAnswers[] = [{
  facts: { kind: "file", path: "/bin/x", pid: 1, failure: { reason: REASON.NOT_COVERED }, modified: 1 },
  code: new Map<number, FunctionOutcome>([
    [0x400, { bytes: Uint8Array.of(0xe8, 0, 0, 0, 0, 0x74, 2, 0xc3), address: 0x400, machine: EM.X86_64 }],
    [0x1000, { bytes: Uint8Array.of(0x10, 0, 0, 0x94), address: -8, machine: EM.AARCH64 }],
    [0x1234, { cause: "it is in no file" }],
  ]),
}];
const SOURCES = writeSources(
  new Map(HOSTILE_NAMES.map((name, i) => [
    name,
    { texts: new Map([[i + 1, name.repeat(i)]]), modified: i, ...i % 2 === 0 ? { count: i + 1 } : {} },
  ])),
);
const NOTHING: SymbolFiles = { open: () => undefined, kallsyms: () => undefined };

/** A bundle of the recording's own names, with some of its bytes changed. */
function changed(random: Random, bundle: Uint8Array): Uint8Array {
  if (random.oneIn(4)) return mutateBytes(bundle, random);
  const bytes = bundle.slice(), view = new DataView(bytes.buffer);
  for (let n = 1 + random.below(6); n > 0; n--) {
    const at = HEADER + random.below(bytes.length - HEADER - 4);
    if (random.oneIn(2)) bytes[at] = random.below(256);
    else {view.setUint32(
        at,
        random.pick([0, 1, view.getUint32(at, true) + 1, 2 ** 31, 2 ** 32 - 1, random.below(99)]),
        true,
      );}
  }
  return bytes;
}

/** Reads a recording that carries the bundle, with all that a report can ask for. */
async function load(bundle: Uint8Array): Promise<void> {
  const input = RECORDINGS[choiceBy(bundle, RECORDINGS.length)];
  const bytes = concat([...withNames(input, bundle)]);
  const profile = await loadProfile(new MemoryBytes(bytes, "input"), NOTHING, { inline: true, lines: true });
  if (profile.samples.count.length === 0) throw new Error("samples have gone");
}

/** Asks each object of a bundle at some addresses. */
function ask(bundle: Uint8Array): void {
  const { objects, sources } = new Bundle(bundle, new Budget().cost("names"));
  for (const { facts, symbols, functions, inlined, lines, code } of objects) {
    for (const address of ADDRESSES) {
      const symbol = symbols?.find(address) ?? -1;
      if (symbol >= 0 && typeof symbols!.name(symbol) !== "string") throw new Error(`symbol ${symbol}`);
      functions?.startAt(address);
      const outcome = code?.of(address);
      if (outcome && "bytes" in outcome) askCode(outcome, bundle.length);
      for (let row = inlined?.at(address) ?? -1; row >= 0; row = inlined!.functions.parent(row)) {
        inlined!.functions.name(row);
      }
    }
    const found = lines?.of(Float64Array.from(ADDRESSES));
    if (found?.file.some((file) => file >= found.paths.length)) throw new Error("a line of no file");
    if (!["undefined", "number"].includes(typeof facts.modified)) throw new Error("no time");
  }
  for (const file of sources?.paths ?? []) {
    const lines = [...sources!.of(file)!.texts.keys(), 1, 2 ** 31].map((line) => ({
      file,
      line,
      samples: 1,
    }));
    const texts = new SourceTexts(lines, sources);
    for (const each of lines) texts.of(each);
    texts.warnings(lines, 0);
  }
}

/** Looks at code as annotations do, but for disassembling it. */
function askCode(code: FunctionCode, most: number): void {
  if (code.bytes.length > most * MAX_RATIO) throw new Error(`${code.bytes.length} bytes of code`);
  BigInt(code.address);
  for (const target of jumpTargets(code)) if (!Number.isInteger(target)) throw new Error(`target ${target}`);
}

/** Makes the target, once the names of its recordings are gathered. */
export async function bundleTargets(): Promise<Target[]> {
  const gathered = await Promise.all(
    RECORDINGS.map((input) => gatherNames(input, PROGRAMS, { source: true })),
  );
  const bundles = gathered.map(({ bundle }) => bundle!);
  bundles.push(encodeBundle(CODE, [SOURCES])!);
  return [{
    name: "bundle",
    what: "names that a recording carries",
    weight: 8,
    make: (random) => ({ bytes: changed(random, random.pick(bundles)), made: "bytes changed" }),
    async take(bytes) {
      await load(bytes);
      ask(bytes);
    },
  }];
}
