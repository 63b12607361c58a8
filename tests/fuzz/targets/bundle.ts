/** Names that a recording carries, as if anyone could have written them. */

import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { concat } from "../../../lib/base/bytes/bytes.ts";
import type { SeekableInput } from "../../../lib/perfdata/read/data_input.ts";
import { withNames } from "../../../lib/perfdata/rewrite/add_names.ts";
import { gatherNames } from "../../../lib/profile/bundle/gather_names.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import { Bundle } from "../../../lib/symbols/bundle/bundle.ts";
import type { SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";
import { Budget } from "../../../lib/symbols/object/limits.ts";
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
  for (const object of new Bundle(bundle, new Budget().cost("names")).objects) {
    const { symbols, functions, inlined, lines } = object;
    for (const address of ADDRESSES) {
      const symbol = symbols?.find(address) ?? -1;
      if (symbol >= 0 && typeof symbols!.name(symbol) !== "string") throw new Error(`symbol ${symbol}`);
      functions?.startAt(address);
      for (let row = inlined?.at(address) ?? -1; row >= 0; row = inlined!.functions.parent(row)) {
        inlined!.functions.name(row);
      }
    }
    const found = lines?.of(Float64Array.from(ADDRESSES));
    if (found?.file.some((file) => file >= found.paths.length)) throw new Error("a line of no file");
  }
}

/** Makes the target, once the names of its recordings are gathered. */
export async function bundleTargets(): Promise<Target[]> {
  const gathered = await Promise.all(RECORDINGS.map((input) => gatherNames(input, PROGRAMS)));
  const bundles = gathered.map(({ bundle }) => bundle!);
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
