import { assertEquals, assertLess } from "@std/assert";
import { Demangler, isMangled } from "../../../lib/symbols/table/demangle.ts";

const demangler = await Demangler.load() as Demangler;
const loaded = (name: string) => demangler.readable(name);

const NAMES: [language: string, mangled: string, readable: string][] = [
  ["C++", "_ZNK1n1AIdE3getEv", "n::A<double>::get() const"],
  ["C++ with arguments", "_ZN3foo3barEiPKc", "foo::bar(int, char const*)"],
  ["C++ behind a PLT", "_Znwm@plt", "operator new(unsigned long)@plt"],
  ["C++ that the compiler split", "_ZN3foo3barEv.cold", "foo::bar() [clone .cold]"],
  ["Rust", "_RNvCskKIHGkbw4el_11tracing_log7WARN_CS", "tracing_log::WARN_CS"],
  ["older Rust, without its hash", "_ZN4core3fmt5write17h05af221e174051e9E", "core::fmt::write"],
];
for (const [language, mangled, readable] of NAMES) {
  Deno.test(`Demangler reads ${language}`, () => {
    assertEquals(loaded(mangled), readable);
  });
}

Deno.test("Demangler returns names of C, and what only looks mangled, as they are", () => {
  for (
    const name of ["main", "memcpy@plt", "_start", "__libc_start_main", "_Z", "_ZZZZ", "_R", "[unknown]", ""]
  ) {
    assertEquals(loaded(name), name);
  }
});

Deno.test("isMangled() is true of names that Demangler may change", () => {
  assertEquals(NAMES.every(([, mangled]) => isMangled(mangled)), true);
  assertEquals(["main", "_start", "_Read", "Z", ""].some(isMangled), false);
});

Deno.test("Demangler.load() gives the cause, in one line, when its module cannot be loaded", async () => {
  const refused = () => Promise.reject(new TypeError("Failed loading it\nCaused by: permission denied"));
  assertEquals(await Demangler.load(refused), { failure: "Failed loading it Caused by: permission denied" });
});

/** A name whose every part names the one before it twice. */
function doubling(levels: number): string {
  const part = (n: number) => n === 0 ? "S_" : `S${"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n - 1]}_`;
  const parts = Array.from({ length: levels }, (_, k) => `S_I${part(k + 1)}${part(k + 1)}E`);
  return `_Z1fSt4pairIiiE${parts.join("")}`;
}

const COSTLY: [what: string, name: string][] = [
  ["a name of 245 bytes that stands for 550 MB", doubling(23)],
  ["a name whose readable form has 130 kB", doubling(12)],
  ["a name that takes the parser longer and longer with every byte", `_Z${"C1I".repeat(16)}`],
  ["a name of 100 kB", `_Z100000${"a".repeat(100_000)}`],
  ["an old Rust name of 100 kB", `_ZN100000${"a".repeat(100_000)}17h05af221e174051e9E`],
];
for (const [what, name] of COSTLY) {
  Deno.test(`Demangler leaves ${what} as it is, and reads the next one`, async () => {
    const demangler = await Demangler.load() as Demangler;
    const started = performance.now();
    assertEquals(demangler.readable(name), name);
    assertLess(performance.now() - started, 1000);
    assertEquals(demangler.refused, 1);
    assertEquals(demangler.readable("_ZN3foo3barEiPKc"), "foo::bar(int, char const*)");
    assertEquals(demangler.refused, 1);
  });
}

Deno.test("Demangler stops trying long names once all together have cost enough, and still reads short ones", async () => {
  const demangler = await Demangler.load() as Demangler;
  const started = performance.now();
  for (let i = 0; i < 2000; i++) demangler.readable(doubling(14 + i % 10));
  assertEquals(demangler.refused, 2000);
  assertLess(performance.now() - started, 10_000);
  assertEquals(demangler.readable("_ZN3foo3barEiPKc"), "foo::bar(int, char const*)");
});

Deno.test("all readable names together have a bounded length", async () => {
  const demangler = await Demangler.load() as Demangler;
  const name = doubling(10); // 67 kB would be too long, 33 kB is not
  let letters = 0;
  for (let i = 0; i < 20_000; i++) letters += demangler.readable(name).length - name.length;
  assertLess(letters, 100e6);
});
