import { assertEquals } from "@std/assert";
import { ColumnReader, ColumnWriter } from "../../../lib/report/html/bytes.ts";

Deno.test("ColumnReader reads what ColumnWriter wrote, whatever the size and the sign", () => {
  const ints = [0, -1, 1, 63, 64, -64, 8191, 8192, 2 ** 31 - 1, -(2 ** 31)];
  const doubles = [0, 2 ** 31, 2 ** 40 + 1, 2 ** 52 - 1, -(2 ** 51) - 1];
  const writer = new ColumnWriter();
  writer.column(ints);
  writer.text("naïve </script> \0 😀");
  writer.column(ints, true);
  writer.column(doubles);
  writer.column([]);
  const reader = new ColumnReader(writer.bytes());
  assertEquals([...reader.ints()], ints);
  assertEquals(reader.text(), "naïve </script> \0 😀");
  assertEquals([...reader.ints(true)], ints);
  assertEquals([...reader.doubles()], doubles);
  assertEquals([...reader.doubles()], []);
});

Deno.test("ColumnWriter grows to what it is given", () => {
  const writer = new ColumnWriter();
  const column = Int32Array.from({ length: 200_000 }, (_, i) => i * 7919 % 1_000_003);
  writer.column(column);
  writer.text("x".repeat(300_000));
  const reader = new ColumnReader(writer.bytes());
  assertEquals(reader.ints(), column);
  assertEquals(reader.text().length, 300_000);
});
