/** Prints an annotated function for people. */

import { bold, dim, green, red } from "@std/fmt/colors";
import { hexAddress } from "../base/bytes/address.ts";
import { greatest } from "../base/bytes/lists.ts";
import { wrap } from "../base/text/wrap.ts";
import { counted } from "../base/text/plural.ts";
import { printable } from "../base/text/printable.ts";
import { foldName } from "../report/shared/fold_name.ts";
import { amountText } from "../report/shared/amount.ts";
import {
  type AnnotatedInstruction,
  type Annotation,
  type SampleWeight,
  shownSource,
  type SourceLine,
} from "../report/shared/annotation.ts";

/** Options of renderAnnotation(). */
export interface AnnotationView {
  /** Print source lines alone. */
  sourceOnly?: boolean;
  /** Leave source lines out. */
  noSource?: boolean;
  /** Columns that warnings are wrapped at; unlimited by default. */
  width?: number;
}

/** Shares of the function, in percent, from which a line is hot, and from which it is warm: perf's. */
const HOT = 5, WARM = 0.5;
/** Columns of share and samples. */
const WEIGHT_COLUMNS = 18;
/** Columns of the name of an inlined function. */
const NAME_COLUMNS = 40;

/** Columns before a value of the header. */
const HEADER_COLUMNS = 9;

/** Yields the function line by line: its header, then its code or source. Colours are those of @std/fmt/colors, which may be off. */
export function* renderAnnotation(annotation: Annotation, view: AnnotationView): Generator<string> {
  const { symbol, object, event, unit, self, all, instructions, warnings } = annotation;
  const share = all.period > 0 ? 100 * self.period / all.period : 0;
  if (symbol !== "") yield `function ${printable(symbol)}\n`;
  if (object !== "") yield `object   ${printable(object)}\n`;
  const weight = unit === "ns" ? `, ${amountText(self.period, unit)}` : "";
  const part = self.samples > 0 ? `${weight}, ${share.toFixed(2)}% of all` : "";
  if (event !== "") yield `event    ${printable(event)}: ${counted(self.samples, "sample")}${part}\n`;
  for (const warning of warnings) {
    const text = `${"warning".padEnd(HEADER_COLUMNS)}${printable(warning)}`;
    for (const line of wrap(text, view.width ?? Infinity, " ".repeat(HEADER_COLUMNS))) yield `${line}\n`;
  }
  yield "\n";
  if (self.samples === 0) return yield `No samples${event && ` of ${printable(event)}`}.\n`;
  yield bold(`${"Percent".padStart(8)} ${"Samples".padStart(8)}\n`);
  if (view.sourceOnly || instructions.length === 0) yield* sourceOf(annotation);
  else yield* codeOf(annotation, view);
}

/** Yields the source lines of each file, in order, with those between. */
function* sourceOf({ lines, self }: Annotation): Generator<string> {
  for (const [file, all] of Map.groupBy(lines, (line) => line.file)) {
    yield dim(`${" ".repeat(WEIGHT_COLUMNS)}${printable(file)}\n`);
    const own = all.filter((line) => line.line > 0).sort((a, b) => a.line - b.line);
    let before = own.length > 0 ? own[0].line : 0;
    for (const line of own) {
      if (line.line > before + 1) yield dim(`${" ".repeat(WEIGHT_COLUMNS)}...\n`);
      before = line.line;
      yield heated(
        line,
        self,
        `${line.line.toString().padStart(6)}  ${printable(shownSource(line.text ?? ""))}`,
      );
    }
  }
}

/** Yields the instructions, with the source line above those that it was compiled to. */
function* codeOf({ instructions, lines, self }: Annotation, { noSource }: AnnotationView): Generator<string> {
  let line = -1, inlined = "";
  const margin = " ".repeat(WEIGHT_COLUMNS);
  const width = greatest(instructions.map(({ address }) => hexAddress(address).length));
  for (const instruction of instructions) {
    const { leftOut } = instruction;
    if (leftOut > 0) yield dim(`${margin}... ${counted(leftOut, "instruction")}\n`);
    const chain = instruction.inlined.map((name) => foldName(name, NAME_COLUMNS)).join(" > ");
    if (!noSource && chain !== inlined && chain !== "") yield dim(`${margin}inlined: ${printable(chain)}\n`);
    inlined = chain;
    if (!noSource && instruction.line >= 0 && instruction.line !== line) {
      yield dim(`${margin}${lineText(lines[instruction.line])}\n`);
    }
    line = instruction.line;
    yield heated(
      instruction,
      self,
      `${hexAddress(instruction.address).padStart(width)}: ${arrow(instruction)} ${
        printable(instruction.text)
      }`,
    );
  }
}

function lineText({ file, line, text }: SourceLine): string {
  const place = `${file.slice(file.lastIndexOf("/") + 1)}:${line}`;
  return printable(text === undefined ? place : `${place}  ${shownSource(text)}`);
}

/** Returns the direction of a jump within the function. */
function arrow({ address, target }: AnnotatedInstruction): string {
  return target === undefined ? " " : target > address ? "↓" : "↑";
}

/** Returns a line with its share of the function, in the colour of that. */
function heated({ samples, period }: SampleWeight, self: SampleWeight, text: string): string {
  if (samples === 0) return `${" ".repeat(WEIGHT_COLUMNS)}${text}\n`;
  const share = self.period > 0 ? 100 * period / self.period : 100 * samples / self.samples;
  const weight = `${share.toFixed(2).padStart(7)}% ${samples.toString().padStart(8)} `;
  const colour = share >= HOT ? red : share >= WARM ? green : (plain: string) => plain;
  return `${colour(weight)}${text}\n`;
}
