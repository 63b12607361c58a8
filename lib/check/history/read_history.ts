/** Reading of histories, which people merge, cut and edit: what cannot be read is passed over, and said. */

import { readNamedText } from "../../base/files/file_bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { counted } from "../../base/text/plural.ts";
import { type HistoryEntry, parseHistoryLine } from "./history_line.ts";

/** Contents of a history. */
export interface BenchmarkHistory {
  /** Entries of all lines that could be read, oldest commit first. */
  entries: HistoryEntry[];
  /** Notes on lines that were passed over, a sentence each. */
  notes: string[];
}

/** Size of a history that is read: about 200,000 runs of a benchmark with 40 samples each. */
const MAX_BYTES = 1 << 28;
/** Lines with different faults that are told of, each with how many others have it. */
const MAX_FAULTS = 10;

/** Reads a history. Throws BadInputError when the file cannot be read. */
export function readHistory(file: string): BenchmarkHistory {
  const text = readNamedText(file, MAX_BYTES);
  if (typeof text === "string") return parseHistory(file, text);
  const [cause, remedy] = text.kind === "missing"
    ? ["no such file", ": 'pmuctl check --history' makes one"]
    : [text.cause, text.kind === "too large" ? ": keep its newest lines (tail -n)" : ""];
  throw new BadInputError(`cannot read the history ${file}: ${cause}${remedy}`);
}

/** Parses a history. Equal lines, which a merge may leave, count once. */
export function parseHistory(file: string, text: string): BenchmarkHistory {
  const entries: HistoryEntry[] = [];
  const faults = new Map<string, number[]>();
  const seen = new Set<string>();
  const lines = text.split("\n");
  lines.forEach((raw, i) => {
    const line = raw.trim();
    if (line === "" || seen.has(line)) return;
    seen.add(line);
    const entry = parseHistoryLine(line);
    if (typeof entry !== "string") {
      entries.push(entry);
      return;
    }
    const fault = i === lines.length - 1 && entry === "not JSON" ? "cut off: its writer was ended" : entry;
    faults.set(fault, [...(faults.get(fault) ?? []), i + 1]);
  });
  entries.sort((a, b) => (a.committed ?? a.time) - (b.committed ?? b.time) || a.time - b.time);
  return { entries, notes: faultNotes(file, faults) };
}

function faultNotes(file: string, faults: ReadonlyMap<string, readonly number[]>): string[] {
  const notes = [...faults].slice(0, MAX_FAULTS).map(([fault, [first, ...others]]) =>
    `${file}:${first}: passed over, because it is ${fault}` +
    (others.length > 0
      ? `; so ${others.length === 1 ? "is" : "are"} ${counted(others.length, "other line")}`
      : "")
  );
  const rest = [...faults.values()].slice(MAX_FAULTS).reduce((sum, lines) => sum + lines.length, 0);
  return rest > 0 ? [...notes, `${file}: ${counted(rest, "more line")} passed over for other causes`] : notes;
}
