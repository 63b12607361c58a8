/**
 * Demangler of names: C++ (`_Z...`), Rust (`_R...`, and the older `_ZN...17h<hash>E`, whose hash is dropped). Uses the
 * demangler of the Firefox Profiler, half a megabyte of WebAssembly, which is loaded at the first mangled name.
 *
 * A mangled name can refer back to parts of itself, so one of 245 bytes can stand for 550 MB, and one of 60 bytes can
 * take the parser hours. The module therefore runs with a meter (wasm_meter.ts) and limited memory: a name that would
 * cost more than LIMITS stays mangled.
 */

import { exists } from "../../base/files/exists.ts";
import { METER, withMeter } from "./wasm_meter.ts";

const MANGLED = /^_{1,3}(Z|R[A-Z0-9])/;
/** Longest symbol name that is kept, in characters: templates and closures make names of some thousand. */
const MAX_NAME = 4096;

/** Suffix of the names of PLT stubs, which the demangler does not know. */
const PLT = "@plt";

/** Limits on what one name may cost, and all names of a report. */
const LIMITS = {
  /** Bytes of a mangled name. Deep templates have some thousand. */
  mangled: 16 << 10,
  /** Bytes of a readable name. */
  readable: 64 << 10,
  /** Function calls for one name, 5 ns each. Simple names take 100, long templates some ten thousand. */
  calls: 1_000_000,
  /** Function calls for all names together that take more than `freeCalls`, which every name may take. */
  allCalls: 100_000_000,
  freeCalls: 4000,
  /** Bytes by which all readable names together may be longer than the mangled ones. */
  allBytes: 64 << 20,
  /** Pages of 64 kB of the module's memory, which starts with 17. */
  pages: 128,
} as const;

/** Returns whether a name looks like one that `Demangler` changes. */
export function isMangled(name: string): boolean {
  return name.charCodeAt(0) === 0x5f && MANGLED.test(name);
}

/** Exports of the package's WebAssembly that are used. Strings are passed as address and length. */
interface Exports {
  memory: WebAssembly.Memory;
  demangle_any(at: number, length: number): [at: number, length: number];
  __wbindgen_malloc(length: number, align: number): number;
  __wbindgen_free(at: number, length: number, align: number): void;
  [METER]: WebAssembly.Global;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Demangler of C++ and Rust names. */
export class Demangler {
  /** Number of names left mangled because they would have cost too much. */
  refused = 0;
  readonly #module: WebAssembly.Module;
  #exports: Exports | undefined;
  #callsLeft: number = LIMITS.allCalls;
  #bytesLeft: number = LIMITS.allBytes;

  private constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  /**
   * Loads the demangler, or returns why it cannot: this user cannot read the packages of a checkout, or they were never
   * fetched.
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

  /** Demangles a name; returns it unchanged if it is not valid, or would cost too much. */
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
    return (text === mangled.slice(1) ? mangled : text) + suffix; // it gave up, after removing the first underscore
  }

  /** Runs the module on a name; returns undefined if the result would be too long, or take too long. */
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
      this.#exports = undefined; // stopped halfway: its memory is in no known state
      return undefined;
    } finally {
      const taken = calls - meter.value;
      if (taken > LIMITS.freeCalls) this.#callsLeft -= taken;
    }
  }

  #instance(): Exports {
    // the only import sets up a table for JavaScript objects, and is never given any
    const imports = { "./index_bg.js": { __wbindgen_init_externref_table() {} } };
    return new WebAssembly.Instance(this.#module, imports).exports as unknown as Exports;
  }
}

/**
 * Reads the package's WebAssembly: beside the program that scripts/build-program makes, or in the package, whose
 * JavaScript is imported only to find it, or to learn why it cannot be found.
 */
async function readPackage(): Promise<Uint8Array<ArrayBuffer>> {
  const beside = new URL("demangle.bin", import.meta.url);
  if (exists(decodeURIComponent(beside.pathname), Deno.statSync)) return await Deno.readFile(beside);
  const script = "gecko-profiler-demangle/index_bg.js";
  await import("gecko-profiler-demangle/index_bg.js");
  return await Deno.readFile(new URL("index_bg.wasm", import.meta.resolve(script)));
}

/** Cuts a very long name: every row and every frame of a stack may show it. */
export function shortened(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
}
