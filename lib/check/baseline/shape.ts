/**
 * Typed access to JSON that people write or edit. Each value is read as the type that it must have, and errors name
 * its place.
 */

import { BadInputError } from "../../base/system/errors.ts";
import { nearest } from "../../base/text/nearest.ts";

/** Value in a JSON file, with its path. Every method throws BadInputError when the value has another type. */
export class JsonShape {
  readonly #file: string;
  readonly #path: string;
  readonly #value: unknown;

  private constructor(file: string, path: string, value: unknown) {
    this.#file = file;
    this.#path = path;
    this.#value = value;
  }

  /** Parses a file's text. */
  static parse(file: string, text: string): JsonShape {
    try {
      return new JsonShape(file, "", JSON.parse(text));
    } catch (error) {
      throw new BadInputError(`${file} is not JSON: ${(error as Error).message}`);
    }
  }

  /** Throws BadInputError: the value is not what was `expected`. */
  refuse(expected: string): never {
    const where = this.#path === "" ? "" : ` ${this.#path}:`;
    throw new BadInputError(`${this.#file}:${where} expected ${expected}`);
  }

  /** Returns the members of an object that may have only these. */
  members(known: readonly string[]): Record<string, JsonShape | undefined> {
    const all = Object.fromEntries(this.entries());
    const unknown = Object.keys(all).find((key) => !known.includes(key));
    if (unknown === undefined) return all;
    const [near] = nearest(unknown, [...known], 1);
    const hint = near ? `did you mean '${near}'?` : `expected one of ${known.join(", ")}`;
    throw new BadInputError(`${this.#file}: unknown member ${this.#below(unknown)}: ${hint}`);
  }

  /** Returns the members of an object, whose names may be anything. */
  entries(): [string, JsonShape][] {
    if (typeof this.#value !== "object" || this.#value === null || Array.isArray(this.#value)) {
      this.refuse("an object");
    }
    return Object.entries(this.#value).map(([key, value]) => [
      key,
      new JsonShape(this.#file, this.#below(key), value),
    ]);
  }

  /** Returns a member; when it is absent, a value that every method refuses. */
  need(members: Record<string, JsonShape | undefined>, key: string): JsonShape {
    return members[key] ?? new JsonShape(this.#file, this.#below(key), undefined);
  }

  list(): JsonShape[] {
    if (!Array.isArray(this.#value)) this.refuse("a list");
    return this.#value.map((value, i) => new JsonShape(this.#file, `${this.#path}[${i}]`, value));
  }

  /** Returns a text. An empty one is allowed only where it has a meaning, as in the words of a command. */
  text({ mayBeEmpty = false } = {}): string {
    if (typeof this.#value !== "string") this.refuse("a string");
    if (this.#value === "" && !mayBeEmpty) this.refuse("a string that is not empty");
    return this.#value;
  }

  get isText(): boolean {
    return typeof this.#value === "string";
  }

  truth(): boolean {
    return typeof this.#value === "boolean" ? this.#value : this.refuse("true or false");
  }

  number({ above = -Infinity, min = -Infinity, max = Infinity, integer = false } = {}): number {
    const value = this.#value;
    const fits = typeof value === "number" && Number.isFinite(value) && value > above && value >= min &&
      value <= max && (!integer || Number.isInteger(value));
    if (fits) return value;
    const from = above > -Infinity ? ` above ${above}` : min > -Infinity ? ` of at least ${min}` : "";
    const limit = max < Infinity ? ` from ${min} to ${max}` : from;
    this.refuse(`a ${integer ? "whole number" : "number"}${limit}`);
  }

  #below(key: string): string {
    const step = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
    return this.#path === "" ? step : `${this.#path}.${step}`;
  }
}
