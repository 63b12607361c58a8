/**
 * Metering of a WebAssembly module, for code that takes unbounded time or memory on hostile input and cannot be stopped
 * otherwise. Every function call takes 1 from a global that the caller sets, and traps when nothing is left. Memory
 * cannot grow beyond a limit, so allocations fail instead. Both are exact: the same input ends at the same place on
 * every machine.
 *
 *     module:   magic, version, then sections: u8 id; uleb size; contents        (WebAssembly Core 2.0, chapter 5)
 *     changed:  5 memories: a maximum      6 globals: one more     7 exports: its name     10 code: see meteredCode()
 *
 * Loops are not metered: the length of the input and the memory bound their time.
 */

import { concat } from "../../base/bytes/bytes.ts";

const SECTION = { IMPORT: 2, MEMORY: 5, GLOBAL: 6, EXPORT: 7, CODE: 10 } as const;
const EXTERNAL_GLOBAL = 3;
const HEADER_SIZE = 8;

/** Name of the exported global with the number of calls left; mutable, i32. */
export const METER = "calls_left";

/** Returns `module` with the meter exported as METER, and a memory of at most `maxPages` pages of 64 kB. */
export function withMeter(module: Uint8Array<ArrayBuffer>, maxPages: number): Uint8Array<ArrayBuffer> {
  const out: Uint8Array[] = [module.subarray(0, HEADER_SIZE)];
  let meter = 0;
  for (let at = HEADER_SIZE; at < module.length;) {
    const r = new Leb(module, at + 1);
    const size = r.uleb(), id = module[at];
    const contents = module.subarray(r.at, r.at + size);
    at = r.at + size;
    if (id === SECTION.IMPORT) meter += importedGlobals(contents);
    if (id === SECTION.GLOBAL) meter += new Leb(contents).uleb();
    const changed = change(id, contents, meter, maxPages);
    out.push(Uint8Array.of(id), uleb(changed.length), changed);
  }
  return concat(out);
}

function change(id: number, contents: Uint8Array, meter: number, maxPages: number): Uint8Array {
  switch (id) {
    case SECTION.MEMORY:
      return limitedMemory(contents, maxPages);
    case SECTION.GLOBAL: // i32, mutable, i32.const 0, end
      return withEntry(contents, Uint8Array.of(0x7f, 1, 0x41, 0, 0x0b));
    case SECTION.EXPORT: {
      const name = new TextEncoder().encode(METER);
      return withEntry(
        contents,
        concat([uleb(name.length), name, Uint8Array.of(EXTERNAL_GLOBAL), uleb(meter)]),
      );
    }
    case SECTION.CODE:
      return meteredCode(contents, meter);
  }
  return contents;
}

/** Limits a vector of one memory: u8 flags (1: has a maximum), uleb minimum, uleb maximum. */
function limitedMemory(contents: Uint8Array, maxPages: number): Uint8Array {
  const r = new Leb(contents);
  const count = r.uleb(), flags = contents[r.at++], least = r.uleb();
  if (count !== 1 || flags > 1 || least > maxPages) throw new Error("unexpected memory of the module");
  return concat([Uint8Array.of(1, 1), uleb(least), uleb(maxPages)]);
}

function withEntry(contents: Uint8Array, entry: Uint8Array): Uint8Array {
  const r = new Leb(contents);
  const count = r.uleb();
  return concat([uleb(count + 1), contents.subarray(r.at), entry]);
}

/**
 * Puts the metering prologue in front of the code of every body: uleb size; vector of locals (uleb count, u8 type);
 * code.
 */
function meteredCode(contents: Uint8Array, meter: number): Uint8Array {
  const global = uleb(meter);
  // global.get; i32.const 1; i32.sub; global.set; global.get; i32.const 0; i32.lt_s; if; unreachable; end
  const prologue = concat([
    Uint8Array.of(0x23),
    global,
    Uint8Array.of(0x41, 1, 0x6b, 0x24),
    global,
    Uint8Array.of(0x23),
    global,
    Uint8Array.of(0x41, 0, 0x48, 0x04, 0x40, 0x00, 0x0b),
  ]);
  const r = new Leb(contents);
  const count = r.uleb();
  const parts: Uint8Array[] = [uleb(count)];
  for (let i = 0; i < count; i++) {
    const size = r.uleb(), start = r.at, end = start + size;
    for (let locals = r.uleb(); locals > 0; locals--) {
      r.uleb();
      r.at++;
    }
    const code = r.at;
    parts.push(
      uleb(size + prologue.length),
      contents.subarray(start, code),
      prologue,
      contents.subarray(code, end),
    );
    r.at = end;
  }
  return concat(parts);
}

/** Counts the imported globals, which are numbered before those of the module. */
function importedGlobals(contents: Uint8Array): number {
  const r = new Leb(contents);
  let globals = 0;
  for (let count = r.uleb(); count > 0; count--) {
    r.skipName();
    r.skipName();
    const kind = contents[r.at++];
    if (kind === 0) r.uleb(); // a function's type
    else if (kind === EXTERNAL_GLOBAL) {
      r.at += 2; // type and mutability
      globals++;
    } else throw new Error("unexpected import of the module");
  }
  return globals;
}

/** Reader of the numbers of a module. */
class Leb {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  uleb(): number {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      if (this.at >= this.#bytes.length) throw new Error("the module ends early");
      const byte = this.#bytes[this.at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  skipName(): void {
    const length = this.uleb();
    this.at += length;
  }
}

function uleb(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push(left % 128 | 0x80);
  return Uint8Array.from([...bytes, left]);
}
