import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/base/system/errors.ts";
import { checkedName, presetArguments, setArguments } from "../../../lib/counters/named/client.ts";
import { SetError } from "../../../lib/counters/open/states.ts";

Deno.test("a preset is decimal, hexadecimal or octal, of 64 bits", () => {
  const value = (text: string) => presetArguments("web", "0", text).value;
  assertEquals(value("0"), 0n);
  assertEquals(value("1000"), 1000n);
  assertEquals(value("0xff"), 255n);
  assertEquals(value("010"), 8n);
  assertEquals(value("18446744073709551615"), (1n << 64n) - 1n);
  for (const text of ["", "x", "0x", "09", "1e3", "18446744073709551616", "0x10000000000000000"]) {
    assertEquals(assertThrows(() => value(text), SetError).errno, "EINVAL", text);
  }
  for (const index of ["", "a", "1.5", "9999999999"]) {
    assertEquals(assertThrows(() => presetArguments("web", index, "1"), SetError).status, 2, index);
  }
});

Deno.test("a command on a set says which of its words is missing, and refuses what is no name", () => {
  assertEquals(setArguments("sample", ["web"], []), ["web"]);
  assertThrows(() => setArguments("sample", [], []), UsageError, "sample: NAME is missing");
  assertThrows(
    () => setArguments("preset", ["web", "0"], ["INDEX", "VALUE"]),
    UsageError,
    "VALUE is missing",
  );
  assertThrows(() => checkedName("../x"), UsageError, "'../x' cannot be a set's name");
});
