import { assert, assertEquals } from "@std/assert";
import {
  formatAttributes,
  genericAttributeNames,
  genericAttributes,
} from "../../../lib/counters/verify/attributes.ts";
import { AMD, worldOf } from "../../events/trees.ts";

Deno.test("formatAttributes() gives each field of a PMU with its bits and its largest value", () => {
  const rows = formatAttributes(worldOf(AMD).pmus.get("cpu")!);
  assertEquals(rows.map(({ name, pmu, bits, max }) => [name, pmu, bits, max]), [
    ["cmask", "cpu", "config:24-31", 255n],
    ["event", "cpu", "config:0-7,32-35", 4095n],
    ["umask", "cpu", "config:8-15", 255n],
  ]);
});

Deno.test("genericAttributes() ends with picnum and says what each means", () => {
  const rows = genericAttributes({ maxPicnum: 31, maxSampleRate: 5000 });
  assertEquals(rows.map((row) => row.name), genericAttributeNames());
  assertEquals(rows.at(-1)!.name, "picnum");
  assertEquals(rows.at(-1)!.max, 31n);
  assertEquals(rows.find((row) => row.name === "freq")!.max, 5000n);
  for (const { name, min, max, meaning } of rows) {
    assert(min <= max, name);
    assert(/^[a-z].*[^.]$/.test(meaning), `${name}: ${meaning}`);
  }
});
