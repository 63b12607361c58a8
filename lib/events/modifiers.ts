/**
 * Modifiers, the letters after an event: `cycles:u`, `cpu/event=0x3c/pp`. Their meaning and interplay are perf's
 * (get_event_modifier() in tools/perf/util/parse-events.c).
 */

import type { AttrFlag } from "./attr.ts";

/** All modifiers, with their meanings. */
export const MODIFIERS: ReadonlyMap<string, string> = new Map([
  ["u", "user space"],
  ["k", "the kernel"],
  ["h", "the hypervisor"],
  ["I", "not while the CPU idles"],
  ["G", "guests"],
  ["H", "the host"],
  ["p", "less skid: p, pp, ppp"],
  ["P", "as little skid as the CPU can"],
  ["S", "read the whole group at each sample of the leader"],
  ["D", "pinned: on its counter always, or an error"],
  ["W", "weak group: split it when it does not fit"],
  ["e", "exclusive: no other events on the PMU meanwhile"],
]);

/** Combined effect of the modifiers of an event and of its group. */
export interface ModifierState {
  excludeUser: boolean;
  excludeKernel: boolean;
  excludeHv: boolean;
  excludeIdle: boolean;
  excludeHost: boolean;
  excludeGuest: boolean;
  /** Whether `G` or `H` was given, which fixes the choice between guest and host. */
  guestOrHostChosen: boolean;
  /** Precision, 0 to 3: perf_event_attr.precise_ip. */
  precise: number;
  preciseMax: boolean;
  sampleRead: boolean;
  pinned: boolean;
  exclusive: boolean;
  weak: boolean;
}

/** State of an event without modifiers: user, kernel and hypervisor, of the host only. */
export const NO_MODIFIERS: Readonly<ModifierState> = {
  excludeUser: false,
  excludeKernel: false,
  excludeHv: false,
  excludeIdle: false,
  excludeHost: false,
  excludeGuest: true,
  guestOrHostChosen: false,
  precise: 0,
  preciseMax: false,
  sampleRead: false,
  pinned: false,
  exclusive: false,
  weak: false,
};

/** Returns whether `text` consists of modifier letters only (at least one). */
export function isModifiers(text: string): boolean {
  return /^[ukhIGHpPSDWe]+$/.test(text);
}

/** Returns what is wrong with a string of modifiers and where in it, or undefined. */
export function modifierProblem(text: string): { at: number; message: string } | undefined {
  for (const [at, letter] of [...text].entries()) {
    if (!MODIFIERS.has(letter)) {
      return {
        at,
        message: `unknown modifier '${letter}'; expected one of ${[...MODIFIERS.keys()].join(" ")}`,
      };
    }
    const times = text.slice(0, at + 1).split(letter).length - 1;
    if (letter === "p" ? times > 3 : times > 1) {
      return {
        at,
        message: `modifier '${letter}' is given ${letter === "p" ? "more than three times" : "twice"}`,
      };
    }
  }
  return undefined;
}

/**
 * Applies a string of modifiers that modifierProblem() has accepted.
 *
 * An event's own modifiers start from an empty state (as in perf, which is why `cycles:k` counts guests and `cycles`
 * does not); those of its group are added to `base`, the event's own.
 */
export function applyModifiers(text: string, base?: Readonly<ModifierState>): ModifierState {
  const state: ModifierState = { ...(base ?? { ...NO_MODIFIERS, excludeGuest: false }) };
  let chosen = state.excludeUser || state.excludeKernel || state.excludeHv;
  const only = (mode: "excludeUser" | "excludeKernel" | "excludeHv") => {
    if (!chosen) {
      chosen =
        state.excludeUser =
        state.excludeKernel =
        state.excludeHv =
          true;
    }
    state[mode] = false;
  };
  const side = (which: "excludeGuest" | "excludeHost") => {
    if (!state.guestOrHostChosen) {
      state.guestOrHostChosen = state.excludeGuest = state.excludeHost = true;
    }
    state[which] = false;
  };
  for (const letter of text) {
    if (letter === "u") {
      only("excludeUser");
      if (!state.guestOrHostChosen) state.excludeGuest = true;
    } else if (letter === "k") only("excludeKernel");
    else if (letter === "h") only("excludeHv");
    else if (letter === "I") state.excludeIdle = true;
    else if (letter === "G") side("excludeGuest");
    else if (letter === "H") side("excludeHost");
    else if (letter === "p") {
      state.precise = Math.min(state.precise + 1, 3);
      if (!state.guestOrHostChosen) state.excludeGuest = true; // precise events cannot tell guests apart
    } else if (letter === "P") state.preciseMax = true;
    else if (letter === "S") state.sampleRead = true;
    else if (letter === "D") state.pinned = true;
    else if (letter === "e") state.exclusive = true;
    else if (letter === "W") state.weak = true;
  }
  return state;
}

/** Returns the one-bit fields of perf_event_attr that the state sets. */
export function modifierFlags(state: Readonly<ModifierState>): AttrFlag[] {
  const names = [
    "excludeUser",
    "excludeKernel",
    "excludeHv",
    "excludeIdle",
    "excludeHost",
    "excludeGuest",
    "pinned",
    "exclusive",
  ] as const;
  return names.filter((name) => state[name]);
}

/** Returns whether the letters behind an event's name leave only user mode: `cycles:u`, but not `cycles:uk`. */
export function countsUserOnly(name: string): boolean {
  const letters = /:([^:]*)$/.exec(name)?.[1] ?? "";
  return isModifiers(letters) && letters.includes("u") && !letters.includes("k");
}
