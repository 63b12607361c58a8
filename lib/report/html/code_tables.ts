/**
 * Code of the hottest functions inside an HTML report, with the samples of each instruction and source line. pack_code.ts
 * makes it while the report is written; find_code.ts and code_rows.ts read it in the browser.
 */

import { ColumnReader, ColumnWriter } from "./bytes.ts";

/** Texts of the code, and what is small enough to be JSON. */
export interface CodeTexts {
  /** Number of the hottest functions of each event that the page was to have. */
  asked: number;
  /** Problems that concern all functions, a sentence each. */
  warnings: string[];
  /** Instructions, source lines and paths, each once. */
  texts: string[];
  /** Names of inlined functions in each other, the outermost first; each chain once. */
  chains: string[][];
  /** Functions: path of the object, address of the first instruction, problems. Columns of `CodeTables.functions` go with them. */
  heads: { object: string; start: number; warnings: string[] }[];
}

/** Code inside a page. Columns of one table are of one length. */
export interface CodeTables extends CodeTexts {
  /**
   * Functions, once for each event that they have samples of: rows of the page's `places` and `events`, samples and weight,
   * and the first row of `instructions` and of `lines`, which both have one more with the number of all.
   */
  functions: {
    place: Int32Array;
    event: Int32Array;
    samples: Float64Array;
    period: Float64Array;
    firstInstruction: Int32Array;
    firstLine: Int32Array;
  };
  /**
   * Instructions: bytes from `start`; row of `texts`; bytes from `start` to where it jumps to in the function, else -1; row
   * of the function's lines, of `chains`, or -1; number of those left out before it; samples and weight.
   */
  instructions: {
    offset: Int32Array;
    text: Int32Array;
    target: Int32Array;
    line: Int32Array;
    chain: Int32Array;
    leftOut: Int32Array;
    samples: Float64Array;
    period: Float64Array;
  };
  /** Source lines: row of `texts` with the path, number, row of `texts` with the text or -1, samples and weight. */
  lines: {
    file: Int32Array;
    line: Int32Array;
    text: Int32Array;
    samples: Float64Array;
    period: Float64Array;
  };
}

/** Encodes code as bytes that compress well. */
export function encodeCode(code: CodeTables): Uint8Array<ArrayBuffer> {
  const { asked, warnings, texts, chains, heads, functions, instructions, lines } = code;
  const out = new ColumnWriter();
  const all: CodeTexts = { asked, warnings, texts, chains, heads };
  out.text(JSON.stringify(all));
  for (const column of [functions.place, functions.event, functions.samples, functions.period]) {
    out.column(column);
  }
  out.column(functions.firstInstruction, true);
  out.column(functions.firstLine, true);
  out.column(instructions.offset, true);
  for (const column of [instructions.text, instructions.target, instructions.line]) out.column(column);
  for (const column of [instructions.chain, instructions.leftOut, instructions.samples]) out.column(column);
  out.column(instructions.period);
  out.column(lines.file);
  out.column(lines.line, true);
  for (const column of [lines.text, lines.samples, lines.period]) out.column(column);
  return out.bytes();
}

/** Decodes what encodeCode() made. */
export function decodeCode(bytes: Uint8Array): CodeTables {
  const from = new ColumnReader(bytes);
  // properties are evaluated in the order they are written in, which is the order of the bytes
  return {
    ...JSON.parse(from.text()) as CodeTexts,
    functions: {
      place: from.ints(),
      event: from.ints(),
      samples: from.doubles(),
      period: from.doubles(),
      firstInstruction: from.ints(true),
      firstLine: from.ints(true),
    },
    instructions: {
      offset: from.ints(true),
      text: from.ints(),
      target: from.ints(),
      line: from.ints(),
      chain: from.ints(),
      leftOut: from.ints(),
      samples: from.doubles(),
      period: from.doubles(),
    },
    lines: {
      file: from.ints(),
      line: from.ints(true),
      text: from.ints(),
      samples: from.doubles(),
      period: from.doubles(),
    },
  };
}
