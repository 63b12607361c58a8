/** Listing of a function: its instructions, with their samples, source lines and jump targets. */

import { lastAtOrBefore } from "../base/bytes/ascending.ts";
import { hexAddress } from "../base/bytes/address.ts";
import { counted } from "../base/text/plural.ts";
import type { SourceLines } from "../symbols/source_lines.ts";
import type { AnnotatedInstruction, SampleWeight, SourceLine } from "../report/shared/annotation.ts";
import type { ObjectCode } from "../symbols/function_code.ts";
import type { FunctionCode } from "../symbols/bundle/bundled_code.ts";
import { disassemble, type Disassembled, type DisassemblerOptions } from "./disassemble.ts";
import { add, type FunctionSamples } from "./function_samples.ts";
import { CONTEXT } from "./shown_instructions.ts";

/** Function with its instructions. */
export interface Listing {
  found: FunctionSamples;
  /** Instructions to show, empty if there are none; and the offset of each in the function. */
  list: readonly Disassembled[];
  offsets: Float64Array;
  /** Linked address of the first byte, and the one behind the last. */
  base: number;
  end: number;
  /** Number of all instructions. */
  total: number;
  /** Reason why there are no instructions. */
  cause?: string;
}

/** Bytes of the longest instruction. */
const MAX_INSTRUCTION = 15;

/** Options of listingsOf(). */
export interface ListingOptions extends DisassemblerOptions {
  /** Time of performance.now() from which on nothing is read. */
  until: number;
}

/** Reason why something was not read before the time was over. */
export const NO_TIME = "no time was left for them";

/** Returns whether this time of performance.now() has come. */
export function isOver(until: number): boolean {
  return performance.now() >= until;
}

/** Bytes of code from which on functions are disassembled by another run of objdump, and number of runs at once. */
const BATCH_BYTES = 1 << 16, AT_ONCE = 2;

/** Function, and its code or the reason why there is none. */
interface ReadFunction {
  found: FunctionSamples;
  code: FunctionCode | { cause: string };
}

/** Disassembles functions of an object. */
export async function listingsOf(
  functions: readonly FunctionSamples[],
  code: ObjectCode,
  options: ListingOptions,
): Promise<Listing[]> {
  const batches = readBatches(functions, code, options.until), listings = new Map<FunctionSamples, Listing>();
  const work = async () => {
    for (let next = batches.next(); !next.done; next = batches.next()) {
      for (const listing of await batchListings(next.value, options)) listings.set(listing.found, listing);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return functions.map((each) => listings.get(each)!);
}

/** Reads the code of functions as it is asked for: what is in memory at once is bounded, and so is the time. */
function* readBatches(
  functions: readonly FunctionSamples[],
  objectCode: ObjectCode,
  until: number,
): Generator<ReadFunction[], undefined> {
  let batch: ReadFunction[] = [], size = 0;
  for (const found of functions) {
    const code = isOver(until) ? { cause: NO_TIME } : objectCode.of(found.start, found.end);
    batch.push({ found, code });
    if ("bytes" in code) size += code.bytes.length;
    if (size < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    size = 0;
  }
  if (batch.length > 0) yield batch;
}

async function batchListings(batch: readonly ReadFunction[], options: ListingOptions): Promise<Listing[]> {
  const asked = batch.flatMap(({ found, code }) =>
    "cause" in code ? [] : [{ code, weights: found.byOffset }]
  );
  const results = asked.length > 0 ? await disassemble(asked, options) : [];
  let next = 0;
  return batch.map(({ found, code }): Listing => {
    const listed = "cause" in code ? code : results[next++];
    if ("cause" in code || "cause" in listed) {
      const { start } = found, { cause } = listed as { cause: string };
      return { found, list: [], offsets: new Float64Array(0), base: start, end: start, total: 0, cause };
    }
    const { address: base, bytes } = code, { shown: list, total } = listed;
    const offsets = Float64Array.from(list, ({ address }) => address - base);
    return { found, list, offsets, base, end: base + bytes.length, total };
  });
}

/** Source lines of a listing, each once, with their samples. */
export class ListingLines {
  readonly rows: SourceLine[] = [];
  /** Row of each instruction; -1 if unknown. */
  readonly ofInstruction: Int32Array;
  readonly #rowOf = new Map<string, number>();
  readonly #found: SourceLines | undefined;

  /**
   * @param found lines of addresses: from row `from` those of the instructions, then those of the sampled offsets.
   */
  constructor({ found: { byOffset }, offsets }: Listing, found: SourceLines | undefined, from: number) {
    this.#found = found;
    this.ofInstruction = Int32Array.from(offsets, (_, i) => this.#row(from + i));
    let at = from + offsets.length;
    for (const { samples, period } of byOffset.values()) {
      const row = this.#row(at++);
      if (row >= 0) add(this.rows[row], samples, period);
    }
  }

  #row(at: number): number {
    if (this.#found === undefined || this.#found.file[at] < 0) return -1;
    const { file, line, paths } = this.#found, key = `${file[at]} ${line[at]}`;
    let row = this.#rowOf.get(key);
    if (row === undefined) {
      row = this.rows.push({ file: paths[file[at]], line: line[at], samples: 0, period: 0 }) - 1;
      this.#rowOf.set(key, row);
    }
    return row;
  }
}

/** Places of a listing's instructions. */
export interface InstructionPlaces {
  lines: ListingLines;
  /** Names of inlined functions at each, the outermost first. */
  inlined: readonly (readonly string[])[];
  /** Returns the name of an address of the object's code, as in AddressSpaces.at. */
  nameOf: (address: number) => string | undefined;
}

/** Returns the instructions of a listing, with their samples and places. */
export function instructionsOf(
  { found: { start, byOffset }, list, offsets, base, end }: Listing,
  { lines, inlined, nameOf }: InstructionPlaces,
): AnnotatedInstruction[] {
  const instructions = list.map(({ address, text, target, leftOut }, i): AnnotatedInstruction => ({
    address,
    ...withTarget({ text, target }, { base, end }, (linked) => nameOf(linked - base + start)),
    line: lines.ofInstruction[i],
    inlined: inlined[i],
    ...{ leftOut, samples: 0, period: 0 },
  }));
  for (const [offset, { samples, period }] of byOffset) {
    const at = lastAtOrBefore(offsets, offset);
    if (at >= 0 && offset < offsets[at] + MAX_INSTRUCTION) add(instructions[at], samples, period);
  }
  return instructions;
}

/** Returns the text of an instruction with the name of what it jumps to or calls, and the address if that is inside. */
function withTarget(
  { text, target }: Pick<Disassembled, "text" | "target">,
  { base, end }: { base: number; end: number },
  nameOf: (address: number) => string | undefined,
): Pick<AnnotatedInstruction, "text" | "target"> {
  if (target === undefined) return { text };
  const bare = text.replace(/(?:0x)?[0-9a-f]+(?: <[^>]*>)?$/, hexAddress(target));
  if (target >= base && target < end) return { text: `${bare} <+0x${hexAddress(target - base)}>`, target };
  const name = nameOf(target);
  return { text: name === undefined ? bare : `${bare} <${name}>` };
}

/** Warns if not all instructions of a function are shown. */
export function partWarnings(
  { found: { name, self }, list, total }: Listing,
  shown: readonly SampleWeight[],
): string[] {
  if (list.length === total) return [];
  const samples = shown.reduce((sum, each) => sum + each.samples, 0), hidden = self.samples - samples;
  return [
    `${name} has ${total} instructions: only those with samples are shown, and ${CONTEXT} before and after each` +
    (hidden > 0 ? `, without ${counted(hidden, "sample")} at addresses with the fewest` : ""),
  ];
}
