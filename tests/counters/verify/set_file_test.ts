import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { parseSet, readSetFile, SET_LIMITS } from "../../../lib/counters/verify/set_file.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const parse = (set: unknown) => parseSet(encode(JSON.stringify(set)), "set.json");
const refused = (set: unknown, fault: string) => {
  const error = assertThrows(() => parse(set), BadInputError);
  assertStringIncludes(error.message, `cannot read the set in set.json: `);
  assertStringIncludes(error.message, fault);
};
const request = { event: "cycles" };

Deno.test("parseSet() reads requests with their presets, flags, indices and attributes", () => {
  const set = parse({
    flags: 1,
    reqs: [
      { event: "cycles", preset: "0xfffffffffffffc18", flags: 7, index: 1, attrs: { picnum: 3, edge: "1" } },
      { event: " cpu/event=0x3c,umask=1/ ", index: 0 },
    ],
  });
  assertEquals(set, {
    flags: 1,
    text: "set.json",
    together: true,
    requests: [
      {
        event: "cycles",
        preset: (1n << 64n) - 1000n,
        flags: 7,
        index: 1,
        picnum: 3,
        attributes: new Map([["edge", 1n]]),
      },
      { event: "cpu/event=0x3c,umask=1/", preset: 0n, flags: 2, index: 0, attributes: new Map() },
    ],
  });
});

Deno.test("parseSet() takes flags and picnums that verify() will refuse", () => {
  const { requests, flags } = parse({
    flags: 96,
    reqs: [{ event: "x", flags: 64, attrs: { picnum: 1000 } }],
  });
  assertEquals([flags, requests[0].flags, requests[0].picnum], [96, 64, 1000]);
});

Deno.test("parseSet() wants 4 to 10000 bytes", () => {
  const sized = (bytes: number) => encode(JSON.stringify({ flags: 0, reqs: [request] }).padEnd(bytes));
  assertEquals(parseSet(sized(SET_LIMITS.maxBytes), "s").requests.length, 1);
  assertThrows(() => parseSet(sized(10001), "s"), BadInputError, "4 to 10000 bytes, and this has more");
  assertThrows(() => parseSet(encode("{ }"), "s"), BadInputError, "and this has 3");
});

Deno.test("parseSet() wants JSON with exactly the members flags and reqs", () => {
  assertThrows(() => parseSet(encode("{ flags"), "s"), BadInputError, "it is not JSON");
  assertThrows(
    () => parseSet(new Uint8Array([0xff, 0xfe, 0xfd, 0xfc]), "s"),
    BadInputError,
    "it is not JSON",
  );
  refused([1, 2], "the set is not an object");
  refused({ reqs: [] }, "there is no flags");
  refused({ flags: 0 }, "there is no reqs");
  refused({ flags: 0, reqs: [], more: 1 }, "the set has a member 'more'; there are flags, reqs");
  refused({ flags: 0, reqs: {} }, "reqs is not an array");
  refused({ flags: 0, reqs: [7] }, "reqs[0] is not an object");
  refused({ flags: 0, reqs: [{ event: "cycles", falgs: 2 }] }, "did you mean flags?");
  refused({ flags: 0, reqs: [{ ...request, attrs: [] }] }, "reqs[0].attrs is not an object");
});

Deno.test("parseSet() allows 100 requests, and 50 attributes in each", () => {
  const requests = (n: number) => ({ flags: 0, reqs: Array(n).fill(request) });
  assertEquals(parse(requests(100)).requests.length, 100);
  refused(requests(101), "at most 100 requests, and this has 101");
  const attributes = (n: number) => ({
    flags: 0,
    reqs: [{ ...request, attrs: Object.fromEntries(Array.from({ length: n }, (_, i) => [`a${i}`, i])) }],
  });
  assertEquals(parse(attributes(50)).requests[0].attributes.size, 50);
  refused(attributes(51), "51 attributes; at most 50");
});

Deno.test("parseSet() wants event names below 512 bytes and attribute names below 32", () => {
  const event = (name: unknown) => ({ flags: 0, reqs: [{ event: name }] });
  assertEquals(parse(event("e".repeat(511))).requests[0].event.length, 511);
  refused(event("e".repeat(512)), "512 bytes; at most 511");
  refused(event("é".repeat(256)), "512 bytes; at most 511");
  refused(event(""), "reqs[0].event is not the name of an event");
  refused(event(7), "reqs[0].event is not the name of an event");
  const attribute = (name: string) => ({ flags: 0, reqs: [{ ...request, attrs: { [name]: 1 } }] });
  assertEquals(parse(attribute("a".repeat(31))).requests[0].attributes.get("a".repeat(31)), 1n);
  refused(attribute("a".repeat(32)), "does not have 1 to 31 bytes");
  refused(attribute(""), "does not have 1 to 31 bytes");
});

Deno.test("parseSet() refuses numbers that do not fit or that JSON has rounded", () => {
  const preset = (value: unknown) => ({ flags: 0, reqs: [{ ...request, preset: value }] });
  assertEquals(parse(preset("18446744073709551615")).requests[0].preset, (1n << 64n) - 1n);
  refused(preset("18446744073709551616"), "expected an integer below 2^64");
  refused(preset(2 ** 60), "write it as a string");
  for (const wrong of [-1, 1.5, "x", "", true, {}]) refused(preset(wrong), "reqs[0].preset");
  refused({ flags: 2 ** 32, reqs: [] }, "flags is 4294967296; expected an integer below 2^32");
  refused({ flags: 0, reqs: [{ ...request, index: -1 }] }, "reqs[0].index");
});

Deno.test("readSetFile() reads a file and says why it cannot", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, JSON.stringify({ flags: 0, reqs: [request] }));
    assertEquals(readSetFile(path).requests[0].event, "cycles");
    await Deno.writeFile(path, new Uint8Array(20000));
    assertThrows(() => readSetFile(path), BadInputError, "this has more");
  } finally {
    await Deno.remove(path);
  }
  assertThrows(
    () => readSetFile(path),
    BadInputError,
    `cannot read the set in ${path}: no such file`,
  );
  assertThrows(() => readSetFile("/"), BadInputError, "cannot read the set in /: ");
});
