/**
 * Parses request sets in cpc's notation (`-c`), tokens separated by commas:
 *
 *     [picN=]EVENT | nouser[N] | sys[N] | ATTRIBUTE[N][=VALUE]
 *
 * An event is counted in user space only, unless sys is given. A flag or attribute with a number applies to the request
 * of that PIC, one without to all requests. VALUE is decimal, hex (0x) or octal (0); the default is 1. A bare EVENT
 * takes the first capable counter after the highest one taken. EVENT is in perf's syntax, with its commas between
 * slashes: `pic0=cpu/event=0x3c,umask=0/`, `sched:sched_switch`; PAPI's names are aliases.
 */

import { UsageError } from "../../base/system/errors.ts";
import { nearest } from "../../base/text/nearest.ts";
import { genericNames } from "../../events/catalog.ts";
import { type ResolvedEvent, resolveEvents } from "../../events/resolve.ts";
import { genericAttributeNames, U64_MAX } from "./attributes.ts";
import { capablePics, type MachineModel, type PmuModel } from "./machine.ts";
import {
  foldAttributes,
  REQUEST_FLAG,
  type RequestSet,
  resolveRequest,
  type SetRequest,
} from "./request_set.ts";
import { picList } from "./verify_request.ts";

/** Request of a SPEC that is being parsed. */
interface Draft {
  event: string;
  /** PIC that the request is called by: its own, or the next one for a bare event. */
  number: number;
  picnum?: number;
  preferred?: number;
}

/** Flag or attribute, and the PIC it applies to; undefined for all. */
type Setting =
  & { token: string; number?: number }
  & (
    | { flag: "nouser" | "sys" }
    | { attribute: string; value: bigint }
  );

/**
 * Parses a SPEC. Throws UsageError naming the token, for an empty or unknown token, a missing or invalid value, a PIC
 * given twice, a PIC that cannot count its event, or a number that no request has; UnsupportedError when a tracepoint
 * is named and tracefs cannot be read. Other unknown events and attributes are left for verify() to refuse.
 */
export function parseSpec(spec: string, machine: MachineModel): RequestSet {
  return new SpecParser(spec, machine).set();
}

class SpecParser {
  readonly #spec: string;
  readonly #machine: MachineModel;
  readonly #drafts: Draft[] = [];
  readonly #settings: Setting[] = [];
  #attributes?: ReadonlySet<string>;
  #highest = -1;

  constructor(spec: string, machine: MachineModel) {
    this.#spec = spec;
    this.#machine = machine;
  }

  set(): RequestSet {
    for (const token of tokensOf(this.#spec)) this.#token(token);
    for (const { token, number } of this.#settings) {
      if (number === undefined || this.#drafts.some((draft) => draft.number === number)) continue;
      const known = this.#drafts.map((draft) => draft.number);
      this.#fail(token, `no event is on pic${number}${known.length ? `; there is ${picList(known)}` : ""}`);
    }
    const requests = this.#drafts.map((draft, index) => this.#request(draft, index));
    return { flags: 0, text: this.#spec, together: true, requests };
  }

  #token(token: string): void {
    if (token === "") this.#fail(token, "an event, a flag or an attribute is missing between commas");
    const pic = /^pic(\d+)(=?)(.*)$/s.exec(token);
    if (pic) return this.#picEvent(token, Number(pic[1]), pic[3]);
    const flag = /^(nouser|sys)(\d*)(=?)/.exec(token);
    if (flag && flag[0].length === token.length) {
      if (flag[3]) this.#fail(token, "missing value");
      this.#settings.push({ token, flag: flag[1] as "nouser" | "sys", ...numberOf(flag[2]) });
      return;
    }
    if (/^nouser\d*=/.test(token)) this.#fail(token, "nouser takes no value");
    // A slash or colon before the first = makes it an event.
    const named = /^([^=/:]+)(?:=(.*))?$/s.exec(token);
    if (!named || (named[2] === undefined && !this.#isAttribute(named[1]))) this.#bareEvent(token);
    else this.#attribute(token, named[1], named[2]);
  }

  #picEvent(token: string, number: number, event: string): void {
    if (event === "") this.#fail(token, `missing value: pic${number}=EVENT`);
    if (this.#drafts.some((draft) => draft.number === number)) {
      this.#fail(token, `pic${number} is given twice`);
    }
    const found = this.#resolve(event); // verify() refuses it if it is not an event
    if (!(found instanceof UsageError) && found.pmu.pics?.some((pic) => pic.picnum === number)) {
      const capable = found.capable ?? [];
      const others = capable.length ? `; ${picList(capable)} can` : "";
      if (!capable.includes(number)) this.#fail(token, `pic${number} cannot measure ${event}${others}`);
    }
    this.#drafts.push({ event, number, picnum: number });
    this.#highest = Math.max(this.#highest, number);
  }

  #bareEvent(token: string): void {
    const found = this.#resolve(token);
    if (found instanceof UsageError) this.#unknown(token, found);
    const next = this.#highest + 1;
    const preferred = found.capable === undefined
      ? next
      : found.capable.toSorted((a, b) => a - b).find((pic) => pic >= next);
    this.#highest = preferred ?? next;
    this.#drafts.push({
      event: token,
      number: this.#highest,
      ...(preferred === undefined ? {} : { preferred }),
    });
  }

  #attribute(token: string, written: string, value: string | undefined): void {
    const { name, ...number } = this.#splitNumber(written);
    if (value === "") this.#fail(token, "missing value");
    const parsed = value === undefined ? 1n : parseNumber(value);
    if (parsed === undefined || parsed > U64_MAX) {
      this.#fail(token, `invalid value '${value}' for attribute ${name}: expected a 64-bit number`);
    }
    this.#settings.push({ token, attribute: name, value: parsed, ...number });
  }

  #request(draft: Draft, index: number): SetRequest {
    const attributes = new Map<string, bigint>();
    let flags: number = REQUEST_FLAG.user;
    for (const setting of this.#settings) {
      if (setting.number !== undefined && setting.number !== draft.number) continue;
      if ("attribute" in setting) attributes.set(setting.attribute, setting.value);
      else if (setting.flag === "sys") flags |= REQUEST_FLAG.system;
      else flags &= ~REQUEST_FLAG.user;
    }
    const { event, picnum, preferred } = draft;
    return foldAttributes({
      event,
      preset: 0n,
      flags,
      attributes,
      ...(picnum === undefined ? {} : { picnum }),
      ...(preferred === undefined ? {} : { preferred }),
      index,
    });
  }

  /** Returns what can count the event, or the error when the text does not match exactly one. */
  #resolve(text: string): { pmu: PmuModel; capable?: number[] } | UsageError {
    let event: ResolvedEvent;
    try {
      event = resolveRequest(text, this.#machine.world);
    } catch (error) {
      if (error instanceof UsageError) return error;
      throw error;
    }
    const pmu = this.#machine.pmuOf(event);
    const capable = capablePics(event, pmu);
    return { pmu, ...(capable ? { capable } : {}) };
  }

  /** Splits a number off the end: `edge0` is edge of pic0. A field that is called `config1` stays whole. */
  #splitNumber(written: string): { name: string; number?: number } {
    const match = /^(.*\D)(\d+)$/.exec(written);
    if (!match || this.#known().has(written)) return { name: written };
    return { name: match[1], ...numberOf(match[2]) };
  }

  #isAttribute(written: string): boolean {
    return this.#known().has(written) ||
      this.#known().has(this.#splitNumber(written).name) && !this.#isEvent(written);
  }

  /** Returns the names of all attributes: the generic ones, and the fields of every PMU. */
  #known(): ReadonlySet<string> {
    return this.#attributes ??= new Set([
      ...genericAttributeNames(),
      ...this.#machine.world.pmus.all().flatMap((pmu) => [...pmu.formats.keys()]),
    ]);
  }

  /**
   * Throws for an unknown token: `error`, if the token must be an event, else an error that suggests other meanings.
   */
  #unknown(token: string, error: UsageError): never {
    if (!/^[\w-]+$/.test(token) || this.#isEvent(token)) this.#fail(token, error.message);
    const near = nearest(token, ["nouser", ...this.#known(), ...genericNames()]);
    const hint = near.length ? `; did you mean ${near.join(" or ")}?` : "";
    this.#fail(token, `not an event, flag or attribute${hint}`);
  }

  /** Tells whether the text matches one or more events. */
  #isEvent(text: string): boolean {
    try {
      return resolveEvents(text, this.#machine.world).length > 0;
    } catch (error) {
      if (error instanceof UsageError) return false;
      throw error;
    }
  }

  #fail(token: string, fault: string): never {
    throw new UsageError(`-c '${this.#spec}', token '${token}': ${fault}`);
  }
}

function numberOf(digits: string): { number?: number } {
  return digits === "" ? {} : { number: Number(digits) };
}

/** Parses a number in C's notation: decimal, hex (0x) or octal (0); undefined when it is not one. */
function parseNumber(text: string): bigint | undefined {
  if (/^0[0-7]+$/.test(text)) return BigInt(`0o${text.slice(1)}`);
  return /^(?:0|[1-9]\d*|0x[0-9a-f]+)$/i.test(text) ? BigInt(text) : undefined;
}

/** Splits a SPEC at its commas, except those between slashes. */
function tokensOf(spec: string): string[] {
  const tokens: string[] = [];
  let start = 0;
  let inTerms = false;
  let quoted = false;
  for (let i = 0; i <= spec.length; i++) {
    const c = spec[i];
    if (c === "'" && inTerms) quoted = !quoted;
    else if (c === "/" && !quoted) {
      inTerms = !inTerms && !/^(?:pic\d+=)?mem:/.test(spec.slice(start, i).trim());
    } else if (c === undefined || (c === "," && !inTerms)) {
      tokens.push(spec.slice(start, i).trim());
      start = i + 1;
    }
  }
  return tokens;
}
