/**
 * JSON in pieces, for what one string cannot hold. Writes what JSON.stringify() would. What is long stands in the value
 * as one of the classes here, and is made as it is written; it is found as a property of the outermost object, of an
 * item of an `JsonList`, and of a `JsonPart` that is found.
 */

import { jsonText } from "../../base/text/printable.ts";

/** A list whose items are made one by one. */
export class JsonList<T> {
  readonly #items: Iterable<T>;
  readonly #make: (item: T) => unknown;

  /** @param make gives what stands in the list for an item: the item itself unless given. */
  constructor(items: Iterable<T>, make: (item: T) => unknown = (item) => item) {
    this.#items = items;
    this.#make = make;
  }

  *values(): Generator<unknown> {
    for (const item of this.#items) yield this.#make(item);
  }
}

/** A list of numbers, none of them infinite or NaN. */
export class JsonNumbers {
  readonly numbers: Int32Array | Float64Array;

  constructor(numbers: Int32Array | Float64Array) {
    this.numbers = numbers;
  }
}

/** A list of one value over and over. */
export class JsonRepeated {
  readonly value: unknown;
  readonly count: number;

  constructor(value: unknown, count: number) {
    this.value = value;
    this.count = count;
  }
}

/** An object with long properties. */
export class JsonPart {
  readonly object: object;

  constructor(object: object) {
    this.object = object;
  }
}

/** About the length of a piece. */
const PIECE = 1 << 14;
/** Numbers that are made text of at once. */
const CHUNK = 1 << 12;

/** A list or object that has been begun. */
interface Open {
  /** What is still to come: each time the text before a value, and the value. */
  entries: Iterator<[before: string, value: unknown]>;
  end: string;
  isEmpty: boolean;
}

/**
 * The text of a value.
 * @param indent blanks for each level, as for JSON.stringify(), and a newline behind it all; 0 for all on one line.
 */
export function* jsonPieces(value: object, indent: 0 | 1 = 0): Generator<string> {
  const open: Open[] = [];
  const line = () => indent === 0 ? "" : "\n" + " ".repeat(open.length);
  const colon = indent === 0 ? ":" : ": ";
  let text = "";
  for (let next: unknown = value;;) {
    if (next instanceof JsonNumbers || next instanceof JsonRepeated) {
      text += "[";
      for (const piece of next instanceof JsonNumbers ? numberPieces(next) : repeatedPieces(next)) {
        yield text + piece;
        text = "";
      }
      text += "]";
    } else if (next instanceof JsonList) {
      text += "[";
      open.push({ entries: listEntries(next), end: "]", isEmpty: true });
    } else if (next instanceof JsonPart || isLong(next)) {
      text += "{";
      const object = next instanceof JsonPart ? next.object : next;
      open.push({ entries: objectEntries(object, colon), end: "}", isEmpty: true });
    } else if (indent === 0) text += jsonText(next);
    else text += jsonText(next, indent).replaceAll("\n", line());
    for (;;) {
      if (text.length >= PIECE) {
        yield text;
        text = "";
      }
      const last = open.at(-1);
      if (last === undefined) return yield indent === 0 ? text : text + "\n";
      const entry = last.entries.next();
      if (!entry.done) {
        text += (last.isEmpty ? "" : ",") + line() + entry.value[0];
        last.isEmpty = false;
        next = entry.value[1];
        break;
      }
      open.pop();
      text += (last.isEmpty ? "" : line()) + last.end;
    }
  }
}

/** Whether one of an object's own properties is long. */
function isLong(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).some((each) =>
    each instanceof JsonList || each instanceof JsonNumbers || each instanceof JsonRepeated ||
    each instanceof JsonPart
  );
}

function* listEntries(list: JsonList<unknown>): Generator<[string, unknown]> {
  for (const value of list.values()) yield ["", value];
}

function* objectEntries(object: object, colon: string): Generator<[string, unknown]> {
  for (const [key, value] of Object.entries(object)) {
    if (value !== undefined) yield [jsonText(key) + colon, value];
  }
}

function* numberPieces({ numbers }: JsonNumbers): Generator<string> {
  for (let from = 0; from < numbers.length; from += CHUNK) {
    yield (from > 0 ? "," : "") + numbers.subarray(from, from + CHUNK).join(",");
  }
}

function* repeatedPieces({ value, count }: JsonRepeated): Generator<string> {
  const text = jsonText(value);
  if (count > 0) yield text;
  for (let left = count - 1; left > 0; left -= CHUNK) yield `,${text}`.repeat(Math.min(left, CHUNK));
}
