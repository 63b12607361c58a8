/** Lines to show of a function's code in a page, as `pmuctl annotate` prints them. */

import { hexAddress } from "../../base/bytes/address.ts";
import { counted } from "../../base/text/plural.ts";
import { foldName } from "../shared/fold_name.ts";
import type { CodeTables } from "./code_tables.ts";

/** Parts of the code to show. */
export const CODE_VIEWS = ["both", "source", "assembly"] as const;
/** One of CODE_VIEWS. */
export type CodeView = (typeof CODE_VIEWS)[number];

/** Line of the code. */
export interface CodeRow {
  /** `instruction` and `source` have samples; `heading` and `note` stand above the instructions that they are about. */
  kind: "instruction" | "source" | "heading" | "note";
  /** Address, number of the source line, or for headings its file and number; empty for notes. */
  place: string;
  text: string;
  samples: number;
  /** Share of the function, from 0 to 1. */
  share: number;
  /** Direction of a jump within the function, and the row that it goes to. */
  arrow: "" | "↓" | "↑";
  target: number;
  /** Whether the code is that of the inlined function that was asked for. */
  isInlined: boolean;
}

/** Columns of the name of an inlined function. */
const NAME_COLUMNS = 40;

const NOTE: CodeRow = {
  ...{ kind: "note", place: "", text: "", samples: 0, share: 0, arrow: "", target: -1, isInlined: false },
};

/** Returns the lines of a function. `inlined` is the name of an inlined function whose code is marked. */
export function codeRows(code: CodeTables, row: number, view: CodeView, inlined?: string): CodeRow[] {
  const { firstInstruction } = code.functions;
  const hasInstructions = firstInstruction[row] < firstInstruction[row + 1];
  return view === "source" || !hasInstructions
    ? sourceRows(code, row)
    : assemblyRows(code, row, { hasSource: view === "both", inlined });
}

/** Returns the source lines of each file, in order, with a note where some are left out. */
function sourceRows(code: CodeTables, row: number): CodeRow[] {
  const { functions: { firstLine }, lines, texts } = code, share = shareOf(code, row), rows: CodeRow[] = [];
  const ofFile = Map.groupBy(range(firstLine[row], firstLine[row + 1]), (at) => lines.file[at]);
  for (const [file, all] of ofFile) {
    rows.push({ ...NOTE, text: texts[file] });
    const known = all.filter((at) => lines.line[at] > 0).sort((a, b) => lines.line[a] - lines.line[b]);
    known.forEach((at, i) => {
      if (i > 0 && lines.line[at] > lines.line[known[i - 1]] + 1) rows.push({ ...NOTE, text: "…" });
      rows.push({
        ...NOTE,
        kind: "source",
        place: `${lines.line[at]}`,
        text: lines.text[at] < 0 ? "" : texts[lines.text[at]],
        samples: lines.samples[at],
        share: share(lines, at),
      });
    });
  }
  return rows;
}

/** Returns the instructions, below the source lines and inlined functions that they were compiled from. */
function assemblyRows(
  code: CodeTables,
  row: number,
  { hasSource, inlined }: { hasSource: boolean; inlined: string | undefined },
): CodeRow[] {
  const { functions: { firstInstruction, firstLine }, instructions, heads, texts, chains } = code;
  const share = shareOf(code, row), rows: CodeRow[] = [], rowOf = new Map<number, number>();
  const { start } = heads[row];
  let line = -1, chain = -1;
  for (const at of range(firstInstruction[row], firstInstruction[row + 1])) {
    const left = instructions.leftOut[at], names = chains[instructions.chain[at]];
    if (left > 0) rows.push({ ...NOTE, text: `… ${counted(left, "instruction")}` });
    if (hasSource && instructions.chain[at] !== chain && names) {
      rows.push({
        ...NOTE,
        text: `inlined: ${names.map((name) => foldName(name, NAME_COLUMNS)).join(" > ")}`,
      });
    }
    chain = instructions.chain[at];
    if (hasSource && instructions.line[at] >= 0 && instructions.line[at] !== line) {
      rows.push({ ...NOTE, kind: "heading", ...lineTexts(code, firstLine[row] + instructions.line[at]) });
    }
    line = instructions.line[at];
    const offset = instructions.offset[at], target = instructions.target[at];
    rowOf.set(offset, rows.length);
    rows.push({
      kind: "instruction",
      place: hexAddress(start + offset),
      text: texts[instructions.text[at]],
      samples: instructions.samples[at],
      share: share(instructions, at),
      arrow: target < 0 ? "" : target > offset ? "↓" : "↑",
      target,
      isInlined: inlined !== undefined && (names?.includes(inlined) ?? false),
    });
  }
  for (const each of rows) if (each.arrow !== "") each.target = rowOf.get(each.target) ?? -1;
  return rows;
}

function lineTexts({ lines, texts }: CodeTables, at: number): Pick<CodeRow, "place" | "text"> {
  const file = texts[lines.file[at]], text = lines.text[at];
  return {
    place: `${file.slice(file.lastIndexOf("/") + 1)}:${lines.line[at]}`,
    text: text < 0 ? "" : texts[text],
  };
}

/** Returns what gives the share of a row in its function. */
function shareOf({ functions }: CodeTables, row: number) {
  const period = functions.period[row], samples = functions.samples[row];
  return (of: { samples: Float64Array; period: Float64Array }, at: number) =>
    period > 0 ? of.period[at] / period : samples > 0 ? of.samples[at] / samples : 0;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
