/**
 * Names as programmers wrote them: C++ (`_Z...`), Rust (`_R...`, and the older `_ZN...17h<hash>E`, whose
 * hash is dropped). The work is done by the demangler of the Firefox Profiler, half a megabyte of
 * WebAssembly, which is loaded when the first mangled name is there and not before.
 */

const MANGLED = /^_{1,3}(Z|R[A-Z0-9])/;
/** What is appended to names of PLT stubs; the demangler knows only what is in front of it. */
const PLT = "@plt";

/** Whether a name looks like one that `demangler` changes. */
export function isMangled(name: string): boolean {
  return name.charCodeAt(0) === 0x5f && MANGLED.test(name);
}

/** Makes a name readable; gives one that it cannot make sense of as it is. */
export type Demangle = (name: string) => string;

/** The module that does the work, as far as it is used. */
interface Module {
  demangle_any(name: string): string;
}

/**
 * Loads the demangler. Where that fails (a checkout whose packages this user may not read, or that never
 * fetched them) it gives the cause instead.
 * @param load imports the module.
 */
export async function demangler(
  load: () => Promise<Module> = () => import("gecko-profiler-demangle"),
): Promise<Demangle | { failure: string }> {
  let demangleAny: Module["demangle_any"];
  try {
    demangleAny = (await load()).demangle_any;
  } catch (error) {
    return { failure: String(error instanceof Error ? error.message : error).replace(/\s+/g, " ") };
  }
  const readable = (name: string) => {
    const text = demangleAny(name);
    return text === name.slice(1) ? name : text; // it gave up, having taken the first underscore off
  };
  return (name) => {
    if (!isMangled(name)) return name;
    return name.endsWith(PLT) ? readable(name.slice(0, -PLT.length)) + PLT : readable(name);
  };
}
