/**
 * Loads the shim once, when it is first needed: from the file that PMUCTL_SHIM names, else from
 * build/shim/libpmu-ARCH.so of this checkout. In a compiled binary that path is inside the binary, where dlopen(3)
 * cannot reach; the bytes are then copied to a memory file, and nothing is written to disk.
 */

import { memoryFile } from "../lib/base/files/memory_file.ts";
import { UnsupportedError } from "../lib/base/system/errors.ts";
import { environmentValue } from "../lib/base/system/launcher.ts";
import { rootUrl } from "../lib/base/root.ts";
import { errorCause, errorRemedy } from "../lib/base/system/system_error.ts";
import { ABI_VERSION, SYMBOLS } from "./symbols.ts";

/** Functions of the shim, as ffi/symbols.ts types them. */
export type Shim = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let loaded: Shim | undefined;
let path = "";

/** Returns the shim. Throws UnsupportedError when it is missing, does not load, or has another version. */
export function shim(): Shim {
  return loaded ??= load();
}

/** Returns the path that the shim was loaded from: its own, or that of a memory file. Throws as shim(). */
export function shimPath(): string {
  shim();
  return path;
}

function load(): Shim {
  const named = environmentValue("PMUCTL_SHIM");
  const url = rootUrl(`build/shim/libpmu-${Deno.build.arch}.so`);
  const where = named || decodeURIComponent(url.pathname);
  let symbols: Shim;
  let version: number;
  try {
    path = Deno.build.standalone && !named ? memoryFile("libpmu", Deno.readFileSync(url)).path : where;
    symbols = symbolsOf(path);
    version = symbols.pmu_abi_version();
  } catch (error) {
    throw unusable(where, errorCause(error), error);
  }
  if (version !== ABI_VERSION) {
    throw unusable(where, `it has ABI version ${version}, pmuctl needs ${ABI_VERSION}`);
  }
  return symbols;
}

/**
 * Binds the functions of the library at `path`, each when it is first used: Deno compiles a trampoline for every symbol
 * it opens, and doing so for all takes as long as starting Deno.
 */
function symbolsOf(path: string): Shim {
  const symbols = {};
  for (const name of Object.keys(SYMBOLS) as (keyof typeof SYMBOLS)[]) {
    Object.defineProperty(symbols, name, {
      configurable: true,
      get() {
        const value = Deno.dlopen(path, { [name]: SYMBOLS[name] }).symbols[name];
        Object.defineProperty(symbols, name, { value });
        return value;
      },
    });
  }
  return symbols as Shim;
}

function unusable(where: string, cause: string, error?: unknown): UnsupportedError {
  const remedy = errorRemedy(error) ??
    (Deno.build.standalone
      ? "get the pmuctl binary made for this machine"
      : "run scripts/setup, which builds it");
  const failure = new UnsupportedError({ attempt: `load the shim ${where}`, cause, remedy });
  failure.cause = error;
  return failure;
}
