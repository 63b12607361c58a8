/**
 * perf's event syntax, to groups of requests. Only the form is checked here, against nothing but the
 * names of generic events; what PMUs, formats and tracepoints there are is resolve.ts's.
 *
 *     events  = item {"," item}
 *     item    = [name] "{" member {"," member} "}" [":" modifiers] | member
 *     member  = event ["," ["="] number]   tprof's rates: no event's name is a number
 *     event   = "mem:" address ["/" length] [":" access] [":" modifiers]
 *             | name "/" [term {"," term}] "/" [[":"] modifiers]
 *             | system ":" tracepoint [":" modifiers]
 *             | (generic name | "r" hex | PMU event) [":" modifiers]
 *     term    = name ["=" value]          value may stand in '...'
 */

import { UsageError } from "../base/system/errors.ts";
import { nearest } from "../base/text/nearest.ts";
import { findGeneric } from "./catalog.ts";
import { isModifiers, modifierProblem } from "./modifiers.ts";

/** `name` or `name=value` between slashes. */
export interface Term {
  name: string;
  /** As written, without quotes; undefined for a bare name. */
  value?: string;
  /** Index of its first character in the whole text. */
  at: number;
}

/** What an event is, as written. */
export type EventSpec =
  /** `cycles`, `r1a8`, `mem-loads`; and `cpu-clock/period=1000/`, `cpu/event=0x3c/`, whose name may be a PMU's. */
  | { kind: "name"; name: string; terms?: Term[] }
  | { kind: "tracepoint"; system: string; name: string }
  | { kind: "breakpoint"; address: bigint; length?: number; access: string };

/** tprof's word on how often to sample an event, behind it: `,N` or `,=N`. */
export type WrittenRate =
  /** `,N`: it is N times slower than cycles. */
  | { slower: bigint }
  /** `,=N`: a sample every N of them. */
  | { every: bigint };

/** One event of the text. */
export interface EventRequest {
  spec: EventSpec;
  /** Its modifiers, valid, or "". */
  modifiers: string;
  /** The event as written, modifiers and all, without the rate. */
  text: string;
  /** Index of its first character in the whole text. */
  at: number;
  /** Absent where none is written. */
  rate?: WrittenRate;
}

/** Events to be scheduled together; a plain event is a group of one without braces. */
export interface RequestGroup {
  /** Was written in braces. */
  braces: boolean;
  /** The name before the brace, if any. */
  name?: string;
  members: EventRequest[];
  /** Modifiers behind the closing brace, or "". */
  modifiers: string;
}

/** Throws the UsageError for a fault at `at` in `text`, with up to three of `known` that come near `word`. */
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

/** A number as perf's terms have it, decimal or 0x hex, up to 64 bits; undefined when it is none. */
export function parseValue(text: string): bigint | undefined {
  if (!/^(?:\d+|0x[0-9a-f]+)$/i.test(text)) return undefined;
  const value = BigInt(text);
  return value < 1n << 64n ? value : undefined;
}

/** The config of a raw event, `r1a8` (`r0x1a8`), or undefined when `text` is none. */
export function parseRaw(text: string): bigint | undefined {
  const match = /^r(?:0x)?([0-9a-f]{1,16})$/i.exec(text);
  return match && text.startsWith("r") ? BigInt(`0x${match[1]}`) : undefined;
}

class Parser {
  readonly #text: string;
  #pos = 0;

  constructor(text: string) {
    this.#text = text;
  }

  groups(): RequestGroup[] {
    const groups: RequestGroup[] = [];
    do groups.push(this.#item()); while (this.#skip(","));
    if (this.#pos < this.#text.length) this.#fail(`'${this.#text[this.#pos]}' is not expected here`);
    return groups;
  }

  terms(): Term[] {
    const terms: Term[] = [];
    if (this.#space() >= this.#text.length || this.#peek() === "/") return terms;
    do {
      const at = this.#space();
      const name = this.#take(/[^=,/\s]*/y);
      if (name === "") this.#fail("a term is expected: NAME or NAME=VALUE");
      if (!this.#skip("=")) terms.push({ name, at });
      else if (this.#skip("'")) {
        const value = this.#take(/[^']*/y);
        if (!this.#skip("'")) this.#fail("the closing ' is missing");
        terms.push({ name, value, at });
      } else {
        const value = this.#take(/[^,/\s]*/y);
        if (value === "") this.#fail(`term '${name}' has no value behind its =`);
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
    if (!this.#skip("}")) this.#fail("the group's closing } is missing");
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

  /** A number behind a comma, which can be no event. */
  #rate(): WrittenRate | undefined {
    const word = /\s*,\s*(=?)\s*([^,{}\s]*)/y;
    word.lastIndex = this.#pos;
    const match = word.exec(this.#text);
    if (!match || !/^=|^[0-9]/.test(match[1] + match[2])) return undefined;
    const at = word.lastIndex - match[2].length;
    const number = parseValue(match[2]);
    if (number === undefined || number === 0n) {
      this.#fail(
        `'${match[2]}' is no rate: NAME,N (N times slower than cycles) or NAME,=COUNT is wanted`,
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
      this.#fail(`'${name}' is a rate, which stands behind an event: NAME,${name}`, at);
    }
    if (name === "") {
      const found = this.#pos < this.#text.length ? `, not '${this.#text[this.#pos]}'` : "";
      this.#fail(`an event is expected here${found}`);
    }
    if (this.#skip("/")) {
      const terms = this.terms();
      if (!this.#skip("/")) this.#fail(`the / that closes '${name}/...' is missing`);
      const modifiers = this.#peek() === ":" ? this.#modifiersBehindColon() : this.#modifiers();
      return { spec: { kind: "name", name, terms }, modifiers };
    }
    if (this.#peek() !== ":") return { spec: { kind: "name", name }, modifiers: "" };

    const word = /:((?:\[[^\]\s]*\]|[^,{}:/\s])*)/y;
    word.lastIndex = this.#pos;
    const second = word.exec(this.#text)![1];
    // `cycles:x` is a wrong modifier; `x:y` can only be a tracepoint.
    if (isModifiers(second) || findGeneric(name) || parseRaw(name) !== undefined) {
      return { spec: { kind: "name", name }, modifiers: this.#modifiersBehindColon() };
    }
    if (second === "") this.#fail(`a tracepoint's name or modifiers are expected behind '${name}:'`, at);
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
        this.#fail(`'${access}' names an access twice`, this.#pos + 1);
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
    return parseValue(word) ?? this.#fail(`'${word}' is not ${what}: decimal or 0x hex is wanted`, at);
  }

  #modifiersBehindColon(): string {
    this.#skip(":");
    if (!/[^,}\s]/.test(this.#peek())) this.#fail("modifiers are expected behind ':'");
    return this.#modifiers();
  }

  #modifiers(): string {
    const at = this.#pos;
    const modifiers = this.#take(/[^,:{}/\s]*/y);
    const problem = modifierProblem(modifiers);
    if (problem) this.#fail(problem.message, at + problem.at);
    return modifiers;
  }

  /** Takes what the sticky expression matches here. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#pos;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#pos += found.length;
    return found;
  }

  #peek(): string {
    return this.#text[this.#pos] ?? "";
  }

  /** Moves past white space; returns where that leads. */
  #space(): number {
    while (/\s/.test(this.#peek())) this.#pos++;
    return this.#pos;
  }

  /** Moves past `token` and the white space before a separator, if it is what comes next. */
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
