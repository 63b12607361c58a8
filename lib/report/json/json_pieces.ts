/**
 * Writes JSON in pieces, for values that exceed the length of a string. The output equals JSON.stringify()'s. Long
 * values are instances of the classes here, whose text is produced while writing. They may be properties of the
 * outermost object, of an item of a `JsonList`, or of a `JsonPart` in one of these places.
 */

import { jsonText } from "../../base/text/printable.ts";

/** List whose items are produced one by one. */
export class JsonList<T> {
  readonly #items: Iterable<T>;
  readonly #make: (item: T) => unknown;

  /** @param make returns the value in the list for an item; by default the item itself. */
  constructor(items: Iterable<T>, make: (item: T) => unknown = (item) => item) {
    this.#items = items;
    this.#make = make;
  }

  *values(): Generator<unknown> {
    for (const item of this.#items) yield this.#make(item);
  }
}

/** List of finite numbers. */
export class JsonNumbers {
  readonly numbers: Int32Array | Float64Array;

  constructor(numbers: Int32Array | Float64Array) {
    this.numbers = numbers;
  }
}

/** List that repeats one value. */
export class JsonRepeated {
  readonly value: unknown;
  readonly count: number;

  constructor(value: unknown, count: number) {
    this.value = value;
    this.count = count;
  }
}

/** Object with long properties. */
export class JsonPart {
  readonly object: object;

  constructor(object: object) {
    this.object = object;
  }
}

/** Approximate length of a piece, in characters. */
const PIECE = 1 << 14;
/** Numbers formatted at a time. */
const CHUNK = 1 << 12;

/** List or object that is being written. */
interface Open {
  /** Remaining entries: each is the text before a value, and the value. */
  entries: Iterator<[before: string, value: unknown]>;
  end: string;
  isEmpty: boolean;
}

/**
 * Yields the text of a value.
 *
 * @param indent blanks for each level, as in JSON.stringify(), with a newline at the end; 0 for a single line.
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

/** Tells whether one of an object's own properties is long. */
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
