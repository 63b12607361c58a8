import { assertEquals, assertStringIncludes } from "@std/assert";
import { wallNote } from "../../../lib/check/output/wall_note.ts";

const ms = (...values: number[]) => values.map((value) => 1e6 * value);

Deno.test("wallNote() tells of a time that is clearly longer, and of nothing else", () => {
  assertStringIncludes(
    wallNote(ms(20, 21, 20), ms(200, 210, 190), ["instructions:u"])!,
    "from 20.00 ms to 200.0 ms (+900%), which instructions:u does not show",
  );
  assertStringIncludes(wallNote(ms(1, 1, 1), ms(2, 2, 2), ["a", "b"])!, "which a and b do not show");
  assertEquals(wallNote(ms(20, 21, 20), ms(21, 22, 21), ["x"]), undefined); // 5%
  assertEquals(wallNote(ms(20, 90, 20, 95), ms(30, 60, 31, 70), ["x"]), undefined); // noise
  assertEquals(wallNote(ms(200, 210, 190), ms(20, 21, 20), ["x"]), undefined); // faster
  assertEquals(wallNote(ms(20, 21), ms(200, 210, 190), ["x"]), undefined); // too few runs
  assertEquals(wallNote([], [], ["x"]), undefined);
});
