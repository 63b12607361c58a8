import { assertEquals } from "@std/assert";
import type { BindRow } from "../../lib/counters/rows/row.ts";
import { rowJson, type RowTable, rowText } from "../../lib/counters/rows/rows.ts";

const table: RowTable = {
  kind: "tasks",
  sets: [[{ name: "cycles", unit: "", scale: 1 }, { name: "instructions", unit: "", scale: 1 }]],
  specs: ["cycles,instructions,notify1"],
  startNs: 1_000_000_000n,
  stamps: false,
};

const row: BindRow = {
  timeNs: 1_250_000_000n,
  event: "overflow",
  pid: 7,
  lwp: 8,
  counts: [{ value: 120n }, { value: 3n }],
  overflow: { counter: 1, pc: "0x1234", text: "hot+0x1c", symbol: "hot", object: "ratio" },
};

Deno.test("the row of an overflow says of which request, and where", () => {
  const text = rowText(row, table);
  assertEquals(
    text,
    "  0.250       7       8   overflow       120            3 # instructions at hot+0x1c (ratio)\n",
  );
  assertEquals(JSON.parse(rowJson(row, table)).overflow, {
    name: "instructions",
    request: 1,
    pc: "0x1234",
    symbol: "hot",
    object: "ratio",
  });
});

Deno.test("the row of an overflow without a symbol has the address, and null for what nobody knows", () => {
  const unnamed: BindRow = { ...row, overflow: { counter: 0, pc: "0x1234", text: "0x1234" } };
  assertEquals(rowText(unnamed, table).trimEnd().split(" # ")[1], "cycles at 0x1234");
  const { symbol, object } = JSON.parse(rowJson(unnamed, table)).overflow;
  assertEquals([symbol, object], [null, null]);
});
