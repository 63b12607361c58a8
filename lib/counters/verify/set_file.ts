/**
 * Reads a request set from a file (`--set`): cpc's packed description, as JSON.
 *
 *     { "flags": 0,
 *       "reqs": [ { "event": "cycles", "preset": "0", "flags": 2, "attrs": { "picnum": 0 } } ] }
 *
 * Only `event` is required. By default, preset is 0, flags 2 (user), the index the request's position, and attrs empty.
 * 64-bit values are numbers, or strings in decimal or hex, which no reader of JSON can round.
 */

import { BadInputError } from "../../base/system/errors.ts";
import { nearest } from "../../base/text/nearest.ts";
import { errorCause } from "../../base/system/system_error.ts";
import { parseValue } from "../../events/grammar.ts";
import { foldAttributes, REQUEST_FLAG, type RequestSet, type SetRequest } from "./request_set.ts";
import { counted } from "../../base/text/plural.ts";

/** Limits of cpc on a packed set. */
export const SET_LIMITS = {
  minBytes: 4,
  maxBytes: 10000,
  maxRequests: 100,
  maxAttributes: 50,
  /** Maximum length of a name plus one, in bytes of UTF-8. */
  eventBytes: 512,
  attributeBytes: 32,
} as const;

/** Reads the set in the file at `path`, or on standard input for `-`. Throws BadInputError as parseSet() does. */
export function readSetFile(path: string): RequestSet {
  if (path === "-") return parseSet(readStart(Deno.stdin), "standard input");
  let bytes: Uint8Array;
  try {
    using file = Deno.openSync(path);
    bytes = readStart(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) fail(path, "no such file");
    if (error instanceof Deno.errors.PermissionDenied) fail(path, "permission denied");
    fail(path, errorCause(error));
  }
  return parseSet(bytes, path);
}

/** Reads up to the maximum size of a set, plus one byte to detect more. */
function readStart(input: { readSync(into: Uint8Array): number | null }): Uint8Array {
  const bytes = new Uint8Array(SET_LIMITS.maxBytes + 1);
  let length = 0;
  for (let n: number | null = 1; n && length < bytes.length; length += n ?? 0) {
    n = input.readSync(bytes.subarray(length));
  }
  return bytes.subarray(0, length);
}

/**
 * Parses a packed set; `name` names it in errors. Throws BadInputError (cpc's EINVAL) for input that has another form
 * or exceeds SET_LIMITS. verify() refuses what has the right form but is impossible: unknown events, flags or
 * picnums.
 */
export function parseSet(bytes: Uint8Array, name: string): RequestSet {
  const { minBytes, maxBytes, maxRequests } = SET_LIMITS;
  if (bytes.length < minBytes || bytes.length > maxBytes) {
    const size = bytes.length > maxBytes ? "more" : `${bytes.length}`;
    fail(name, `a set has ${minBytes} to ${counted(maxBytes, "byte")}, and this has ${size}`);
  }
  let packed: unknown;
  try {
    packed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    fail(name, `it is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  const set = membersOf(name, "the set", packed, ["flags", "reqs"]);
  for (const member of ["flags", "reqs"]) {
    if (!set.has(member)) fail(name, `a set has exactly two members, flags and reqs; there is no ${member}`);
  }
  const reqs = set.get("reqs");
  if (!Array.isArray(reqs)) fail(name, "reqs is not an array of requests");
  if (reqs.length > maxRequests) {
    fail(name, `a set has at most ${maxRequests} requests, and this has ${reqs.length}`);
  }
  return {
    flags: u32(name, "flags", set.get("flags")),
    text: name,
    together: true,
    requests: reqs.map((req, position) => parseRequest(name, req, position)),
  };
}

function parseRequest(name: string, packed: unknown, position: number): SetRequest {
  const what = `reqs[${position}]`;
  const { eventBytes, attributeBytes, maxAttributes } = SET_LIMITS;
  const req = membersOf(name, what, packed, ["event", "preset", "flags", "index", "attrs"]);
  const event = req.get("event");
  if (typeof event !== "string" || event.trim() === "") {
    fail(name, `${what}.event is not the name of an event`);
  }
  if (utf8Length(event) >= eventBytes) {
    fail(
      name,
      `${what}.event has ${counted(utf8Length(event), "byte")}; at most ${eventBytes - 1} are allowed`,
    );
  }
  const attrs = membersOf(name, `${what}.attrs`, req.get("attrs") ?? {});
  if (attrs.size > maxAttributes) {
    fail(name, `${what} has ${attrs.size} attributes; at most ${maxAttributes} are allowed`);
  }
  const attributes = new Map<string, bigint>();
  for (const [attribute, value] of attrs) {
    if (attribute === "" || utf8Length(attribute) >= attributeBytes) {
      fail(name, `${what}: attribute name '${attribute}' does not have 1 to ${attributeBytes - 1} bytes`);
    }
    attributes.set(attribute, u64(name, `${what}.attrs.${attribute}`, value));
  }
  return foldAttributes({
    event: event.trim(),
    preset: u64(name, `${what}.preset`, req.get("preset") ?? 0),
    flags: u32(name, `${what}.flags`, req.get("flags") ?? REQUEST_FLAG.user),
    index: u32(name, `${what}.index`, req.get("index") ?? position),
    attributes,
  });
}

/** Returns the members of a JSON object. Throws unless all are among `allowed`, if that is given. */
function membersOf(
  name: string,
  what: string,
  value: unknown,
  allowed?: readonly string[],
): Map<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    fail(name, `${what} is not an object`);
  }
  const members = new Map(Object.entries(value));
  for (const member of allowed ? members.keys() : []) {
    if (allowed!.includes(member)) continue;
    const [near] = nearest(member, allowed!, 1);
    fail(
      name,
      `${what} has a member '${member}'; there are ${allowed!.join(", ")}` +
        (near ? `; did you mean ${near}?` : ""),
    );
  }
  return members;
}

function u32(name: string, what: string, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  fail(name, `${what} is ${JSON.stringify(value)}; expected an integer below 2^32`);
}

function u64(name: string, what: string, value: unknown): bigint {
  if (typeof value === "string") {
    const parsed = parseValue(value);
    if (parsed !== undefined) return parsed;
  } else if (typeof value === "number" && Number.isInteger(value) && value >= 0) {
    if (Number.isSafeInteger(value)) return BigInt(value);
    fail(name, `${what} is a number above 2^53, which JSON rounds: write it as a string`);
  }
  fail(name, `${what} is ${JSON.stringify(value)}; expected an integer below 2^64`);
}

const encoder = new TextEncoder();

function utf8Length(text: string): number {
  return encoder.encode(text).length;
}

function fail(name: string, fault: string): never {
  throw new BadInputError(`cannot read the set in ${name}: ${fault}`);
}
