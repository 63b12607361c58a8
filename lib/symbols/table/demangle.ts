/**
 * Names as programmers wrote them: C++ (`_Z...`), Rust (`_R...`, and the older `_ZN...17h<hash>E`, whose
 * hash is dropped). The work is done by the demangler of the Firefox Profiler, half a megabyte of
 * WebAssembly, which is loaded when the first mangled name is there and not before.
 *
 * A mangled name refers back to parts of itself, so one of 245 bytes can stand for 550 MB, and one of 60 bytes can
 * take its parser hours. The module therefore runs with a meter (wasm_meter.ts) and a memory that cannot grow far: a
 * name that would cost more than LIMITS stays as it is.
 */

import { exists } from "../../base/files/exists.ts";
import { METER, withMeter } from "./wasm_meter.ts";

const MANGLED = /^_{1,3}(Z|R[A-Z0-9])/;
/** What is appended to names of PLT stubs; the demangler knows only what is in front of it. */
const PLT = "@plt";

/** What one name may cost, and all of a report. */
const LIMITS = {
  /** Bytes of a mangled name. Deep templates make some thousand. */
  mangled: 16 << 10,
  /** Bytes of a readable name, of which nobody reads more. */
  readable: 64 << 10,
  /** Calls of functions for one name, 5 ns each: simple names take 100, long templates some ten thousand. */
  calls: 1_000_000,
  /** Calls for all those names together that take more than `freeCalls`, which every name may take. */
  allCalls: 100_000_000,
  freeCalls: 4000,
  /** Bytes by which all readable names together may be longer than they were. */
  allBytes: 64 << 20,
  /** Memory of the module in pages of 64 kB; it begins with 17. */
  pages: 128,
} as const;

/** Whether a name looks like one that `Demangler` changes. */
export function isMangled(name: string): boolean {
  return name.charCodeAt(0) === 0x5f && MANGLED.test(name);
}

/** The exports of the package's WebAssembly that are used; strings are passed as an address and a length. */
interface Exports {
  memory: WebAssembly.Memory;
  demangle_any(at: number, length: number): [at: number, length: number];
  __wbindgen_malloc(length: number, align: number): number;
  __wbindgen_free(at: number, length: number, align: number): void;
  [METER]: WebAssembly.Global;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Makes names readable. */
export class Demangler {
  /** How many names were left as they are because they would have cost too much. */
  refused = 0;
  readonly #module: WebAssembly.Module;
  #exports: Exports | undefined;
  #callsLeft: number = LIMITS.allCalls;
  #bytesLeft: number = LIMITS.allBytes;

  private constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  /**
   * Loads the demangler. Where that fails (a checkout whose packages this user may not read, or that never
   * fetched them) it gives the cause instead.
   * @param load reads the WebAssembly.
   */
  static async load(
    load: () => Promise<Uint8Array<ArrayBuffer>> = readPackage,
  ): Promise<Demangler | { failure: string }> {
    try {
      return new Demangler(await WebAssembly.compile(withMeter(await load(), LIMITS.pages)));
    } catch (error) {
      return { failure: String(error instanceof Error ? error.message : error).replace(/\s+/g, " ") };
    }
  }

  /** Makes a name readable; gives one that it cannot make sense of, or not at that price, as it is. */
  readable(name: string): string {
    if (!isMangled(name)) return name;
    const suffix = name.endsWith(PLT) ? PLT : "";
    const mangled = suffix ? name.slice(0, -PLT.length) : name;
    const text = mangled.length <= LIMITS.mangled ? this.#run(mangled) : undefined;
    const longer = (text?.length ?? 0) - mangled.length;
    if (text === undefined || longer > this.#bytesLeft) {
      this.refused++;
      return name;
    }
    if (longer > 0) this.#bytesLeft -= longer;
    return (text === mangled.slice(1) ? mangled : text) + suffix; // it gave up, having taken the first underscore off
  }

  /** The module's answer; undefined when it would be too long, or was not there in time. */
  #run(mangled: string): string | undefined {
    const wasm = this.#exports ??= this.#instance();
    const meter = wasm[METER];
    const bytes = encoder.encode(mangled);
    const calls = this.#callsLeft > 0 ? LIMITS.calls : LIMITS.freeCalls;
    meter.value = calls;
    try {
      const at = wasm.__wbindgen_malloc(bytes.length, 1) >>> 0;
      new Uint8Array(wasm.memory.buffer).set(bytes, at);
      const [from, length] = wasm.demangle_any(at, bytes.length);
      const text = length > LIMITS.readable
        ? undefined
        : decoder.decode(new Uint8Array(wasm.memory.buffer, from >>> 0, length));
      wasm.__wbindgen_free(from, length, 1);
      return text;
    } catch {
      this.#exports = undefined; // stopped in the middle: what it has in its memory is of no use
      return undefined;
    } finally {
      const taken = calls - meter.value;
      if (taken > LIMITS.freeCalls) this.#callsLeft -= taken;
    }
  }

  #instance(): Exports {
    // what it imports sets up a table for objects of JavaScript, none of which it is given
    const imports = { "./index_bg.js": { __wbindgen_init_externref_table() {} } };
    return new WebAssembly.Instance(this.#module, imports).exports as unknown as Exports;
  }
}

/**
 * The WebAssembly of the package: beside the program that scripts/build-program makes, or in the package, whose
 * JavaScript is imported for no more than to find it, or to learn why not.
 */
async function readPackage(): Promise<Uint8Array<ArrayBuffer>> {
  const beside = new URL("demangle.bin", import.meta.url);
  if (exists(decodeURIComponent(beside.pathname), Deno.statSync)) return await Deno.readFile(beside);
  const script = "gecko-profiler-demangle/index_bg.js";
  await import("gecko-profiler-demangle/index_bg.js");
  return await Deno.readFile(new URL("index_bg.wasm", import.meta.resolve(script)));
}
