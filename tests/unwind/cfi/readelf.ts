/** Asks binutils for the tables that call frame information describes, and writes our own rows in its words. */

import { FileBytes } from "../../../lib/base/files/file_bytes.ts";
import { ElfFile } from "../../../lib/symbols/elf/elf.ts";
import { type Arch, archOf } from "../../../lib/unwind/arch.ts";
import { FOUND, ObjectCfi } from "../../../lib/unwind/cfi/object_cfi.ts";
import { CFA, Row, RULE } from "../../../lib/unwind/cfi/row.ts";

/** A row as readelf prints it: `rsp+8` by column. */
export interface PrintedRow {
  address: number;
  cells: Map<string, string>;
}

/** A function's rows. */
export interface PrintedFunction {
  start: number;
  end: number;
  rows: PrintedRow[];
}

/** The functions of one section of `path` with their rows. */
export function* printedFunctions(text: string): Generator<PrintedFunction> {
  let current: PrintedFunction | undefined, columns: string[] = [], initial: PrintedRow | undefined;
  const initials = new Map<string, PrintedRow | undefined>();
  let cie = "";
  for (const line of text.split("\n")) {
    const entry =
      /^([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ (CIE|FDE)(?: cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.([0-9a-f]+))?/
        .exec(line);
    if (entry) {
      if (current) yield current;
      current = undefined;
      cie = entry[2] === "CIE" ? entry[1] : "";
      if (entry[2] === "FDE") {
        initial = initials.get(entry[3]);
        current = { start: parseInt(entry[4], 16), end: parseInt(entry[5], 16), rows: [] };
        // a function without instructions of its own has the row of the common part
        if (initial) current.rows.push({ address: current.start, cells: initial.cells });
      }
    } else if (line.startsWith("   LOC")) columns = line.trim().split(/\s+/);
    else if (/^[0-9a-f]{16} /.test(line)) {
      // a register is `r8`, and its name behind it where there is room
      const [address, ...cells] = line.replace(/ \(\w*\)?/g, "").trim().split(/\s+/);
      const row = {
        address: parseInt(address, 16),
        cells: new Map(cells.map((cell, i) => [columns[i + 1], cell])),
      };
      if (cie !== "") initials.set(cie, row);
      else if (current) {
        if (current.rows.at(-1)?.address === row.address) current.rows.pop();
        current.rows.push(row);
      }
    } else if (line.startsWith("Contents of")) initials.clear();
  }
  if (current) yield current;
}

/** Runs readelf over a file. */
export function readelfFrames(path: string): string {
  const { stdout } = new Deno.Command("readelf", {
    args: ["--debug-dump=frames-interp", path],
    stderr: "null",
  }).outputSync();
  return new TextDecoder().decode(stdout);
}

/** What readelf would print for a column of our row. */
export function cellOf(row: Row, column: number, arch: Arch): string {
  const kind = row.kinds[column], value = row.values[column], extra = row.extras[column];
  const signed = (n: number) => n < 0 ? `${n}` : `+${n}`;
  if (column === CFA) return kind === RULE.REGISTER ? `${arch.names[value]}${signed(extra)}` : "exp";
  switch (kind) {
    case RULE.SAME:
      return "s";
    case RULE.OFFSET:
      return `c${signed(value)}`;
    case RULE.VAL_OFFSET:
      return `v${signed(value)}`;
    case RULE.REGISTER:
      return `r${value}`;
    case RULE.EXPRESSION:
      return "exp";
    case RULE.VAL_EXPRESSION:
      return "vexp";
  }
  return "u";
}

/** How many rows of a file were compared, and the first that differ. */
export interface Compared {
  functions: number;
  rows: number;
  differences: string[];
}

/** Compares each row that readelf prints with ours at the row's first address. */
export function compareWithReadelf(path: string): Compared {
  const file = new ElfFile(FileBytes.tryOpen(path)!);
  const arch = archOf(file.machine)!;
  const cfi = ObjectCfi.open(file)!, row = new Row();
  const compared: Compared = { functions: 0, rows: 0, differences: [] };
  for (const { start, end, rows } of printedFunctions(readelfFrames(path))) {
    compared.functions++;
    for (const { address, cells } of rows) {
      compared.rows++;
      const found = address < end ? cfi.findRow(address, row) : FOUND.NONE;
      const bad = (what: string) => compared.differences.push(`${address.toString(16)}: ${what}`);
      if (address >= end) continue;
      if (found !== FOUND.ROW) bad(`no row (${found})`);
      else if (cfi.functionStart !== start || cfi.functionEnd !== end) bad("another function");
      else {
        for (const [name, cell] of cells) {
          const column = name === "CFA" ? CFA : name === "ra" ? cfi.returnRegister : arch.names.indexOf(name);
          const ours = column < 0 ? cell : cellOf(row, column, arch);
          if (ours !== cell) bad(`${name} is ${cell}, not ${ours}`);
        }
      }
    }
  }
  file.close();
  return compared;
}
