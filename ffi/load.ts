/**
 * Loads the shim once, when it is first needed: from the file that PMUCTL_SHIM names, else from
 * build/shim/libpmu-ARCH.so of this checkout. In a compiled binary that path is inside the binary, where dlopen(3)
 * cannot reach; the bytes are then copied to a memory file, and nothing is written to disk.
 */

import { toCString } from "../lib/base/bytes/bytes.ts";
import { UnsupportedError } from "../lib/base/system/errors.ts";
import { environmentValue } from "../lib/base/system/launcher.ts";
import { rootUrl } from "../lib/base/root.ts";
import { errorCause, errorRemedy } from "../lib/base/system/system_error.ts";
import { ABI_VERSION, SYMBOLS } from "./symbols.ts";

/** Functions of the shim, as ffi/symbols.ts types them. */
export type Shim = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

const MFD_CLOEXEC = 1;
/** Flag required where vm.memfd_noexec is 2; mapping code from the memory file is still allowed. */
const MFD_NOEXEC_SEAL = 8;

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
    path = Deno.build.standalone && !named ? memoryFile(Deno.readFileSync(url)) : where;
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

/** Creates a memory file with these bytes; its path is valid as long as this process runs. */
function memoryFile(bytes: Uint8Array): string {
  const libc = Deno.dlopen("libc.so.6", {
    // int memfd_create(const char *name, unsigned int flags)
    memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  });
  const name = toCString("libpmu");
  let fd = libc.symbols.memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) fd = libc.symbols.memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  libc.close();
  if (fd < 0) throw new Error("memfd_create(2) was refused");
  const path = `/proc/self/fd/${fd}`;
  Deno.writeFileSync(path, bytes, { create: false });
  return path;
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
