/** Resolution of parsed requests to perf_event_attrs, with the PMUs and tracepoints of a machine. */

import { PERF_TYPE } from "../base/system/abi.ts";
import { type EventAttr, makeAttr } from "./attr.ts";
import { findGeneric, type GenericEvent, genericNames, happensInKernel } from "./catalog.ts";
import { isGlob } from "./glob.ts";
import { type EventRequest, parseEvents, parseRaw, syntaxError, type Term } from "./grammar.ts";
import { applyModifiers, modifierFlags, type ModifierState, NO_MODIFIERS } from "./modifiers.ts";
import { encodeTerms, type EventCode } from "./pmu_terms.ts";
import { type Pmu, Pmus } from "./sysfs.ts";
import { Tracepoints } from "./tracepoints.ts";

/** Machine that event strings are resolved for. */
export interface EventWorld {
  /** PMUs of the machine. */
  pmus: Pmus;
  /** Tracepoints of its kernel. */
  tracepoints: Tracepoints;
}

/** Event ready to be opened, once the caller has set what to read and to sample. */
export interface ResolvedEvent {
  /** Name as written, or its `name=` term; with the name of the PMU or tracepoint where one text means several. */
  name: string;
  /**
   * Attr with type, config words, exclude bits, preciseIp, pinned, exclusive and bpType; nothing about sampling or
   * reading.
   */
  attr: EventAttr;
  /** PMU that counts it, or "" when the kernel chooses one (generic and raw events). */
  pmu: string;
  /** CPUs that it counts on, and has to be opened on when opened by CPU; undefined for all. */
  cpus?: number[];
  /** Whether it can count per task: false for a package or a memory channel, which are only counted on CPUs. */
  followsTasks: boolean;
  /** Tracepoint that it is; absent for other events. */
  tracepoint?: { system: string; name: string };
  /** Whether its PMU can count user space alone: false for uncore and other device PMUs. */
  supportsExclude: boolean;
  /** Warning to show if the event is used as requested. */
  warning?: string;
  /** Unit of one count times `scale`; undefined for occurrences. */
  unit?: string;
  /** Factor from counts to `unit`. */
  scale: number;
  /** Period, of `period=` or tprof's `,=N`: a sample every so many events. */
  period?: bigint;
  /** Rarity, of tprof's `,N`: it occurs this many times less often than cycles. */
  slower?: bigint;
  /** Rate of `freq=`, in samples per second. */
  freq?: number;
  /** Whether to sample each occurrence by default (tracepoints, breakpoints), as perf does. */
  eachOccurrence: boolean;
  /** Whether `P` requests the largest precise_ip that opens; attr.preciseIp is then the PMU's claimed maximum. */
  preciseMax: boolean;
}

/** Group of events to be scheduled together; one without braces is a group of one. */
export interface ResolvedGroup {
  /** Name that the user gave the group. */
  name?: string;
  /** Whether it was written in braces. */
  braces: boolean;
  /** Events, the leader first. */
  events: ResolvedEvent[];
  /** Whether the leader's samples contain the counts of the group (`S`). */
  sampleRead: boolean;
  /** Whether it may be split when it does not fit on the PMU (`W`). */
  weak: boolean;
}

/** Returns this machine. Nothing is read until an event needs it. */
export function hostWorld(): EventWorld {
  return { pmus: new Pmus(), tracepoints: new Tracepoints() };
}

/**
 * Resolves an event string. Throws UsageError, with the place and similar known names, for anything that does not
 * exist; UnsupportedError when a tracepoint is requested and tracefs is unreadable.
 */
export function resolveEvents(text: string, world: EventWorld = hostWorld()): ResolvedGroup[] {
  return parseEvents(text).map((group) => {
    const members = group.members.map((request) => {
      const own = request.modifiers ? applyModifiers(request.modifiers) : NO_MODIFIERS;
      const state = group.modifiers ? applyModifiers(group.modifiers, own) : own;
      return { state, events: new Resolver(text, world, request, state).events() };
    });
    return {
      ...(group.name ? { name: group.name } : {}),
      braces: group.braces,
      events: members.flatMap((m) => m.events),
      sampleRead: members.some((m) => m.state.sampleRead),
      weak: members.some((m) => m.state.weak),
    };
  });
}

/** Resolves one request. */
class Resolver {
  readonly #text: string;
  readonly #world: EventWorld;
  readonly #request: EventRequest;
  readonly #state: Readonly<ModifierState>;

  constructor(text: string, world: EventWorld, request: EventRequest, state: Readonly<ModifierState>) {
    this.#text = text;
    this.#world = world;
    this.#request = request;
    this.#state = state;
  }

  events(): ResolvedEvent[] {
    const { spec } = this.#request;
    switch (spec.kind) {
      case "tracepoint":
        return this.#tracepoints(spec.system, spec.name);
      case "breakpoint":
        return [this.#breakpoint(spec.address, spec.length, spec.access)];
      case "name":
        return spec.terms ? this.#withTerms(spec.name, spec.terms) : this.#named(spec.name);
    }
  }

  #named(name: string): ResolvedEvent[] {
    const generic = findGeneric(name);
    if (generic) return this.#generic(generic, []);
    const raw = parseRaw(name);
    if (raw !== undefined) return this.#raw(raw, []);
    return this.#driverEvent(name) ?? this.#unknown(name);
  }

  #withTerms(name: string, terms: Term[]): ResolvedEvent[] {
    const generic = findGeneric(name);
    if (generic) return this.#generic(generic, terms);
    const pmus = this.#world.pmus.matching(name);
    if (pmus.length > 0) return pmus.map((pmu) => this.#ofPmu(pmu, terms, pmus.length > 1));
    const raw = parseRaw(name);
    if (raw !== undefined) return this.#raw(raw, terms);
    const known = [...this.#world.pmus.names(), ...genericNames()];
    return syntaxError(
      this.#text,
      this.#request.at,
      `no PMU '${name}'; expected one of ${this.#world.pmus.names().join(", ") || "none"}`,
      name,
      known,
    );
  }

  /**
   * Resolves a generic event. With several core PMUs, each counts only on its own CPUs, so the event is opened on all
   * of them.
   */
  #generic(generic: GenericEvent, terms: Term[]): ResolvedEvent[] {
    const code = encodeTerms(this.#text, terms, undefined);
    code.words.config = generic.config;
    if (generic.unit) code.unit = generic.unit;
    const cores = generic.kind === "software" ? [] : this.#world.pmus.core();
    if (cores.length < 2) return [this.#make({ type: generic.type, code, pmu: cores[0] })];
    return cores.map((pmu) =>
      this.#make({
        type: generic.type,
        code: { ...code, words: { ...code.words, config: extendedConfig(generic.config, pmu) } },
        pmu,
        name: `${pmu.name}/${generic.name}/${this.#request.modifiers}`,
      })
    );
  }

  #raw(config: bigint, terms: Term[]): ResolvedEvent[] {
    const code = encodeTerms(this.#text, terms, undefined);
    code.words.config = config;
    const cores = this.#world.pmus.core();
    if (cores.length < 2) return [this.#make({ type: PERF_TYPE.RAW, code, pmu: cores[0] })];
    return cores.map((pmu) =>
      this.#make({
        type: pmu.type,
        code,
        pmu,
        name: `${pmu.name}/r${config.toString(16)}/${this.#request.modifiers}`,
      })
    );
  }

  /** Resolves an event of a PMU's driver that is written without the PMU: `mem-loads`, `power-pkg`. */
  #driverEvent(name: string): ResolvedEvent[] | undefined {
    const pmus = this.#world.pmus.all().filter((pmu) => pmu.events.has(name));
    if (pmus.length === 0) return undefined;
    const terms = [{ name, at: this.#request.at }];
    return pmus.map((pmu) => this.#ofPmu(pmu, terms, pmus.length > 1));
  }

  #ofPmu(pmu: Pmu, terms: Term[], several: boolean): ResolvedEvent {
    const inner = terms.map((t) => t.value === undefined ? t.name : `${t.name}=${t.value}`).join(",");
    const name = several ? `${pmu.name}/${inner}/${this.#request.modifiers}` : undefined;
    const code = encodeTerms(this.#text, terms, pmu);
    if (code.generic === undefined) return this.#make({ type: pmu.type, code, pmu, name });
    // `cpu_core/cycles/`: a generic event of this PMU
    const config = this.#world.pmus.core().length > 1 && pmu.core
      ? extendedConfig(code.generic.config, pmu)
      : code.generic.config;
    return this.#make({
      type: code.generic.type,
      code: { ...code, words: { ...code.words, config } },
      pmu,
      name,
    });
  }

  #tracepoints(system: string, name: string): ResolvedEvent[] {
    const found = this.#world.tracepoints.expand(system, name);
    if (found.length === 0) this.#unknownTracepoint(system, name);
    const glob = isGlob(system) || isGlob(name);
    const tail = this.#request.modifiers ? `:${this.#request.modifiers}` : "";
    return found.map((tracepoint) =>
      this.#make({
        type: PERF_TYPE.TRACEPOINT,
        code: plainCode(tracepoint.id),
        name: glob ? `${tracepoint.system}:${tracepoint.name}${tail}` : undefined,
        tracepoint: { system: tracepoint.system, name: tracepoint.name },
        eachOccurrence: true,
      })
    );
  }

  /** Resolves a breakpoint. In struct perf_event_attr, bp_addr shares its place with config1, bp_len with config2. */
  #breakpoint(address: bigint, length: number | undefined, access: string): ResolvedEvent {
    let bpType = 0;
    for (const letter of access) bpType |= BREAKPOINT[letter as keyof typeof BREAKPOINT];
    // the kernel requires sizeof(long) for execution; 4 is perf's default for data
    const bytes = length ?? (bpType === BREAKPOINT.x ? 8 : 4);
    const code = plainCode(0n);
    code.words.config1 = address;
    code.words.config2 = BigInt(bytes);
    return this.#make({ type: PERF_TYPE.BREAKPOINT, code, bpType, eachOccurrence: true });
  }

  #make(parts: {
    type: number;
    code: EventCode;
    pmu?: Pmu;
    name?: string;
    bpType?: number;
    tracepoint?: { system: string; name: string };
    eachOccurrence?: boolean;
  }): ResolvedEvent {
    const { type, code, pmu } = parts;
    const fixedType = Object.values<number>(PERF_TYPE).includes(type);
    const flags = new Set(modifierFlags(this.#state));
    // uncore and other device PMUs refuse every exclude bit, so set only requested ones
    if (pmu && !pmu.core && !fixedType && !/[upH]/.test(this.#request.modifiers)) {
      flags.delete("excludeGuest");
    }
    const cpus = pmu?.cpus;
    const name = code.name ?? parts.name ?? this.#request.text;
    const inexact = fixedType && type === PERF_TYPE.SOFTWARE && this.#state.precise > 0;
    const alwaysZero = flags.has("excludeKernel") && happensInKernel({ type, config: code.words.config });
    return {
      name,
      attr: makeAttr({
        type,
        config: code.words.config,
        config1: code.words.config1,
        config2: code.words.config2,
        flags,
        preciseIp: this.#state.preciseMax ? maxPrecise(pmu) : this.#state.precise,
        bpType: parts.bpType ?? 0,
      }),
      pmu: pmu?.name ?? FIXED_PMUS[type] ?? "",
      ...(cpus ? { cpus } : {}),
      followsTasks: !pmu || pmu.core || cpus === undefined,
      ...(parts.tracepoint ? { tracepoint: parts.tracepoint } : {}),
      supportsExclude: fixedType || pmu?.core === true,
      ...(alwaysZero ? { warning: `${name} always counts 0: it only happens in the kernel` } : {}),
      ...(inexact ? { warning: `${name}: software events have no precision: p has no effect` } : {}),
      ...(code.unit ? { unit: code.unit } : {}),
      scale: code.scale,
      ...this.#rateOf(code),
      ...(code.freq === undefined ? {} : { freq: code.freq }),
      eachOccurrence: parts.eachOccurrence ?? false,
      preciseMax: this.#state.preciseMax,
    };
  }

  #rateOf(code: EventCode): Pick<ResolvedEvent, "period" | "slower"> {
    const { rate, text, at } = this.#request;
    if (rate && (code.period !== undefined || code.freq !== undefined)) {
      syntaxError(
        this.#text,
        at,
        `'${text}' already has a period or a rate: leave out the number after it`,
      );
    }
    if (rate) return "every" in rate ? { period: rate.every } : { slower: rate.slower };
    return code.period === undefined ? {} : { period: code.period };
  }

  #unknown(name: string): never {
    const driverEvents = this.#world.pmus.all().flatMap((pmu) => [...pmu.events.keys()]);
    syntaxError(
      this.#text,
      this.#request.at,
      `no event '${name}' (see 'pmuctl list-events')`,
      name,
      [...genericNames(), ...driverEvents],
    );
  }

  #unknownTracepoint(system: string, name: string): never {
    const { tracepoints } = this.#world;
    const names = tracepoints.names(system);
    if (names.length > 0) {
      const at = this.#request.at + system.length + 1;
      syntaxError(this.#text, at, `no tracepoint '${name}' in '${system}'`, name, names);
    }
    syntaxError(
      this.#text,
      this.#request.at,
      `no event and no tracepoint system '${system}'`,
      system,
      [...tracepoints.systems(), ...genericNames()],
    );
  }
}

/** Bits of perf_event_attr.bp_type: HW_BREAKPOINT_R, _W, _X. */
const BREAKPOINT = { r: 1, w: 2, x: 4 } as const;

/** Names in sysfs of the PMUs behind the fixed types. */
const FIXED_PMUS: Record<number, string> = {
  [PERF_TYPE.SOFTWARE]: "software",
  [PERF_TYPE.TRACEPOINT]: "tracepoint",
  [PERF_TYPE.BREAKPOINT]: "breakpoint",
};

function plainCode(config: bigint): EventCode {
  return { words: { config, config1: 0n, config2: 0n }, scale: 1 };
}

/**
 * Returns the config of a generic event for one of several core PMUs, with that PMU's type in the upper half
 * (PERF_PMU_TYPE_SHIFT).
 */
function extendedConfig(config: bigint, pmu: Pmu): bigint {
  return config | (BigInt(pmu.type) << 32n);
}

/** Returns the precision that the core PMU claims, or 0 when it claims none. */
function maxPrecise(pmu: Pmu | undefined): number {
  const cap = Number(pmu?.caps.get("max_precise"));
  return cap >= 0 && cap <= 3 ? cap : 0;
}
