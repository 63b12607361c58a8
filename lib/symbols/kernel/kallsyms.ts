/**
 * Kernel symbols, from the text of /proc/kallsyms:
 *
 *     ffffffff816b8fd0 T __x64_sys_read
 *     ffffffffc0201000 t nf_hook_slow<tab>[netfilter]
 *
 * chosen as Linux perf (6.1) chooses them: text, weak, data and bss symbols, each ending where the next one starts.
 * Parsed byte by byte, without a string for each of the 100,000 to 300,000 lines.
 */

import { byAddress, dropAliases, STB } from "../table/symbol_builder.ts";
import { StringTableNames } from "../table/symbol_names.ts";
import { SymbolTable } from "../table/symbol_table.ts";

const TAB = 0x09;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const DOLLAR = 0x24;
const PAGE = 4096;
const TWO_32 = 4294967296;
/** Bit of the ASCII codes of lower-case letters, which mark local symbols. */
const LOWER = 0x20;

const WEAK = 0x57;
/** 1 for each of nm's letters whose symbols are used (bss, data, text, weak; global or local), by byte. */
const TAKEN = new Uint8Array(256);
for (const letter of "bdtwBDTW") TAKEN[letter.charCodeAt(0)] = 1;
/** Values of hex digits, 255 for every other byte, by byte. */
const HEX = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX[i.toString(16).charCodeAt(0)] = i;
  HEX[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

const decoder = new TextDecoder();

/** Symbols of a kernel. Addresses are signed (lib/base/bytes/address.ts). */
export interface KernelSymbols {
  /** Whether the kernel reported every address as 0 (kernel.kptr_restrict). There are no tables then. */
  hidden: boolean;
  /** Symbols by module, named as in perf: `[ext4]`. The kernel proper has an empty name. */
  tables: Map<string, SymbolTable>;
  /**
   * Returns the address of a symbol that recordings refer to for where the kernel was loaded (one of
   * REFERENCE_SYMBOLS); undefined if the kernel has none with that name.
   */
  reference(name: string): number | undefined;
}

/** Sorted kernel symbols as plain columns, as kernel_cache.ts stores them. */
export interface KernelColumns {
  /** Names, one after another, in the order of the symbols. */
  names: Uint8Array;
  /** Name and number of symbols of each table; their symbols follow each other. */
  tables: { name: string; count: number }[];
  /** First address of each symbol, and the address behind its last. */
  starts: Float64Array;
  ends: Float64Array;
  /** Start of each symbol's name in `names`, and then the end of the last one. */
  nameStarts: Uint32Array;
  /** Addresses of the REFERENCE_SYMBOLS that the kernel has. */
  references: Record<string, number>;
}

/** Symbols that say where the kernel was loaded; perf uses the first of these that the kernel has. */
const REFERENCE_SYMBOLS: readonly string[] = ["_text", "_stext"];

/** Parses the text of /proc/kallsyms. Skips lines that make no sense. */
export function parseKallsyms(text: Uint8Array): KernelSymbols {
  return kernelSymbols(kernelColumns(text) ?? "hidden");
}

/** Makes lookup tables from columns. */
export function kernelSymbols(columns: KernelColumns | "hidden"): KernelSymbols {
  const tables = new Map<string, SymbolTable>();
  if (columns === "hidden") return { hidden: true, tables, reference: () => undefined };
  const { starts, ends, nameStarts, references } = columns;
  const names = new StringTableNames(columns.names, nameStarts, { ends: nameStarts.subarray(1) });
  let at = 0;
  for (const { name, count } of columns.tables) {
    const part = [at, at += count] as const;
    tables.set(name, new SymbolTable(starts.subarray(...part), ends.subarray(...part), names, part[0]));
  }
  return {
    hidden: false,
    tables,
    reference: (name) => Object.hasOwn(references, name) ? references[name] : undefined,
  };
}

/** Parses the text of /proc/kallsyms into columns; returns undefined if all addresses are hidden. */
export function kernelColumns(text: Uint8Array): KernelColumns | undefined {
  const lines = parseLines(text);
  if (lines.hidden) return undefined;
  const { count, starts, module, binds, nameStarts, nameEnds } = lines;
  const ends = starts.slice(0, count);
  const names = new StringTableNames(text, nameStarts, { ends: nameEnds });
  const order = byAddress(starts, 0, count);
  setEnds(order, starts, ends, module);
  const kept = dropAliases(order, { starts, ends, binds, names });

  const members = new Uint32Array(lines.modules.length);
  for (const symbol of kept) members[module[symbol]]++;
  const next = new Uint32Array(members.length);
  for (let id = 1; id < next.length; id++) next[id] = next[id - 1] + members[id - 1];
  const sorted = new Int32Array(kept.length);
  for (const symbol of kept) sorted[next[module[symbol]]++] = symbol;
  const found = REFERENCE_SYMBOLS.map((name) => [name, findAddress(text, name)] as const);
  return {
    tables: lines.modules.map((name, id) => ({ name, count: members[id] })).filter(({ count }) => count > 0),
    starts: Float64Array.from(sorted, (symbol) => starts[symbol]),
    ends: Float64Array.from(sorted, (symbol) => ends[symbol]),
    ...namesOf(sorted, text, nameStarts, nameEnds),
    references: Object.fromEntries(found.filter(([, address]) => !Number.isNaN(address))),
  };
}

/** Copies the names of these symbols out of `text`. */
function namesOf(
  symbols: Int32Array,
  text: Uint8Array,
  starts: Uint32Array,
  ends: Uint32Array,
): Pick<KernelColumns, "names" | "nameStarts"> {
  const nameStarts = new Uint32Array(symbols.length + 1);
  symbols.forEach((symbol, i) => nameStarts[i + 1] = nameStarts[i] + ends[symbol] - starts[symbol]);
  const names = new Uint8Array(nameStarts[symbols.length]);
  let to = 0;
  for (const symbol of symbols) {
    for (let at = starts[symbol]; at < ends[symbol]; at++) names[to++] = text[at];
  }
  return { names, nameStarts };
}

interface Lines {
  count: number;
  hidden: boolean;
  starts: Float64Array;
  binds: Uint8Array;
  nameStarts: Uint32Array;
  nameEnds: Uint32Array;
  /** Module of each symbol, an index of `modules`. */
  module: Uint32Array;
  /** Module names in brackets; the first is the kernel proper, "". */
  modules: string[];
}

function parseLines(text: Uint8Array): Lines {
  const most = Math.ceil(text.length / 20) + 1; // 16 digits, two spaces, a letter, and at least one character of a name
  const starts = new Float64Array(most);
  const binds = new Uint8Array(most);
  const nameStarts = new Uint32Array(most);
  const nameEnds = new Uint32Array(most);
  const module = new Uint32Array(most);
  const modules = [""];
  const moduleIds = new Map<string, number>([["", 0]]);
  let lastModuleAt = -1;
  let lastModuleLength = 0;
  let lastModule = 0;
  let anyAddress = false;
  let n = 0;
  for (let at = 0; at < text.length;) {
    let high = 0;
    let low = 0;
    let digits = 0;
    for (; digits < 16; digits++) {
      const value = HEX[text[at + digits]];
      if (!(value < 16)) break; // undefined at the end of the text
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | value;
    }
    at += digits;
    const type = text[at + 1];
    const nameAt = at + 3;
    const wellFormed = digits > 0 && text[at] === SPACE && text[at + 2] === SPACE;
    if (wellFormed) at = nameAt;
    while (at < text.length && text[at] > SPACE) at++;
    const nameEnd = at;
    while (at < text.length && text[at] !== NEWLINE) at++;
    const end = at++;
    if (!wellFormed || nameEnd === nameAt) continue;
    const address = (high | 0) * TWO_32 + (low >>> 0);
    if (address !== 0) anyAddress = true;
    if (TAKEN[type] === 0 || text[nameAt] === DOLLAR) continue;
    let id = 0;
    if (text[nameEnd] === TAB && end > nameEnd + 1) {
      const length = end - nameEnd - 1;
      if (lastModuleAt < 0 || !sameBytes(text, lastModuleAt, lastModuleLength, nameEnd + 1, length)) {
        lastModuleAt = nameEnd + 1;
        lastModuleLength = length;
        const name = decoder.decode(text.subarray(nameEnd + 1, end));
        lastModule = moduleIds.get(name) ?? modules.push(name) - 1;
        moduleIds.set(name, lastModule);
      }
      id = lastModule;
    }
    starts[n] = address;
    binds[n] = type === WEAK ? STB.WEAK : (type & LOWER) !== 0 ? STB.LOCAL : STB.GLOBAL;
    nameStarts[n] = nameAt;
    nameEnds[n] = nameEnd;
    module[n++] = id;
  }
  return { count: n, hidden: n > 0 && !anyAddress, starts, binds, nameStarts, nameEnds, module, modules };
}

function sameBytes(text: Uint8Array, a: number, aLength: number, b: number, bLength: number): boolean {
  if (aLength !== bLength) return false;
  for (let i = 0; i < aLength; i++) if (text[a + i] !== text[b + i]) return false;
  return true;
}

/**
 * Ends every symbol where the next one starts. The last one of the kernel proper, or of its modules, ends after the
 * next page instead, since a gap of gigabytes may follow.
 */
function setEnds(order: Int32Array, starts: Float64Array, ends: Float64Array, module: Uint32Array): void {
  const last = order.length - 1;
  if (last < 0) return;
  for (let i = 0; i < last; i++) {
    const symbol = order[i];
    const next = order[i + 1];
    const border = (module[symbol] === 0) !== (module[next] === 0);
    ends[symbol] = border ? roundUp(starts[symbol] + PAGE) : starts[next];
  }
  const symbol = order[last];
  ends[symbol] = roundUp(starts[symbol]) + PAGE;
}

function roundUp(address: number): number {
  return Math.ceil(address / PAGE) * PAGE;
}

/** Returns the address on the first line for the symbol `name`, of any type, or NaN. */
function findAddress(text: Uint8Array, name: string): number {
  const wanted = new TextEncoder().encode(` ${name}\n`);
  for (let at = text.indexOf(SPACE); at >= 0; at = text.indexOf(SPACE, at + 1)) {
    let i = 1;
    while (i < wanted.length && text[at + i] === wanted[i]) i++;
    if (i < wanted.length) continue;
    const lineStart = text.lastIndexOf(NEWLINE, at) + 1;
    const address = /^[0-9a-f]{1,16}(?= )/i.exec(decoder.decode(text.subarray(lineStart, lineStart + 17)));
    if (address) return Number(BigInt.asIntN(64, BigInt(`0x${address[0]}`)));
  }
  return NaN;
}
