/** Annotates functions: where their samples are, in instructions and source lines. */

import { hexAddress } from "../base/bytes/address.ts";
import { append } from "../base/bytes/lists.ts";
import { weightUnit } from "../profile/model/profile.ts";
import type { BundledObject } from "../symbols/bundle/bundled_object.ts";
import type { BundledSources } from "../symbols/bundle/bundled_sources.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";
import { Budget } from "../symbols/object/limits.ts";
import type { ObjectInfo } from "../symbols/object/objects.ts";
import { Demangler, shortened } from "../symbols/table/demangle.ts";
import type { Symbolizer } from "../symbols/symbolizer.ts";
import type { Annotation, SourceLine } from "../report/shared/annotation.ts";
import { ObjectCode } from "../symbols/function_code.ts";
import type { FunctionSamples } from "./function_samples.ts";
import {
  instructionsOf,
  isOver,
  type Listing,
  ListingLines,
  listingsOf,
  NO_TIME,
  partWarnings,
} from "./listing.ts";
import { inlinedAt, linesAt } from "./source_places.ts";
import { type SourceAccess, SourceTexts } from "../symbols/source_texts.ts";

/** Options of annotateFunctions(). */
export interface AnnotateOptions {
  /** Objects as they were mapped, by their rows in the profile, and what has loaded them: LoadOptions.seeObjects. */
  objects: readonly ObjectInfo[];
  /** Symbolizer that has loaded the objects. */
  symbolizer: Symbolizer;
  /** Files that code and lines are read from. */
  files: SymbolFiles;
  /** Wall-clock time of the recording, in ms since 1970; -1 if unknown. Later source files are other versions. */
  recorded: number;
  /** Syntax of the assembly, for objdump's -M: `intel`. */
  syntax?: string;
  /** Largest code of a function, in bytes, that is disassembled; 1 MiB by default, which takes a second. */
  maxCode?: number;
  /** Largest code of a function, in bytes, that is shown whole, rather than near its samples; 64 KiB by default. */
  maxWhole?: number;
  /** Time in ms, without that of fetching files, after which nothing more is read or disassembled. */
  patience?: number;
  /** Leave names as compilers wrote them. */
  mangled?: boolean;
  /** Instructions are not shown: what they lack is no problem. */
  sourceOnly?: boolean;
  /** Source lines are not shown: read no source files. */
  noSource?: boolean;
  /**
   * Others than the user will see the annotations: of the source files that a program on this machine names, read only
   * those that everybody may read; of those that the recording alone names, none. Its maker would choose what is read.
   */
  forOthers?: boolean;
}

/** Annotated functions. */
export interface Annotations {
  /** Functions in the order asked for. Each has warnings of its own. */
  functions: Annotation[];
  /** Problems that concern all of them, a sentence each. */
  warnings: string[];
  /** Functions that lack instructions or source lines because the time was over. */
  unread: FunctionSamples[];
}

/** Options, and what is used for all objects. */
interface Context extends AnnotateOptions {
  readable: (name: string) => string;
  budget: Budget;
  /** Time of performance.now() from which on nothing more is read. */
  until: number;
}

/**
 * Annotates functions of a profile that was loaded with `places` (LoadOptions). Each object's files are opened once for all
 * of its functions, and each source file is read once.
 *
 *     const sampled = new SampledFunctions(profile, event);
 *     const hottest = sampled.samplesOf(sampled.heaviest.slice(0, 50));
 *     const { functions } = await annotateFunctions(hottest, { objects, symbolizer, files, recorded });
 */
export async function annotateFunctions(
  functions: readonly FunctionSamples[],
  options: AnnotateOptions,
): Promise<Annotations> {
  const { objects, symbolizer, mangled, noSource, forOthers, patience = Infinity } = options;
  const ofObject = Map.groupBy(functions, ({ object }) => objects[object]);
  const isCarried = (object: ObjectInfo) => carriesAll(symbolizer.bundledOf(object), ofObject.get(object)!);
  const lacking = [...ofObject.keys()].filter((object) => !isCarried(object));
  const warnings = noSource ? [] : await symbolizer.fetchInfo(lacking);
  const demangler = mangled ? undefined : await Demangler.load();
  const readable = (name: string) => demangler instanceof Demangler ? demangler.readable(name) : name;
  const context = { ...options, readable, budget: new Budget(), until: performance.now() + patience };
  const unread: FunctionSamples[] = [];
  const built = new Map<Annotation, Built>(), annotated = new Map<FunctionSamples, Annotation>();
  for (const [object, members] of ofObject) {
    const { annotations, modified = Infinity, isCarried, isUnread } = await annotateIn(
      object,
      members,
      context,
    );
    const latest = Math.min(modified, options.recorded >= 0 ? options.recorded / 1000 : Infinity);
    const access = !forOthers ? "user" : isCarried ? "none" : "everybody";
    annotations.forEach((each, i) => {
      if (isUnread[i]) unread.push(members[i]);
      annotated.set(members[i], each);
      built.set(each, { latest, access });
    });
  }
  if (!noSource) addTexts(built, symbolizer.sources);
  return { functions: functions.map((each) => annotated.get(each)!), warnings, unread };
}

/** Returns the annotation of no function: no sample is left. */
export function nothingAnnotated(event: string): Annotation {
  const none = { samples: 0, period: 0 };
  return {
    ...{ symbol: "", object: "", event, unit: weightUnit(event) },
    ...{ self: none, all: none, instructions: [], lines: [], warnings: [] },
  };
}

/** Annotations of one object. */
interface ObjectAnnotations {
  annotations: Annotation[];
  /** Whether their source lines are those that the recording carries. */
  isCarried: boolean;
  /** Whether each lacks something because the time was over. */
  isUnread: boolean[];
  /** Time of the last write to the object's file, in seconds since 1970. */
  modified?: number;
}

/** Annotates functions of one object. */
async function annotateIn(
  object: ObjectInfo,
  functions: readonly FunctionSamples[],
  context: Context,
): Promise<ObjectAnnotations> {
  const { files, budget, maxCode, symbolizer } = context, bundled = symbolizer.bundledOf(object);
  const cost = budget.cost(object.path);
  const code = new ObjectCode({ files, object, cost, maxCode, carried: bundled?.code });
  let listings: Listing[];
  try {
    listings = await listingsOf(functions, code, context);
  } finally {
    code.close();
  }
  return { ...annotationsOf(object, listings, context), modified: code.modified ?? bundled?.facts.modified };
}

/**
 * Finds the source lines, inlined functions and jump targets of the listings of an object: all at once, since each look-up
 * reads the object's debug information anew.
 */
function annotationsOf(
  object: ObjectInfo,
  listings: readonly Listing[],
  context: Context,
): Omit<ObjectAnnotations, "modified"> {
  const { symbolizer, files, budget, readable, sourceOnly, noSource, until } = context;
  const bundled = symbolizer.bundledOf(object);
  const isCarried = carriesAll(bundled, listings.map(({ found }) => found));
  const places = { object, files, budget, bundled, isCarried };
  const addresses: number[] = [], shown: number[] = [];
  for (const { found: { start, byOffset }, offsets } of listings) {
    for (const offset of offsets) shown.push(start + offset);
    for (const offset of offsets) addresses.push(start + offset);
    for (const offset of byOffset.keys()) addresses.push(start + offset);
  }
  const isLate = isOver(until);
  const found = isLate
    ? { warning: `no source lines in ${object.name}: ${NO_TIME}` }
    : linesAt(places, Float64Array.from(addresses));
  const inlined = isLate
    ? { names: shown.map(() => []), warnings: [] }
    : inlinedAt(places, Float64Array.from(shown), readable);
  let fromLine = 0, fromInlined = 0;
  const annotations = listings.map((listing): Annotation => {
    const { found: { name, event, self, all, byOffset }, offsets, cause } = listing;
    const chains = inlined.names.slice(fromInlined, fromInlined += offsets.length);
    const lines = new ListingLines(listing, "file" in found ? found : undefined, fromLine);
    fromLine += offsets.length + byOffset.size;
    const instructions = cause === undefined
      ? instructionsOf(listing, {
        lines,
        inlined: chains,
        nameOf: (address) => targetName(address, object, context),
      })
      : [];
    const warnings = sourceOnly
      ? []
      : cause === undefined
      ? partWarnings(listing, instructions)
      : [`no instructions of ${name} in ${object.path}: ${cause}`];
    if ("warning" in found && !noSource) warnings.push(found.warning);
    if (!noSource) append(warnings, inlined.warnings);
    return {
      ...{ symbol: name, object: object.path, event, unit: weightUnit(event), self, all },
      ...{ instructions, lines: lines.rows, warnings },
    };
  });
  const isUnread = listings.map(({ cause }) => isLate || cause === NO_TIME);
  return { annotations, isUnread, isCarried: "carried" in found };
}

/** Returns whether a recording carries the code of functions of an object, and so their lines and inlined functions. */
function carriesAll(bundled: BundledObject | undefined, functions: readonly FunctionSamples[]): boolean {
  return bundled?.code !== undefined && functions.every(({ start }) => bundled.code!.has(start));
}

/** Returns the name of what is at an address (as in AddressSpaces.at) of an object: `work+0x10`; undefined if unknown. */
function targetName(
  address: number,
  object: ObjectInfo,
  { symbolizer, readable }: Context,
): string | undefined {
  const id = symbolizer.symbolize(object, address);
  if (id < 0) return undefined;
  const { name, start } = symbolizer.symbol(id), offset = address - start;
  return shortened(readable(name)) + (offset > 0 ? `+0x${hexAddress(offset)}` : "");
}

/** Program of a function. */
interface Built {
  /** Latest time at which it may have been built, in seconds since 1970. */
  latest: number;
  /** Source files that may be read. */
  access: SourceAccess;
}

/** Reads the texts of the source lines of functions, and warns of those that are not shown. */
function addTexts(built: ReadonlyMap<Annotation, Built>, carried: BundledSources | undefined): void {
  for (const [access, members] of Map.groupBy(built, ([, { access }]) => access)) {
    const all: SourceLine[] = [];
    for (const [{ lines }] of members) append(all, lines);
    const texts = new SourceTexts(all, carried, access);
    for (const [annotation, { latest }] of members) {
      append(annotation.warnings, texts.warnings(annotation.lines, latest));
      annotation.lines = annotation.lines.map((line) => {
        const text = texts.of(line);
        return text === undefined ? line : { ...line, text };
      });
    }
  }
}
