/** Prints an annotated function for people. */

import { bold, dim, green, red } from "@std/fmt/colors";
import { hexAddress } from "../base/bytes/address.ts";
import { counted } from "../base/text/plural.ts";
import { printable } from "../base/text/printable.ts";
import { foldName } from "../report/shared/fold_name.ts";
import { amountText } from "../report/shared/amount.ts";
import type { Annotation, Instruction, SourceLine, Weight } from "./annotation.ts";

/** Options of renderAnnotation(). */
export interface AnnotationView {
  /** Print source lines alone. */
  sourceOnly?: boolean;
  /** Leave source lines out. */
  noSource?: boolean;
}

/** Shares of the function, in percent, from which a line is hot, and from which it is warm: perf's. */
const HOT = 5, WARM = 0.5;
/** Columns of share and samples. */
const WEIGHT_COLUMNS = 18;
/** Columns of the name of an inlined function. */
const NAME_COLUMNS = 40;

/** Yields the function: hottest lines, then its code. Colours are those of @std/fmt/colors, which may be off. */
export function* renderAnnotation(annotation: Annotation, view: AnnotationView): Generator<string> {
  const { symbol, object, event, unit, self, all, instructions, warnings } = annotation;
  const share = all.period > 0 ? 100 * self.period / all.period : 0;
  yield `function ${printable(symbol)}\n`;
  yield `object   ${printable(object)}\n`;
  const weight = unit === "ns" ? `, ${amountText(self.period, unit)}` : "";
  yield `event    ${printable(event)}: ${counted(self.samples, "sample")}${weight}, ${
    share.toFixed(2)
  }% of all\n`;
  for (const warning of warnings) yield `warning  ${printable(warning)}\n`;
  yield "\n";
  yield bold(`${"Percent".padStart(8)} ${"Samples".padStart(8)}\n`);
  if (view.sourceOnly || instructions.length === 0) yield* sourceOf(annotation);
  else yield* codeOf(annotation, view);
}

/** Yields the source lines of each file, in order, with those between. */
function* sourceOf({ lines, self }: Annotation): Generator<string> {
  for (const file of new Set(lines.map((line) => line.file))) {
    yield dim(`${" ".repeat(WEIGHT_COLUMNS)}${printable(file)}\n`);
    const own = lines.filter((line) => line.file === file && line.line > 0).sort((a, b) => a.line - b.line);
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
  const width = Math.max(0, ...instructions.map(({ address }) => hexAddress(address).length));
  for (const instruction of instructions) {
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

/** Returns a source line with tabs of four columns, which are those of many sources, and fit beside the rest. */
function shownSource(text: string): string {
  return text.trimEnd().replaceAll("\t", "    ");
}

/** Returns the direction of a jump within the function. */
function arrow({ address, target }: Instruction): string {
  return target === undefined ? " " : target > address ? "↓" : "↑";
}

/** Returns a line with its share of the function, in the colour of that. */
function heated({ samples, period }: Weight, self: Weight, text: string): string {
  if (samples === 0) return `${" ".repeat(WEIGHT_COLUMNS)}${text}\n`;
  const share = self.period > 0 ? 100 * period / self.period : 100 * samples / self.samples;
  const weight = `${share.toFixed(2).padStart(7)}% ${samples.toString().padStart(8)} `;
  const colour = share >= HOT ? red : share >= WARM ? green : (plain: string) => plain;
  return `${colour(weight)}${text}\n`;
}
