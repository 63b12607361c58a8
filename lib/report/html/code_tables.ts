/**
 * Code of the hottest functions inside an HTML report, with the samples of each instruction and source line. pack_code.ts
 * makes it while the report is written; find_code.ts and code_rows.ts read it in the browser.
 */

import { type ColumnLayout, type ColumnsOf, decodeColumns, encodeColumns } from "./bytes.ts";

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

/** Tables of the code inside a page. Columns of one table are of one length. */
const TABLES = {
  /**
   * Functions, once for each event that they have samples of: rows of the page's `places` and `events`, samples and weight,
   * and the first row of `instructions` and of `lines`, which both have one more with the number of all.
   */
  functions: {
    place: "ints",
    event: "ints",
    samples: "doubles",
    period: "doubles",
    firstInstruction: "differences",
    firstLine: "differences",
  },
  /**
   * Instructions: bytes from `start`; row of `texts`; bytes from `start` to where it jumps to in the function, else -1; row
   * of the function's lines, of `chains`, or -1; number of those left out before it; samples and weight.
   */
  instructions: {
    offset: "differences",
    text: "ints",
    target: "ints",
    line: "ints",
    chain: "ints",
    leftOut: "ints",
    samples: "doubles",
    period: "doubles",
  },
  /** Source lines: row of `texts` with the path, number, row of `texts` with the text or -1, samples and weight. */
  lines: { file: "ints", line: "differences", text: "ints", samples: "doubles", period: "doubles" },
} as const satisfies ColumnLayout;

/** Code inside a page: tables, and their texts. */
export type CodeTables = CodeTexts & ColumnsOf<typeof TABLES>;

/** Encodes code as bytes that compress well. */
export function encodeCode(code: CodeTables): Uint8Array<ArrayBuffer> {
  const { asked, warnings, texts, chains, heads } = code;
  const all: CodeTexts = { asked, warnings, texts, chains, heads };
  return encodeColumns(all, code, TABLES);
}

/** Decodes what encodeCode() made. */
export function decodeCode(bytes: Uint8Array): CodeTables {
  return decodeColumns<CodeTexts, typeof TABLES>(bytes, TABLES);
}
