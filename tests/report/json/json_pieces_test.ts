import { assert, assertEquals } from "@std/assert";
import {
  JsonList,
  JsonNumbers,
  JsonPart,
  jsonPieces,
  JsonRepeated,
} from "../../../lib/report/json/json_pieces.ts";

/** A value with long parts, and what it stands for. */
const PAIRS: [what: string, inPieces: object, plain: unknown][] = [
  ["nothing long", { a: 1, b: [1, { c: "x\ny" }], d: null }, { a: 1, b: [1, { c: "x\ny" }], d: null }],
  ["empty lists and objects", { a: new JsonList([]), b: new JsonNumbers(new Int32Array()), c: {}, d: [] }, {
    a: [],
    b: [],
    c: {},
    d: [],
  }],
  [
    "lists in lists",
    { rows: new JsonList([1, 2], (n) => ({ n, inner: new JsonList([n, n]), more: { n } })) },
    {
      rows: [{ n: 1, inner: [1, 1], more: { n: 1 } }, { n: 2, inner: [2, 2], more: { n: 2 } }],
    },
  ],
  ["properties that are undefined", { a: undefined, b: new JsonList([{ c: undefined }]) }, { b: [{}] }],
];
for (const [what, inPieces, plain] of PAIRS) {
  Deno.test(`jsonPieces() writes what JSON.stringify() does: ${what}`, () => {
    assertEquals([...jsonPieces(inPieces, 1)].join(""), JSON.stringify(plain, null, 1) + "\n");
    assertEquals([...jsonPieces(inPieces)].join(""), JSON.stringify(plain));
  });
}

Deno.test("jsonPieces() writes long columns in pieces", () => {
  const many = Int32Array.from({ length: 50_000 }, (_, i) => i - 7);
  const parts = {
    table: new JsonPart({ column: new JsonNumbers(many), none: new JsonRepeated(null, 50_000) }),
  };
  const pieces = [...jsonPieces(parts)];
  assertEquals(
    pieces.join(""),
    JSON.stringify({ table: { column: Array.from(many), none: new Array(50_000).fill(null) } }),
  );
  assert(pieces.every(({ length }) => length < 100_000));
});

Deno.test("jsonPieces() writes what nests 100,000 deep", () => {
  const nested = (depth: number): object =>
    depth === 0 ? {} : { inner: new JsonList([depth], (d) => nested(d - 1)) };
  const text = [...jsonPieces(nested(100_000))].join("");
  assertEquals(text, '{"inner":['.repeat(100_000) + "{}" + "]}".repeat(100_000));
});
