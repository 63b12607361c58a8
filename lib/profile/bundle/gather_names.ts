/**
 * Gathers all that a report needs of programs, for the addresses that the samples of a recording hit: what it answers
 * with a bundle is what it answers with the programs.
 */

import type { ByteInput } from "../../base/bytes/byte_source.ts";
import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { encodeBlock } from "../../symbols/bundle/blocks.ts";
import { BLOCK } from "../../symbols/bundle/block_types.ts";
import { encodeBundle } from "../../symbols/bundle/bundle.ts";
import { type BundledFacts, identityOf, type ObjectAnswers } from "../../symbols/bundle/bundled_object.ts";
import { type SourceExcerpt, writeSources } from "../../symbols/bundle/bundled_sources.ts";
import { ascending, symbolAnswers } from "../../symbols/bundle/symbol_answers.ts";
import { mayFetch, type SymbolFiles } from "../../symbols/files/symbol_files.ts";
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
import { openRunTimeNames } from "../../symbols/run_time_names.ts";
import type { UnresolvedWeight } from "../../symbols/symbolizer.ts";
import { linesOf, mayHaveLines } from "../../symbols/source_lines.ts";
import type { Inlined } from "../load/inlined/inlined_frames.ts";
import { frameWeights, type ReadRecording, readRecording } from "../load/read_recording.ts";
import type { LoadOptions } from "../request/load_options.ts";
import type { Profile } from "../model/profile.ts";
import { CodeGatherer, type GatheredCode, mergedAscending } from "./gather_code.ts";
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
  /** Number of functions with code, and of source files with text; undefined unless asked for. */
  source: { functions: number; files: number } | undefined;
  /**
   * Objects with code that stays without a name, though there is a remedy. `samples` are those whose innermost frame is
   * such code: 0 where it has callers alone, and none of the object's code has a name.
   */
  unresolved: Profile["unresolved"];
  /** Number of all samples. */
  samples: number;
  /** Problems met while files were fetched, and what is left out of code and source, a sentence each. */
  warnings: readonly string[];
}

/** Options of gatherNames(). */
export interface GatherOptions extends Pick<LoadOptions, "force"> {
  /** Gather the code of the functions that samples hit, and the text of its source lines, too. */
  source?: boolean;
}

/** Gathers the names of a recording. Throws as loadProfile() does. */
export async function gatherNames(
  input: ByteInput,
  files: SymbolFiles,
  { force, source }: GatherOptions = {},
): Promise<GatheredNames> {
  const recording = await readRecording(input, files, {
    force,
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
  const code = source ? new CodeGatherer(recording, files) : undefined;
  const gatherer = new Gatherer(recording, files, code);
  const answers = [...gatherer.all(hits), ...unreadableDumps(recording)];
  gatherer.addInlined();
  recording.inlined!.close();
  const nameless = new Set(gatherer.nameless),
    named = answers.filter((each) => each.symbols || each.jitDump).length;
  const texts = code?.readSources(symbolizer.sources), further = unwoundStacks(recording);
  if (texts && texts.size > 0) further.push(writeSources(texts));
  return {
    bundle: encodeBundle(answers, further),
    named,
    source: code && { functions: code.count, files: filesWithText(texts!) },
    ...unresolvedOf(recording, nameless, (object) => mayFetch(files, object)),
    warnings: [...symbolizer.fetchWarnings, ...code?.warnings ?? []],
  };
}

function filesWithText(files: ReadonlyMap<string, SourceExcerpt>): number {
  let count = 0;
  for (const { texts } of files.values()) if (texts.size > 0) count++;
  return count;
}

/** Returns the objects with code that has no name, of those that are bundled, and the number of all samples. */
function unresolvedOf(
  { frames, builder, symbolizer, spaces: { objects: { rows } } }: ReadRecording,
  nameless: ReadonlySet<ObjectInfo>,
  fetches: (object: ObjectInfo) => boolean,
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
    remedy: missingSymbolRemedy(reason, object, { fetches: fetches(object), command: "bundle" }),
    samples: weight,
  }));
  return {
    unresolved: unresolved.filter(({ remedy }) => !remedy.startsWith(NOTHING_TO_DO)),
    samples: weights.reduce((sum, weight) => sum + weight, 0),
  };
}

/** Returns what is known of jitdumps that could not be read: no sample hit their code. */
function unreadableDumps({ jit }: ReadRecording): ObjectAnswers[] {
  return jit.unreadable.map(({ object, text }) => ({
    facts: { ...identityOf(object), failure: { reason: REASON.DAMAGED }, warnings: [text] },
  }));
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
  readonly #chains = new Map<ObjectAnswers, ChainRuns>();
  readonly #code: CodeGatherer | undefined;
  /** Objects without symbols whose files could not be found or read. */
  readonly nameless: ObjectInfo[] = [];

  constructor(recording: ReadRecording, files: SymbolFiles, code: CodeGatherer | undefined) {
    this.#recording = recording;
    this.#files = files;
    this.#code = code;
  }

  /** Returns the answers of all objects that are bundled, in the order of their hits. */
  all(hits: ReadonlyMap<number, Hits>): ObjectAnswers[] {
    const { spaces: { objects: { rows } } } = this.#recording, code = this.#code;
    const objects = Array.from(hits.keys(), (id) => rows[id]).filter(({ kind }) => BUNDLED.has(kind));
    const read = new Map<ObjectInfo, GatheredCode | undefined>();
    // there is room for the code that has most samples
    for (const object of code ? objects.toSorted((a, b) => code.weightOf(b) - code.weightOf(a)) : []) {
      read.set(object, code!.read(object));
    }
    return objects.map((object) => {
      const answer = this.#answers(object, hits.get(object.id)!, read.get(object));
      const { symbols, jitDump, facts: { failure } } = answer;
      if (symbols === undefined && jitDump === undefined && !READ.has(failure.reason)) {
        this.nameless.push(object);
      }
      return answer;
    });
  }

  #answers(object: ObjectInfo, { symbols, code: ran }: Hits, code: GatheredCode | undefined): ObjectAnswers {
    const { symbolizer } = this.#recording;
    const sorted = ascending(symbols);
    const asked = code ? mergedAscending([sorted, code.targets]) : sorted;
    const found = symbolAnswers(asked, (address) => {
      const id = symbolizer.symbolize(object, address);
      return id < 0 ? undefined : { id, ...symbolizer.symbol(id) };
    });
    const warnings = symbolizer.warningsOf(object);
    const facts: BundledFacts = {
      ...identityOf(object),
      failure: symbolizer.failureOf(object),
      ...symbolizer.tellsInlined(object) ? { tellsInlined: true } : {},
      ...warnings.length > 0 ? { warnings } : {},
      ...code?.modified === undefined ? {} : { modified: code.modified },
    };
    if (object.kind === "jit" && isJitDump(object.path)) {
      return { facts, jitDump: this.#jitDump(object, sorted) };
    }
    const answers: ObjectAnswers = { facts };
    // a table of some symbols counts, even if no address is in one
    if (found.names.length > 0 || facts.failure.reason === REASON.NOT_COVERED) answers.symbols = found;
    answers.functions = this.#functions(object, sorted);
    if (code) answers.code = code.functions;
    const hit = ascending(ran.keys()), places = code ? mergedAscending([hit, ...code.addresses]) : hit;
    // offsets in files are small, addresses in the kernel are not
    if (object.kind !== "file") facts.base = places[0];
    if (mayHaveLines(object)) this.#addLines(object, { places, code }, answers);
    if (facts.tellsInlined) this.#addChains(object, { ran, code }, answers);
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

  #addLines(
    object: ObjectInfo,
    { places: addresses, code }: { places: Float64Array; code: GatheredCode | undefined },
    answers: ObjectAnswers,
  ): void {
    const { symbolizer, budget } = this.#recording;
    const bundledOf = (of: ObjectInfo) => symbolizer.bundledOf(of);
    const found = linesOf(object, addresses, { files: this.#files, budget, bundledOf });
    if (!("file" in found)) {
      answers.facts.linesFailure = found;
      return;
    }
    this.#code?.takeLines(object, { addresses, found, code });
    const table = new LineTableBuilder(), { base = 0 } = answers.facts;
    addresses.forEach((address, i) => {
      const file = found.file[i];
      const row = file < 0 ? NOTHING : table.row(table.path(found.paths[file]), found.line[i]);
      table.addRange(address - base, address - base + 1, row);
    });
    answers.lines = table.bytes("");
  }

  /** Finds what was inlined at the addresses that have a symbol, as a report does, and in all of the code. */
  #addChains(
    object: ObjectInfo,
    { ran, code }: { ran: Hits["code"]; code: GatheredCode | undefined },
    answers: ObjectAnswers,
  ): void {
    const { symbolizer, inlined } = this.#recording, { facts } = answers;
    const before = inlined!.warnings.length;
    const chains = new ChainRuns();
    const isNamed = (address: number) => symbolizer.symbolize(object, address) >= 0;
    for (const [address, sampled] of ran) {
      if ([...sampled].some(isNamed)) chains.add(address, inlined!.at(object.id, address, false));
    }
    for (const addresses of code?.addresses ?? []) {
      for (const address of addresses) chains.add(address, inlined!.at(object.id, address, false));
    }
    const warnings = inlined!.warnings.slice(before), missing = inlined!.missingOf(object.id);
    if (warnings.length > 0) facts.inlinedWarnings = warnings;
    if (missing.length > 0) facts.missing = missing;
    this.#chains.set(answers, chains);
  }
}

/** Chains of inlined functions at runs of addresses. */
class ChainRuns {
  readonly #from = float64Column();
  readonly #to = float64Column();
  readonly #chain = int32Column();

  add(address: number, chain: number): void {
    const last = this.#to.length - 1;
    if (last >= 0 && this.#to.data[last] === address && this.#chain.data[last] === chain) {
      this.#to.data[last]++;
      return;
    }
    this.#from.push(address);
    this.#to.push(address + 1);
    this.#chain.push(chain);
  }

  each(take: (from: number, to: number, chain: number) => void): void {
    for (let run = 0; run < this.#from.length; run++) {
      take(this.#from.data[run], this.#to.data[run], this.#chain.data[run]);
    }
  }
}

/** Makes the table of the functions that chains consist of. */
function inlinedTable(
  { parent, function: functionOf, functions, ...calls }: Inlined,
  chains: ChainRuns,
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
  chains.each((from, to, chain) => {
    table.addRange(from - base, to - base, chain < 0 ? NOTHING : rowOf(chain));
  });
  return table.bytes("");
}
