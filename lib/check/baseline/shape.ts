/** Reading JSON that people write or edit: each value is asked for by what it has to be, and errors name its place. */

import { BadInputError } from "../../base/system/errors.ts";
import { nearest } from "../../base/text/nearest.ts";

/** A value in a JSON file, with the way to it. Every method throws BadInputError when it is something else. */
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

  /** Refuses the value: `wanted` says what it has to be. */
  refuse(wanted: string): never {
    const where = this.#path === "" ? "" : ` ${this.#path}:`;
    throw new BadInputError(`${this.#file}:${where} ${wanted} is wanted`);
  }

  /** The members of an object that may have these and no others. */
  members(known: readonly string[]): Record<string, JsonShape | undefined> {
    const all = Object.fromEntries(this.entries());
    const unknown = Object.keys(all).find((key) => !known.includes(key));
    if (unknown === undefined) return all;
    const [near] = nearest(unknown, [...known], 1);
    const hint = near ? `did you mean '${near}'?` : `there may be ${known.join(", ")}`;
    throw new BadInputError(`${this.#file}: ${this.#below(unknown)} is not known: ${hint}`);
  }

  /** The members of an object whose names are anyone's. */
  entries(): [string, JsonShape][] {
    if (typeof this.#value !== "object" || this.#value === null || Array.isArray(this.#value)) {
      this.refuse("an object");
    }
    return Object.entries(this.#value).map(([key, value]) => [
      key,
      new JsonShape(this.#file, this.#below(key), value),
    ]);
  }

  /** A member that has to be there. */
  need(members: Record<string, JsonShape | undefined>, key: string): JsonShape {
    return members[key] ?? new JsonShape(this.#file, this.#below(key), undefined);
  }

  list(): JsonShape[] {
    if (!Array.isArray(this.#value)) this.refuse("a list");
    return this.#value.map((value, i) => new JsonShape(this.#file, `${this.#path}[${i}]`, value));
  }

  /** A text; an empty one only where that means something, as a word of a command does. */
  text({ mayBeEmpty = false } = {}): string {
    if (typeof this.#value !== "string" || (this.#value === "" && !mayBeEmpty)) this.refuse("a text");
    return this.#value;
  }

  get isText(): boolean {
    return typeof this.#value === "string";
  }

  number({ above = -Infinity, min = -Infinity, integer = false } = {}): number {
    const value = this.#value;
    const fits = typeof value === "number" && Number.isFinite(value) && value > above && value >= min &&
      (!integer || Number.isInteger(value));
    if (fits) return value;
    const limit = above > -Infinity ? ` above ${above}` : min > -Infinity ? ` of at least ${min}` : "";
    this.refuse(`a ${integer ? "whole number" : "number"}${limit}`);
  }

  #below(key: string): string {
    const step = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
    return this.#path === "" ? step : `${this.#path}.${step}`;
  }
}
