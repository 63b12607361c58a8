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

/** Loads the demangler. The function it gives returns a name it cannot make sense of as it is. */
export async function demangler(): Promise<(name: string) => string> {
  const { demangle_any } = await import("gecko-profiler-demangle");
  const readable = (name: string) => {
    const text = demangle_any(name);
    return text === name.slice(1) ? name : text; // it gave up, having taken the first underscore off
  };
  return (name) => {
    if (!isMangled(name)) return name;
    return name.endsWith(PLT) ? readable(name.slice(0, -PLT.length)) + PLT : readable(name);
  };
}
