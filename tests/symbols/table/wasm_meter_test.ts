import { assertEquals, assertThrows } from "@std/assert";
import { METER, withMeter } from "../../../lib/symbols/table/wasm_meter.ts";

/** (module (memory (export "memory") 1) (func (export "down") (param i32) (result i32) ...)): down(n) calls itself n times. */
const DOWN = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f], // type: (i32) -> i32
  ...[3, 2, 1, 0],
  ...[5, 3, 1, 0, 1], // one page, no maximum
  ...[6, 6, 1, 0x7f, 0, 0x41, 7, 0x0b], // a global of its own
  ...[7, 17, 2, 4, 0x64, 0x6f, 0x77, 0x6e, 0, 0, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 0],
  ...[10, 21, 1, 19, 1, 1, 0x7e], // one function, with a local that it does not use
  ...[0x20, 0, 0x04, 0x7f], // local.get 0; if (result i32)
  ...[0x20, 0, 0x41, 1, 0x6b, 0x10, 0], // local.get 0; i32.const 1; i32.sub; call 0
  ...[0x05, 0x41, 42, 0x0b, 0x0b], // else; i32.const 42; end; end
]);

function instance(module: Uint8Array<ArrayBuffer>) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module));
  return exports as unknown as {
    down(n: number): number;
    memory: WebAssembly.Memory;
    [METER]: WebAssembly.Global;
  };
}

Deno.test("withMeter() lets a module make as many calls as its meter says, and not one more", () => {
  const { down, [METER]: meter } = instance(withMeter(DOWN, 4));
  meter.value = 11;
  assertEquals(down(10), 42);
  assertEquals(meter.value, 0);
  meter.value = 10;
  assertThrows(() => down(10), WebAssembly.RuntimeError);
  assertThrows(() => down(0), WebAssembly.RuntimeError, undefined, "a meter below zero stays so");
  meter.value = 1;
  assertEquals(down(0), 42);
});

Deno.test("withMeter() keeps a module's memory from growing beyond its limit", () => {
  const { memory } = instance(withMeter(DOWN, 4));
  memory.grow(3);
  assertThrows(() => memory.grow(1), RangeError);
  assertThrows(() => withMeter(DOWN, 0), Error, "memory");
});

Deno.test("withMeter() refuses a module that ends early", () => {
  for (const length of [9, 30, DOWN.length - 8]) {
    assertThrows(() => new WebAssembly.Module(withMeter(DOWN.slice(0, length), 4)), Error);
  }
});
