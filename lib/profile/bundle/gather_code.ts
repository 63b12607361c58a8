/** Gathers what `annotate` needs of the functions that samples hit: their code, and the text of its source lines. */

import { float64Column } from "../../base/bytes/column.ts";
import { counted } from "../../base/text/plural.ts";
import type { FunctionOutcome } from "../../symbols/bundle/bundled_code.ts";
import type { BundledSources, SourceExcerpt } from "../../symbols/bundle/bundled_sources.ts";
import type { SymbolFiles } from "../../symbols/files/symbol_files.ts";
import { ObjectCode } from "../../symbols/function_code.ts";
import type { ObjectInfo, ObjectKind } from "../../symbols/object/objects.ts";
import { linesByFile, SourceFiles } from "../../symbols/source_texts.ts";
import type { SourceLines } from "../../symbols/source_lines.ts";
import { frameWeights, type ReadRecording } from "../load/read_recording.ts";
import { jumpTargets } from "./jump_targets.ts";

/** Most bytes of code, of the text of a source file, and of all texts. */
const MAX_CODE = 4 << 20, MAX_FILE = 1 << 20, MAX_TEXTS = 8 << 20;
/** Kinds of objects whose code is somewhere when their process has ended. */
const WITH_CODE: ReadonlySet<ObjectKind> = new Set(["file", "vdso", "kernel", "module"]);
/** Most reasons for what is left out that warnings tell, and most files named for each. */
const MAX_REASONS = 3, MAX_NAMED = 3;

/** Function that is the innermost one of samples. */
interface SampledFunction {
  start: number;
  /** Address behind its last; undefined for a function without a name. */
  end: number | undefined;
  weight: number;
}

/** Functions of an object, and the weight of each address that is the innermost of samples. */
interface SampledObject {
  weight: number;
  functions: Map<number, SampledFunction>;
  addresses: Map<number, number>;
}

/** Code of an object's functions. */
export interface GatheredCode {
  functions: ReadonlyMap<number, FunctionOutcome>;
  /** Time of the last write to the object's file, in seconds since 1970, if known. */
  modified: number | undefined;
  /** Addresses of all bytes of the code, by function. */
  addresses: readonly Float64Array[];
  /** Addresses that it may jump to. */
  targets: Float64Array;
}

/** Gatherer of the code of one object after the other. */
export class CodeGatherer {
  /** Number of functions whose code was gathered. */
  count = 0;
  readonly #recording: ReadRecording;
  readonly #files: SymbolFiles;
  readonly #sampled: ReadonlyMap<number, SampledObject>;
  /** Weight of each source line of the code, by path and number. */
  readonly #lines = new Map<string, Map<number, number>>();
  /** Paths that files of this machine name, rather than the recording alone. */
  readonly #named = new Set<string>();
  readonly #problems = new Problems();
  #left = MAX_CODE;

  constructor(recording: ReadRecording, files: SymbolFiles) {
    this.#recording = recording;
    this.#files = files;
    this.#sampled = sampledObjects(recording);
  }

  /** Returns the number of samples whose innermost frame is in an object. */
  weightOf({ id }: ObjectInfo): number {
    return this.#sampled.get(id)?.weight ?? 0;
  }

  /** Reads the code of an object's functions, those with most samples first; undefined if no sample hit any. */
  read(object: ObjectInfo): GatheredCode | undefined {
    const { budget, symbolizer } = this.#recording, sampled = this.#sampled.get(object.id);
    if (sampled === undefined || !WITH_CODE.has(object.kind)) return undefined;
    const bundled = symbolizer.bundledOf(object), cost = budget.cost(object.path);
    const code = new ObjectCode({ files: this.#files, object, cost, carried: bundled?.code });
    const functions = new Map<number, FunctionOutcome>(), addresses: Float64Array[] = [];
    const targets = new Set<number>();
    try {
      for (const each of [...sampled.functions.values()].sort((a, b) => b.weight - a.weight)) {
        const outcome = this.#outcome(code, each);
        functions.set(each.start, outcome);
        if ("cause" in outcome) {
          this.#problems.add("code", outcome.cause);
          continue;
        }
        this.count++;
        addresses.push(Float64Array.from(outcome.bytes, (_, i) => each.start + i));
        for (const target of jumpTargets(outcome)) targets.add(target - outcome.address + each.start);
      }
    } finally {
      code.close();
    }
    const modified = code.modified ?? bundled?.facts.modified;
    return { functions, modified, addresses, targets: Float64Array.from(targets) };
  }

  #outcome(code: ObjectCode, { start, end }: SampledFunction): FunctionOutcome {
    const outcome = code.of(start, end);
    if ("cause" in outcome) return outcome;
    if (outcome.bytes.length > this.#left) {
      return { cause: `left out of the bundle, which has at most ${MAX_CODE >> 20} MiB of code` };
    }
    this.#left -= outcome.bytes.length;
    return outcome;
  }

  /** Takes note of the source lines of an object's code, given the lines of ascending `addresses`. */
  takeLines(
    object: ObjectInfo,
    { addresses, found, code }: {
      addresses: Float64Array;
      found: SourceLines;
      code: GatheredCode | undefined;
    },
  ): void {
    const sampled = this.#sampled.get(object.id);
    if (sampled === undefined) return;
    const isNamedHere = this.#recording.symbolizer.bundledOf(object) === undefined;
    const ends = new Map(code?.addresses.map((each) => [each[0], each[each.length - 1]]));
    let end = -Infinity; // last address of the function that begins before
    addresses.forEach((address, i) => {
      end = Math.max(end, ends.get(address) ?? -Infinity);
      const weight = sampled.addresses.get(address), file = found.file[i];
      if (file < 0 || (weight === undefined && address > end)) return;
      const path = found.paths[file], line = found.line[i];
      let ofPath = this.#lines.get(path);
      if (ofPath === undefined) this.#lines.set(path, ofPath = new Map());
      if (isNamedHere) this.#named.add(path);
      ofPath.set(line, (ofPath.get(line) ?? 0) + (weight ?? 0));
    });
  }

  /**
   * Reads the texts of these lines, those of files with most samples first. The bundle is made to be given to others, and
   * whoever made a program chose the paths: only what everybody may read is added.
   */
  readSources(carried: BundledSources | undefined): Map<string, SourceExcerpt> {
    const here = new SourceFiles(carried, "everybody"), elsewhere = new SourceFiles(carried, "none");
    const sources = new Map<string, SourceExcerpt>();
    const weightOf = (lines: Map<number, number>) => {
      let sum = 0;
      for (const weight of lines.values()) sum += weight;
      return sum;
    };
    let left = MAX_TEXTS;
    for (const [file, lines] of [...this.#lines].sort((a, b) => weightOf(b[1]) - weightOf(a[1]))) {
      const [[, numbers]] = linesByFile(Array.from(lines.keys(), (line) => ({ file, line })));
      let excerpt = (this.#named.has(file) ? here : elsewhere).read(file, numbers), size = sizeOf(excerpt);
      const most = size > MAX_FILE ? `${MAX_FILE >> 20} MiB of a file` : `${MAX_TEXTS >> 20} MiB of source`;
      if (size > Math.min(left, MAX_FILE)) {
        excerpt = {
          texts: new Map(),
          modified: -Infinity,
          problem: `not shown: left out of the bundle, which has at most ${most}`,
        };
        size = 0;
      }
      left -= size;
      if (excerpt.problem !== undefined) this.#problems.add("source", excerpt.problem, file);
      sources.set(file, excerpt);
    }
    return sources;
  }

  /** Sentences about what was not gathered. Call it last. */
  get warnings(): string[] {
    return this.#problems.texts();
  }
}

/** Returns the functions and addresses that are the innermost ones of samples, by object. */
function sampledObjects({ frames, builder, symbolizer, spaces }: ReadRecording): Map<number, SampledObject> {
  const sampled = new Map<number, SampledObject>(), { objects: { rows } } = spaces;
  frameWeights(frames, builder).forEach((weight, frame) => {
    const object = rows[frames.object.data[frame]], address = frames.address.data[frame];
    if (weight === 0 || object === undefined) return;
    let of = sampled.get(object.id);
    if (of === undefined) {
      sampled.set(object.id, of = { weight: 0, functions: new Map(), addresses: new Map() });
    }
    of.weight += weight;
    of.addresses.set(address, (of.addresses.get(address) ?? 0) + weight);
    const id = symbolizer.symbolize(object, address);
    const { start, end } = id >= 0
      ? symbolizer.symbol(id)
      : { start: symbolizer.functionStart(object, address), end: undefined };
    if (id < 0 && start < 0) return;
    const known = of.functions.get(start);
    if (known) known.weight += weight;
    else of.functions.set(start, { start, end, weight });
  });
  return sampled;
}

/** Returns about how many bytes an excerpt takes. */
function sizeOf({ texts }: SourceExcerpt): number {
  let size = 0;
  for (const text of texts.values()) size += 8 + text.length;
  return size;
}

/** Returns the distinct numbers of several lists in ascending order. */
export function mergedAscending(lists: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  all.sort();
  const distinct = float64Column(all.length);
  all.forEach((value, i) => i > 0 && value === all[i - 1] || distinct.push(value));
  return distinct.values();
}

/** Reasons why something was not gathered. */
class Problems {
  readonly #files = new Map<string, string[]>();
  readonly #counts = new Map<string, number>();

  add(what: "code" | "source", cause: string, file = ""): void {
    const key = `${what}\0${cause.replace(/^not shown: /, "")}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (file === "") return;
    const files = this.#files.get(key);
    if (files) files.push(file);
    else this.#files.set(key, [file]);
  }

  texts(): string[] {
    const all = [...this.#counts].sort((a, b) => b[1] - a[1]);
    return all.slice(0, MAX_REASONS).map(([key, count]) => {
      const [what, cause] = key.split("\0");
      if (what === "code") return `without the code of ${counted(count, "function")}: ${cause}`;
      const files = this.#files.get(key)!,
        named = files.slice(0, MAX_NAMED),
        more = files.length - named.length;
      return `without the text of ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}: ${cause}`;
    });
  }
}
