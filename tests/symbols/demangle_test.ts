import { assertEquals } from "@std/assert";
import { type Demangle, demangler, isMangled } from "../../lib/symbols/demangle.ts";

const loaded = await demangler() as Demangle;

const NAMES: [language: string, mangled: string, readable: string][] = [
  ["C++", "_ZNK1n1AIdE3getEv", "n::A<double>::get() const"],
  ["C++ with arguments", "_ZN3foo3barEiPKc", "foo::bar(int, char const*)"],
  ["C++ behind a PLT", "_Znwm@plt", "operator new(unsigned long)@plt"],
  ["C++ that the compiler split", "_ZN3foo3barEv.cold", "foo::bar() [clone .cold]"],
  ["Rust", "_RNvCskKIHGkbw4el_11tracing_log7WARN_CS", "tracing_log::WARN_CS"],
  ["older Rust, without its hash", "_ZN4core3fmt5write17h05af221e174051e9E", "core::fmt::write"],
];
for (const [language, mangled, readable] of NAMES) {
  Deno.test(`demangler() reads ${language}`, () => {
    assertEquals(loaded(mangled), readable);
  });
}

Deno.test("demangler() returns names of C, and what only looks mangled, as they are", () => {
  for (
    const name of ["main", "memcpy@plt", "_start", "__libc_start_main", "_Z", "_ZZZZ", "_R", "[unknown]", ""]
  ) {
    assertEquals(loaded(name), name);
  }
});

Deno.test("isMangled() is true of names that demangler() may change", () => {
  assertEquals(NAMES.every(([, mangled]) => isMangled(mangled)), true);
  assertEquals(["main", "_start", "_Read", "Z", ""].some(isMangled), false);
});

Deno.test("demangler() gives the cause, in one line, when its module cannot be loaded", async () => {
  const refused = () => Promise.reject(new TypeError("Failed loading it\nCaused by: permission denied"));
  assertEquals(await demangler(refused), { failure: "Failed loading it Caused by: permission denied" });
});
