import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SYMBOLS } from "../../ffi/symbols.ts";
import { testNeeding } from "../needs.ts";

const LOAD = new URL("../../ffi/load.ts", import.meta.url).href;

/** Loads the shim in a Deno of its own: prints its version, or the error. */
async function load(shim: string) {
  const code = `import { shim } from ${JSON.stringify(LOAD)};
    try { console.log(shim().pmu_abi_version()) } catch (error) { console.log(error.name + ": " + error.message) }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", code],
    env: { PMUCTL_SHIM: shim, NO_COLOR: "1" },
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("the symbol table names every function of pmu.h, and only those", () => {
  const header = Deno.readTextFileSync(new URL("../../ffi/shim/pmu.h", import.meta.url));
  const declared = [...header.matchAll(/^PMU_API [^(]*?\b(pmu_\w+)\(/gm)].map((match) => match[1]);
  const called = Object.entries(SYMBOLS).map(([name, symbol]) => "name" in symbol ? symbol.name : name);
  assertEquals([...new Set(called)].sort(), declared.sort());
});

Deno.test("the shim loads from the file that PMUCTL_SHIM names", async () => {
  const file = new URL(`../../build/shim/libpmu-${Deno.build.arch}.so`, import.meta.url).pathname;
  assertMatch(await load(file), /^\d+$/);
  assertMatch(await load(""), /^\d+$/); // the same, found by itself
});

Deno.test("a shim that is not there is an UnsupportedError with the remedy", async () => {
  const message = await load("/nowhere/libpmu.so");
  assertStringIncludes(message, "UnsupportedError: cannot load the shim /nowhere/libpmu.so: ");
  assertStringIncludes(message, "run scripts/setup");
});

testNeeding(["cc"], "a shim of another version is refused", async () => {
  const dir = await Deno.makeTempDir();
  const names = Object.entries(SYMBOLS).map(([name, symbol]) => "name" in symbol ? symbol.name : name);
  const source = [...new Set(names)].map((name) => `unsigned ${name}(void) { return 999; }\n`).join("");
  await Deno.writeTextFile(`${dir}/old.c`, source);
  const { success } = await new Deno.Command("cc", {
    args: ["-shared", "-fPIC", "-o", `${dir}/old.so`, `${dir}/old.c`],
  }).output();
  assertEquals(success, true);
  assertStringIncludes(await load(`${dir}/old.so`), "it has ABI version 999, pmuctl needs");
  await Deno.remove(dir, { recursive: true });
});
