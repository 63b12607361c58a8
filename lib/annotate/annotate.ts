/** Annotates a function: where its samples are, in instructions and source lines. */

import { FileBytes } from "../base/files/file_bytes.ts";
import { BadInputError } from "../base/system/errors.ts";
import { hexAddress } from "../base/bytes/address.ts";
import { type Profile, weightUnit } from "../profile/model/profile.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";
import { type InlinedCode, openInlinedCode } from "../symbols/inlined_code.ts";
import { Cost, LimitError } from "../symbols/object/limits.ts";
import type { ObjectInfo } from "../symbols/object/objects.ts";
import { Demangler } from "../symbols/table/demangle.ts";
import { Symbolizer } from "../symbols/symbolizer.ts";
import { sourceLines } from "../symbols/source_lines.ts";
import type { Annotation, Instruction, SourceLine, Weight } from "./annotation.ts";
import { functionCode } from "./code.ts";
import { disassemble, type Disassembled } from "./disassemble.ts";
import { add, type FunctionSamples, functionSamples } from "./function_samples.ts";

/** Options of annotate(). */
export interface AnnotateOptions {
  /** Row of the event. */
  event: number;
  /** Name of the function, or a part of it; the one with most samples by default. */
  name: string | undefined;
  /** Objects as they were mapped, by their rows in the profile. */
  objects: readonly ObjectInfo[];
  files: SymbolFiles;
  /** Syntax of the assembly, for objdump's -M: `intel`. */
  syntax?: string;
  /** Leave names as compilers wrote them. */
  mangled?: boolean;
  /** Leave the assembly out. */
  sourceOnly?: boolean;
}

/** Most bytes of a source file that are read. */
const MAX_SOURCE = 1 << 24;
const READ_BY_OTHERS = 0o004;

/**
 * Annotates a function of a profile that has places (LoadOptions) and one frame for each sample. Throws UsageError,
 * BadInputError.
 */
export async function annotate(profile: Profile, options: AnnotateOptions): Promise<Annotation> {
  const found = functionSamples(profile, options.event, options.name);
  const { name: event } = profile.events[options.event];
  const { name, start } = found, object = options.objects[found.object], warnings: string[] = [];
  if (found.others > 0) {
    warnings.push(
      `${found.others} more functions are called ${name}: this is the heaviest; -d OBJECT chooses`,
    );
  }
  const assembly = await assemblyOf(object, found, options);
  if (!("list" in assembly)) {
    if (!options.sourceOnly) warnings.push(`no instructions of ${name} in ${object.path}: ${assembly.cause}`);
  }
  const list = "list" in assembly ? assembly.list : bareAddresses(found);
  const base = "list" in assembly ? assembly.address : start;
  const offsets = list.map(({ address }) => address - base);
  const { lines, ofOffset, warning } = linesOf(object, start, offsets, options.files);
  if (warning) warnings.push(warning);
  const demangler = options.mangled ? undefined : await Demangler.load();
  const readable = (name: string) => demangler instanceof Demangler ? demangler.readable(name) : name;
  const inlined = inlinedOf(object, start, offsets, { files: options.files, readable });
  const nameOf = await targetNames(object, start - base, { files: options.files, readable });
  const instructions: Instruction[] = list.map((each, i) => ({
    address: each.address,
    ...withTarget(each, { base, end: "list" in assembly ? assembly.end : base }, nameOf),
    ...weightAt(found, offsets, i),
    line: ofOffset[i],
    inlined: inlined[i],
  }));
  for (const { line, samples, period } of instructions) if (line >= 0) add(lines[line], samples, period);
  if (options.sourceOnly && lines.length === 0) {
    throw new BadInputError(`cannot show the source of ${name}: ${warning ?? "its lines are not known"}`);
  }
  return {
    symbol: name,
    object: object.path,
    event,
    unit: weightUnit(event),
    self: found.self,
    all: found.all,
    instructions: "list" in assembly ? instructions : [],
    lines: withTexts(lines),
    warnings,
  };
}

async function assemblyOf(
  object: ObjectInfo,
  { start, end }: FunctionSamples,
  { files, syntax, sourceOnly }: AnnotateOptions,
): Promise<{ list: Disassembled[]; address: number; end: number } | { cause: string }> {
  const code = functionCode(files, object, start, end);
  if (!("bytes" in code)) return code;
  const list = await disassemble(code, syntax);
  if (Array.isArray(list)) return { list, address: code.address, end: code.address + code.bytes.length };
  return sourceOnly ? { cause: "" } : list;
}

/** Returns the sampled addresses alone, for a function whose code cannot be read. */
function bareAddresses({ byOffset }: FunctionSamples): Disassembled[] {
  return [...byOffset.keys()].sort((a, b) => a - b).map((address) => ({ address, text: "" }));
}

/** Returns the weight of instruction `i`: of its address, and of those up to the next one's. */
function weightAt({ byOffset }: FunctionSamples, offsets: readonly number[], i: number): Weight {
  const weight = { samples: 0, period: 0 }, next = offsets[i + 1] ?? Infinity;
  const own = byOffset.get(offsets[i]);
  if (own) add(weight, own.samples, own.period);
  for (let at = offsets[i] + 1; at < Math.min(next, offsets[i] + MAX_INSTRUCTION); at++) {
    const inside = byOffset.get(at);
    if (inside) add(weight, inside.samples, inside.period);
  }
  return weight;
}

/** Bytes of the longest instruction. */
const MAX_INSTRUCTION = 15;

/** Returns the text of an instruction with the name of what it jumps to or calls, and the address if that is inside. */
function withTarget(
  { text, target }: Disassembled,
  { base, end }: { base: number; end: number },
  nameOf: (address: number) => string | undefined,
): Pick<Instruction, "text" | "target"> {
  if (target === undefined) return { text };
  const bare = text.replace(/(?:0x)?[0-9a-f]+(?: <[^>]*>)?$/, hexAddress(target));
  if (target >= base && target < end) return { text: `${bare} <+0x${hexAddress(target - base)}>`, target };
  const name = nameOf(target);
  return { text: name === undefined ? bare : `${bare} <${name}>` };
}

/** Sources of names, and what makes them readable. */
interface NameOptions {
  files: SymbolFiles;
  readable: (name: string) => string;
}

/** Returns a function that names addresses of an object's code: `work+0x10`. `shift` makes them those of AddressSpaces.at. */
async function targetNames(
  object: ObjectInfo,
  shift: number,
  { files, readable }: NameOptions,
): Promise<(address: number) => string | undefined> {
  const symbolizer = new Symbolizer(files);
  await symbolizer.prepare([object]);
  return (address) => {
    const id = symbolizer.symbolize(object, address + shift);
    if (id < 0) return undefined;
    const { name, start } = symbolizer.symbol(id), offset = address + shift - start;
    return readable(name) + (offset > 0 ? `+0x${hexAddress(offset)}` : "");
  };
}

/** Returns the source lines of a function's code, each once, and the row of each offset. */
function linesOf(
  object: ObjectInfo,
  start: number,
  offsets: readonly number[],
  files: SymbolFiles,
): { lines: SourceLine[]; ofOffset: Int32Array; warning?: string } {
  const ofOffset = new Int32Array(offsets.length).fill(-1), lines: SourceLine[] = [];
  const found = sourceLines(files, object, Float64Array.from(offsets, (offset) => start + offset));
  if (!("file" in found)) {
    return {
      lines,
      ofOffset,
      warning: `no source lines in ${object.path}: build with -g, or install its debug symbols`,
    };
  }
  const rows = new Map<string, number>();
  found.file.forEach((file, i) => {
    if (file < 0) return;
    const key = `${file} ${found.line[i]}`;
    let row = rows.get(key);
    if (row === undefined) {
      rows.set(
        key,
        row = lines.push({ file: found.paths[file], line: found.line[i], samples: 0, period: 0 }) - 1,
      );
    }
    ofOffset[i] = row;
  });
  return { lines, ofOffset };
}

/** Returns the inlined functions at each offset, the outermost first. */
function inlinedOf(
  object: ObjectInfo,
  start: number,
  offsets: readonly number[],
  { files, readable }: NameOptions,
): string[][] {
  let code: InlinedCode | undefined;
  try {
    code = openInlinedCode(files, object, new Cost(undefined, object.path));
    if (code === undefined) return offsets.map(() => []);
    const { functions } = code;
    return offsets.map((offset) => {
      const names: string[] = [];
      for (let row = code!.at(start + offset); row >= 0; row = functions.parent(row)) {
        names.push(readable(functions.name(row)));
      }
      return names.reverse().slice(1);
    });
  } catch (error) {
    if (error instanceof BadInputError || error instanceof LimitError) return offsets.map(() => []);
    throw error;
  } finally {
    code?.close();
  }
}

/** Adds the texts of the lines whose files can be read. */
function withTexts(lines: readonly SourceLine[]): SourceLine[] {
  const texts = new Map<string, string[] | undefined>();
  return lines.map((line) => {
    if (!texts.has(line.file)) texts.set(line.file, textsOf(line.file));
    const text = texts.get(line.file)?.[line.line - 1];
    return text === undefined ? line : { ...line, text };
  });
}

/**
 * Reads the lines of a source file. Whoever made the program chose its path: with the rights of root, only what everybody
 * may read is shown.
 */
function textsOf(path: string): string[] | undefined {
  if (!path.startsWith("/")) return undefined;
  const file = FileBytes.tryOpen(path, { maxBytes: MAX_SOURCE });
  if (file === undefined) return undefined;
  try {
    if (Deno.uid() === 0 && (file.mode & READ_BY_OTHERS) === 0) return undefined;
    return new TextDecoder().decode(file.read(0, file.size)).split("\n");
  } finally {
    file.close?.();
  }
}
