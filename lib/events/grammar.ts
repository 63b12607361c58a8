/**
 * Parser of perf's event syntax into groups of requests. It checks only the form, and knows only the
 * names of generic events; resolve.ts knows PMUs, formats and tracepoints.
 *
 *     events  = item {"," item}
 *     item    = [name] "{" member {"," member} "}" [":" modifiers] | member
 *     member  = event ["," ["="] number]   tprof's rates; event names are never numbers
 *     event   = "mem:" address ["/" length] [":" access] [":" modifiers]
 *             | name "/" [term {"," term}] "/" [[":"] modifiers]
 *             | system ":" tracepoint [":" modifiers]
 *             | (generic name | "r" hex | PMU event) [":" modifiers]
 *     term    = name ["=" value]          value may be quoted: '...'
 */

import { UsageError } from "../base/system/errors.ts";
import { nearest } from "../base/text/nearest.ts";
import { findGeneric } from "./catalog.ts";
import { isModifiers, modifierProblem } from "./modifiers.ts";

/** Term between slashes: `name` or `name=value`. */
export interface Term {
  name: string;
  /** Value as written, without quotes; undefined for a bare name. */
  value?: string;
  /** Index of its first character in the whole text. */
  at: number;
}

/** Event as written. */
export type EventSpec =
  /**
   * Event by name: `cycles`, `r1a8`, `mem-loads`; and with terms, where the name may be a PMU's:
   * `cpu-clock/period=1000/`, `cpu/event=0x3c/`.
   */
  | { kind: "name"; name: string; terms?: Term[] }
  | { kind: "tracepoint"; system: string; name: string }
  | { kind: "breakpoint"; address: bigint; length?: number; access: string };

/** Sampling rate in tprof's syntax, after an event: `,N` or `,=N`. */
export type WrittenRate =
  /** Rate relative to cycles, `,N`: the event is N times rarer. */
  | { slower: bigint }
  /** Period, `,=N`: a sample every N events. */
  | { every: bigint };

/** One event of the text, parsed. */
export interface EventRequest {
  spec: EventSpec;
  /** Valid modifiers, or "". */
  modifiers: string;
  /** Text of the event with its modifiers, without the rate. */
  text: string;
  /** Index of its first character in the whole text. */
  at: number;
  /** Rate, if one is given. */
  rate?: WrittenRate;
}

/** Group of events to be scheduled together; a plain event is a group of one without braces. */
export interface RequestGroup {
  /** Whether it was written in braces. */
  braces: boolean;
  /** Name before the brace, if any. */
  name?: string;
  members: EventRequest[];
  /** Modifiers after the closing brace, or "". */
  modifiers: string;
}

/** Throws UsageError for a fault at `at` in `text`, with up to three words of `known` that are similar to `word`. */
export function syntaxError(
  text: string,
  at: number,
  fault: string,
  word = "",
  known: readonly string[] = [],
): never {
  const near = word === "" ? [] : nearest(word, [...new Set(known)]);
  const hint = near.length ? `; did you mean ${near.join(" or ")}?` : "";
  throw new UsageError(`event '${text}', character ${at + 1}: ${fault}${hint}`);
}

/** Parses a text such as `cycles:u,{instructions,branches}:S,cpu/event=0x3c/`. Throws UsageError. */
export function parseEvents(text: string): RequestGroup[] {
  return new Parser(text).groups();
}

/** Parses the terms of a PMU's own event (`event=0x3c,umask=0x01`). Throws UsageError. */
export function parseTerms(text: string): Term[] {
  const parser = new Parser(text);
  return parser.terms();
}

/** Parses a number as perf's terms have it, decimal or 0x hex, up to 64 bits; undefined for anything else. */
export function parseValue(text: string): bigint | undefined {
  if (!/^(?:\d+|0x[0-9a-f]+)$/i.test(text)) return undefined;
  const value = BigInt(text);
  return value < 1n << 64n ? value : undefined;
}

/** Parses the config of a raw event, `r1a8` or `r0x1a8`; undefined for anything else. */
export function parseRaw(text: string): bigint | undefined {
  const match = /^r(?:0x)?([0-9a-f]{1,16})$/i.exec(text);
  return match && text.startsWith("r") ? BigInt(`0x${match[1]}`) : undefined;
}

/** Recursive-descent parser. */
class Parser {
  readonly #text: string;
  #pos = 0;

  constructor(text: string) {
    this.#text = text;
  }

  groups(): RequestGroup[] {
    const groups: RequestGroup[] = [];
    do groups.push(this.#item()); while (this.#skip(","));
    if (this.#pos < this.#text.length) this.#fail(`'${this.#text[this.#pos]}' is unexpected here`);
    return groups;
  }

  terms(): Term[] {
    const terms: Term[] = [];
    if (this.#space() >= this.#text.length || this.#peek() === "/") return terms;
    do {
      const at = this.#space();
      const name = this.#take(/[^=,/\s]*/y);
      if (name === "") this.#fail("expected a term: NAME or NAME=VALUE");
      if (!this.#skip("=")) terms.push({ name, at });
      else if (this.#skip("'")) {
        const value = this.#take(/[^']*/y);
        if (!this.#skip("'")) this.#fail("missing the closing '");
        terms.push({ name, value, at });
      } else {
        const value = this.#take(/[^,/\s]*/y);
        if (value === "") this.#fail(`term '${name}' has no value after its =`);
        terms.push({ name, value, at });
      }
    } while (this.#skip(","));
    return terms;
  }

  #item(): RequestGroup {
    const start = this.#space();
    const name = this.#take(/[^,{}:/\s]*(?=\{)/y);
    if (!this.#skip("{")) {
      this.#pos = start;
      return { braces: false, members: [this.#event()], modifiers: "" };
    }
    const members: EventRequest[] = [];
    do members.push(this.#event()); while (this.#skip(","));
    if (!this.#skip("}")) this.#fail("missing the group's closing }");
    const modifiers = this.#peek() === ":" ? this.#modifiersBehindColon() : "";
    return { braces: true, ...(name ? { name } : {}), members, modifiers };
  }

  #event(): EventRequest {
    const at = this.#space();
    const { spec, modifiers } = this.#text.startsWith("mem:", at) ? this.#breakpoint() : this.#named();
    const request = { spec, modifiers, text: this.#text.slice(at, this.#pos), at };
    const rate = this.#rate();
    return rate ? { ...request, rate } : request;
  }

  /** Parses a number after a comma, which cannot be an event. */
  #rate(): WrittenRate | undefined {
    const word = /\s*,\s*(=?)\s*([^,{}\s]*)/y;
    word.lastIndex = this.#pos;
    const match = word.exec(this.#text);
    if (!match || !/^=|^[0-9]/.test(match[1] + match[2])) return undefined;
    const at = word.lastIndex - match[2].length;
    const number = parseValue(match[2]);
    if (number === undefined || number === 0n) {
      this.#fail(
        `'${match[2]}' is not a rate; expected NAME,N (N times rarer than cycles) or NAME,=COUNT`,
        at,
      );
    }
    this.#pos = word.lastIndex;
    return match[1] ? { every: number } : { slower: number };
  }

  #named(): { spec: EventSpec; modifiers: string } {
    const at = this.#pos;
    const name = this.#take(/(?:\[[^\]\s]*\]|[^,{}:/\s])*/y);
    if (/^=?[0-9]/.test(name)) {
      this.#fail(`'${name}' is a rate, which follows an event: NAME,${name}`, at);
    }
    if (name === "") {
      const found = this.#pos < this.#text.length ? `, not '${this.#text[this.#pos]}'` : "";
      this.#fail(`expected an event${found}`);
    }
    if (this.#skip("/")) {
      const terms = this.terms();
      if (!this.#skip("/")) this.#fail(`missing the / that closes '${name}/...'`);
      const modifiers = this.#peek() === ":" ? this.#modifiersBehindColon() : this.#modifiers();
      return { spec: { kind: "name", name, terms }, modifiers };
    }
    if (this.#peek() !== ":") return { spec: { kind: "name", name }, modifiers: "" };

    const word = /:((?:\[[^\]\s]*\]|[^,{}:/\s])*)/y;
    word.lastIndex = this.#pos;
    const second = word.exec(this.#text)![1];
    // `cycles:x` is a wrong modifier; `x:y` can only be a tracepoint
    if (isModifiers(second) || findGeneric(name) || parseRaw(name) !== undefined) {
      return { spec: { kind: "name", name }, modifiers: this.#modifiersBehindColon() };
    }
    if (second === "") this.#fail(`expected a tracepoint's name or modifiers after '${name}:'`, at);
    this.#pos += 1 + second.length;
    const modifiers = this.#peek() === ":" ? this.#modifiersBehindColon() : "";
    return { spec: { kind: "tracepoint", system: name, name: second }, modifiers };
  }

  #breakpoint(): { spec: EventSpec; modifiers: string } {
    this.#pos += "mem:".length;
    const address = this.#number("an address");
    const length = this.#skip("/") ? this.#number("a length in bytes") : undefined;
    let access = "";
    const given = /:([rwx]+)(?=[:,}\s]|$)/y;
    given.lastIndex = this.#pos;
    const match = given.exec(this.#text);
    if (match) {
      access = match[1];
      if (new Set(access).size < access.length) {
        this.#fail(`access '${access}' repeats a letter`, this.#pos + 1);
      }
      this.#pos += match[0].length;
    }
    const modifiers = this.#peek() === ":" ? this.#modifiersBehindColon() : "";
    return {
      spec: {
        kind: "breakpoint",
        address,
        access: access || "rw",
        ...(length === undefined ? {} : { length: Number(length) }),
      },
      modifiers,
    };
  }

  #number(what: string): bigint {
    const at = this.#pos;
    const word = this.#take(/[^,{}:/\s]*/y);
    return parseValue(word) ?? this.#fail(`'${word}' is not ${what}; expected decimal or 0x hex`, at);
  }

  #modifiersBehindColon(): string {
    this.#skip(":");
    if (!/[^,}\s]/.test(this.#peek())) this.#fail("expected modifiers after ':'");
    return this.#modifiers();
  }

  #modifiers(): string {
    const at = this.#pos;
    const modifiers = this.#take(/[^,:{}/\s]*/y);
    const problem = modifierProblem(modifiers);
    if (problem) this.#fail(problem.message, at + problem.at);
    return modifiers;
  }

  /** Consumes and returns what the sticky expression matches here. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#pos;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#pos += found.length;
    return found;
  }

  #peek(): string {
    return this.#text[this.#pos] ?? "";
  }

  /** Skips white space; returns the new position. */
  #space(): number {
    while (/\s/.test(this.#peek())) this.#pos++;
    return this.#pos;
  }

  /** Consumes `token`, and white space before it if it is a separator, if it comes next. */
  #skip(token: string): boolean {
    const before = this.#pos;
    if (token === "," || token === "}") this.#space();
    if (this.#peek() === token) {
      this.#pos++;
      return true;
    }
    this.#pos = token === "," ? this.#pos : before;
    return false;
  }

  #fail(fault: string, at = this.#pos): never {
    syntaxError(this.#text, at, fault);
  }
}
