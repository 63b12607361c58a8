/**
 * Gathers all that a report needs of programs, for the addresses that the samples of a recording hit: what it answers
 * with a bundle is what it answers with the programs.
 */

import type { ByteInput } from "../../base/bytes/byte_source.ts";
import { encodeBlock } from "../../symbols/bundle/blocks.ts";
import { BLOCK } from "../../symbols/bundle/block_types.ts";
import { encodeBundle } from "../../symbols/bundle/bundle.ts";
import { type BundledFacts, identityOf, type ObjectAnswers } from "../../symbols/bundle/bundled_object.ts";
import { ascending, symbolAnswers } from "../../symbols/bundle/symbol_answers.ts";
import type { SymbolFiles } from "../../symbols/files/symbol_files.ts";
import { isJitDump } from "../../symbols/jit/jitdump.ts";
import { anyWithin, shortJitDump } from "../../symbols/jit/short_jitdump.ts";
import { FunctionTableBuilder } from "../../symbols/kept/function_table.ts";
import { NOTHING } from "../../symbols/kept/kept_ranges.ts";
import { LineTableBuilder } from "../../symbols/kept/line_table.ts";
import {
  missingSymbolCause,
  missingSymbolRemedy,
  NOTHING_TO_DO,
  REASON,
  type Reason,
  symbolFailureOf,
} from "../../symbols/object/missing_symbol_reasons.ts";
import type { ObjectInfo, ObjectKind } from "../../symbols/object/objects.ts";
import { openRunTimeNames, type UnresolvedWeight } from "../../symbols/symbolizer.ts";
import { linesOf, mayHaveLines } from "../load/frame_lines.ts";
import type { Inlined } from "../load/inlined/inlined_frames.ts";
import { frameWeights, type LoadOptions, type ReadRecording, readRecording } from "../load/load.ts";
import type { Profile } from "../model/profile.ts";
import { LoggedStacks } from "../load/stacks/carried_stacks.ts";

/** Kinds of objects that are bundled; what a report says of the others depends on the recording alone. */
const BUNDLED: ReadonlySet<ObjectKind> = new Set(["kernel", "module", "vdso", "file", "jit"]);
/** Reasons for a missing symbol that are not that a file could not be found or read. */
const READ: ReadonlySet<number> = new Set([REASON.NOT_COVERED, REASON.NO_SYMBOLS, REASON.NO_PERF_MAP]);

/** Names of a recording. */
export interface GatheredNames {
  /** Encoded bundle; undefined if it would be too large. */
  bundle: Uint8Array | undefined;
  /** Number of objects with symbols. */
  named: number;
  /**
   * Objects with code that stays without a name, though there is a remedy. `samples` are those whose innermost frame is
   * such code: 0 where it has callers alone, and none of the object's code has a name.
   */
  unresolved: Profile["unresolved"];
  /** Number of all samples. */
  samples: number;
  /** Problems met while files were fetched, a sentence each. */
  warnings: readonly string[];
}

/** Gathers the names of a recording. Throws as loadProfile() does. */
export async function gatherNames(
  input: ByteInput,
  files: SymbolFiles,
  options: Pick<LoadOptions, "force"> = {},
): Promise<GatheredNames> {
  const recording = await readRecording(input, files, {
    ...options,
    inline: true,
    lines: true,
    times: true,
    texts: true,
    forBundle: true,
  });
  const { spaces: { objects: { rows } }, symbolizer } = recording;
  const hits = hitAddresses(recording);
  await symbolizer.prepare(
    rows.filter(({ id }) => hits.has(id)),
    ({ id }) => Float64Array.from(hits.get(id)!.symbols),
  );
  const gatherer = new Gatherer(recording, files);
  const answers: ObjectAnswers[] = [], nameless = new Set<ObjectInfo>();
  for (const [id, addresses] of hits) {
    const object = rows[id];
    if (!BUNDLED.has(object.kind)) continue;
    const answer = gatherer.answers(object, addresses);
    answers.push(answer);
    const { symbols, jitDump, facts: { failure } } = answer;
    if (symbols === undefined && jitDump === undefined && !READ.has(failure.reason)) nameless.add(object);
  }
  gatherer.addInlined();
  recording.inlined!.close();
  const named = answers.filter(({ symbols, jitDump }) => symbols || jitDump).length;
  return {
    bundle: encodeBundle(answers, unwoundStacks(recording)),
    named,
    ...unresolvedOf(recording, nameless, files.fetcher !== undefined),
    warnings: symbolizer.fetchWarnings,
  };
}

/** Returns the objects with code that has no name, of those that are bundled, and the number of all samples. */
function unresolvedOf(
  { frames, builder, symbolizer, spaces: { objects: { rows } } }: ReadRecording,
  nameless: ReadonlySet<ObjectInfo>,
  fetches: boolean,
): Pick<GatheredNames, "unresolved" | "samples"> {
  const weights = frameWeights(frames, builder);
  weights.forEach((weight, frame) => {
    const object = rows[frames.object.data[frame]];
    if (weight === 0 || object === undefined || !BUNDLED.has(object.kind)) return;
    const id = symbolizer.symbolize(object, frames.address.data[frame]);
    if (id < 0) symbolizer.addUnresolved(object, id as Reason, weight);
  });
  const found: UnresolvedWeight[] = symbolizer.unresolved();
  const told = new Set(found.map(({ object }) => object));
  for (const object of nameless) {
    if (!told.has(object)) found.push({ object, ...symbolizer.failureOf(object), weight: 0 });
  }
  const unresolved = found.map(({ object, reason, detail, weight }) => ({
    object: object.name,
    cause: missingSymbolCause(reason, detail),
    remedy: missingSymbolRemedy(reason, object, { fetches, command: "bundle" }),
    samples: weight,
  }));
  return {
    unresolved: unresolved.filter(({ remedy }) => !remedy.startsWith(NOTHING_TO_DO)),
    samples: weights.reduce((sum, weight) => sum + weight, 0),
  };
}

/** Returns a block with the stacks that were unwound from copies, if there are any. */
function unwoundStacks({ copies, carried }: ReadRecording): Uint8Array[] {
  const payload = copies instanceof LoggedStacks ? copies.payload() : carried.encodedStacks;
  return payload === undefined ? [] : [encodeBlock(BLOCK.STACKS, payload)];
}

/** Addresses of an object that samples hit. */
interface Hits {
  /** Addresses as sampled. */
  symbols: Set<number>;
  /** Addresses of the code that ran, which is before an address that a call returns to; and the addresses as sampled. */
  code: Map<number, Set<number>>;
}

/** Returns what samples hit, by object. */
function hitAddresses({ frames, asked }: ReadRecording): Map<number, Hits> {
  const hits = new Map<number, Hits>();
  const { object, address, returns } = frames;
  for (let frame = 0; frame < object.length; frame++) {
    const id = object.data[frame], at = address.data[frame], ran = at - returns.data[frame];
    if (id < 0) continue;
    const of = hitsOf(hits, id);
    of.symbols.add(at);
    const sampled = of.code.get(ran);
    if (sampled) sampled.add(at);
    else of.code.set(ran, new Set([at]));
  }
  for (const [id, addresses] of asked ?? []) {
    const { symbols } = hitsOf(hits, id);
    for (const address of addresses) symbols.add(address);
  }
  return hits;
}

function hitsOf(hits: Map<number, Hits>, id: number): Hits {
  let of = hits.get(id);
  if (of === undefined) hits.set(id, of = { symbols: new Set(), code: new Map() });
  return of;
}

/** Answers of one object after the other. */
class Gatherer {
  readonly #recording: ReadRecording;
  readonly #files: SymbolFiles;
  /** Chain of inlined functions at each address, by the object's answers. */
  readonly #chains = new Map<ObjectAnswers, Map<number, number>>();

  constructor(recording: ReadRecording, files: SymbolFiles) {
    this.#recording = recording;
    this.#files = files;
  }

  answers(object: ObjectInfo, { symbols, code }: Hits): ObjectAnswers {
    const { symbolizer } = this.#recording;
    const sorted = ascending(symbols);
    const found = symbolAnswers(sorted, (address) => {
      const id = symbolizer.symbolize(object, address);
      return id < 0 ? undefined : { id, ...symbolizer.symbol(id) };
    });
    const warnings = symbolizer.warningsOf(object);
    const facts: BundledFacts = {
      ...identityOf(object),
      failure: symbolizer.failureOf(object),
      ...symbolizer.tellsInlined(object) ? { tellsInlined: true } : {},
      ...warnings.length > 0 ? { warnings } : {},
    };
    if (object.kind === "jit" && isJitDump(object.path)) {
      return { facts, jitDump: this.#jitDump(object, sorted) };
    }
    const answers: ObjectAnswers = { facts };
    // a table of some symbols counts, even if no address is in one
    if (found.names.length > 0 || facts.failure.reason === REASON.NOT_COVERED) answers.symbols = found;
    answers.functions = this.#functions(object, sorted);
    const places = ascending(code.keys());
    // offsets in files are small, addresses in the kernel are not
    if (object.kind !== "file") facts.base = places[0];
    if (mayHaveLines(object)) this.#addLines(object, places, answers);
    if (facts.tellsInlined) this.#addChains(object, code, answers);
    return answers;
  }

  /** Adds the tables of inlined functions to all answers. */
  addInlined(): void {
    const found = this.#recording.inlined!.ofFrames(new Int32Array(0));
    for (const [answers, chains] of this.#chains) {
      answers.inlined = inlinedTable(found, chains, answers.facts.base);
    }
  }

  #jitDump(object: ObjectInfo, addresses: Float64Array): Uint8Array | undefined {
    const source = openRunTimeNames(this.#files, object, this.#recording.carried);
    if (source === undefined) return undefined;
    const cost = this.#recording.budget.cost(object.path);
    try {
      return shortJitDump(source, ({ at, size }) => anyWithin(addresses, at, size), cost);
    } catch (error) {
      symbolFailureOf(error); // the symbolizer had the same, and has said so
      return undefined;
    } finally {
      cost.done();
      source.close?.();
    }
  }

  /** Returns the functions at addresses without a symbol, as far as they are known. */
  #functions(object: ObjectInfo, addresses: Float64Array): ObjectAnswers["functions"] {
    const { symbolizer } = this.#recording;
    const ends = new Map<number, number>();
    for (const address of addresses) {
      if (symbolizer.symbolize(object, address) >= 0) continue;
      const start = symbolizer.functionStart(object, address);
      if (start >= 0) ends.set(start, address + 1);
    }
    if (ends.size === 0) return undefined;
    const starts = ascending(ends.keys());
    return { starts, ends: starts.map((start) => ends.get(start)!) };
  }

  #addLines(object: ObjectInfo, addresses: Float64Array, answers: ObjectAnswers): void {
    const { symbolizer, budget } = this.#recording;
    const bundledOf = (of: ObjectInfo) => symbolizer.bundledOf(of);
    const found = linesOf(object, addresses, { files: this.#files, budget, bundledOf });
    if (!("file" in found)) {
      answers.facts.linesFailure = found;
      return;
    }
    const table = new LineTableBuilder(), { base = 0 } = answers.facts;
    addresses.forEach((address, i) => {
      const file = found.file[i];
      const row = file < 0 ? NOTHING : table.row(table.path(found.paths[file]), found.line[i]);
      table.addRange(address - base, address - base + 1, row);
    });
    answers.lines = table.bytes("");
  }

  /** Finds what was inlined at the addresses that have a symbol, as a report does. */
  #addChains(object: ObjectInfo, code: Hits["code"], answers: ObjectAnswers): void {
    const { symbolizer, inlined } = this.#recording, { facts } = answers;
    const before = inlined!.warnings.length;
    const chains = new Map<number, number>();
    const isNamed = (address: number) => symbolizer.symbolize(object, address) >= 0;
    for (const [ran, sampled] of code) {
      if ([...sampled].some(isNamed)) chains.set(ran, inlined!.at(object.id, ran, false));
    }
    const warnings = inlined!.warnings.slice(before), missing = inlined!.missingOf(object.id);
    if (warnings.length > 0) facts.inlinedWarnings = warnings;
    if (missing.length > 0) facts.missing = missing;
    this.#chains.set(answers, chains);
  }
}

/** Makes the table of the functions that chains consist of. */
function inlinedTable(
  { parent, function: functionOf, functions, ...calls }: Inlined,
  chains: Map<number, number>,
  base = 0,
): Uint8Array {
  const table = new FunctionTableBuilder();
  const outermost = table.addFunction({ parent: -1, name: "", callPath: "", callLine: 0 });
  const rows = new Map<number, number>();
  const rowOf = (chain: number): number => {
    const news: number[] = [];
    for (let at = chain; at >= 0 && !rows.has(at); at = parent[at]) news.push(at);
    for (const each of news.reverse()) {
      const path = calls.callPath[each];
      rows.set(
        each,
        table.addFunction({
          parent: rows.get(parent[each]) ?? outermost,
          name: functions[functionOf[each]].name,
          callPath: path < 0 ? "" : calls.paths[path],
          callLine: calls.callLine[each],
        }),
      );
    }
    return rows.get(chain)!;
  };
  for (const [at, chain] of chains) {
    table.addRange(at - base, at - base + 1, chain < 0 ? NOTHING : rowOf(chain));
  }
  return table.bytes("");
}
