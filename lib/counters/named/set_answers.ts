/** Answers of the process that holds a named set: what each request does to the set, and what is done once it is answered. */

import { type HeldSet, type SetBuffer, SetRefusal } from "../open/bound_set.ts";
import { NotifyingSet } from "./notifying_set.ts";
import type {
  CounterTitle,
  HoldRequest,
  ProtocolReply,
  ProtocolRequest,
  SetAnswer,
  SetInfo,
} from "./protocol.ts";
import type { TargetWatch } from "./set_target.ts";
import type { RequestOutcome } from "./socket.ts";

/** Set that is open at all its places. */
export interface HeldCounters {
  set: HeldSet;
  watch: Pick<TargetWatch, "ended">;
  /** Titles of its counters. */
  counters: CounterTitle[];
}

/** Process that holds the set. */
export interface HoldingProcess {
  pid: number;
  /** Makes the set's name free for others. */
  freeName(): void;
  /** Ends the process. */
  leave(): void;
  /** Returns a time in ms since any fixed moment. */
  now(): number;
}

/** Answers requests for a set until it is unbound. */
export class SetAnswers {
  readonly #request: HoldRequest;
  readonly #held: HeldCounters;
  readonly #process: HoldingProcess;
  readonly #boundAtMs = Date.now();
  /** Time of the last request that used the set, or of the target's end. */
  #lastUse: number;
  #unbound = false;

  constructor(request: HoldRequest, held: HeldCounters, process: HoldingProcess) {
    this.#request = request;
    this.#held = held;
    this.#process = process;
    this.#lastUse = process.now();
  }

  /** Whether the set has been unbound. */
  get unbound(): boolean {
    return this.#unbound;
  }

  /** Describes the set. */
  info(): SetInfo {
    const { name, target, pmus } = this.#request, { set, counters } = this.#held;
    return {
      name,
      target,
      pmus,
      state: set.state,
      ...(set instanceof NotifyingSet && set.overflow ? { overflow: set.overflow } : {}),
      counters,
      boundAtMs: this.#boundAtMs,
      holder: this.#process.pid,
    };
  }

  /** Does what a request asks for, and answers it. */
  handle(request: ProtocolRequest): RequestOutcome {
    if (this.#unbound) return { reply: { refused: { errno: "EINVAL", cause: "it has just been unbound" } } };
    this.#noticeEnd();
    if (request.do !== "describe") this.#lastUse = this.#process.now();
    try {
      return this.#do(request);
    } catch (error) {
      if (!(error instanceof SetRefusal)) throw error;
      return { reply: { refused: error.refusal } };
    }
  }

  /** Returns whether the set may go: its target has ended, and nobody has asked for it for long. */
  isForgotten(): boolean {
    this.#noticeEnd();
    const idleMs = this.#process.now() - this.#lastUse;
    return this.#held.set.state === "ended" && idleMs >= this.#request.keepMs;
  }

  #do(request: ProtocolRequest): RequestOutcome {
    const { set } = this.#held;
    const ok = (answer: Partial<SetAnswer> = {}): ProtocolReply => ({ ok: { info: this.info(), ...answer } });
    switch (request.do) {
      case "describe":
        this.#lastCounts(); // notices if the set has become invalid
        return { reply: ok() };
      case "sample": {
        const buffer = set.sample();
        const shown = request.since ? set.since(buffer) : buffer;
        // A sample that the client did not get does not count as the previous one.
        return { reply: ok({ buffer: shown }), afterwards: () => set.remember(buffer) };
      }
      case "preset":
        set.preset(request.index, request.value);
        return { reply: ok() };
      case "restart":
        set.restart();
        return { reply: ok() };
      case "enable":
        set.enable();
        return { reply: ok() };
      case "disable":
        set.disable();
        return { reply: ok() };
      case "unbind": {
        const buffer = this.#lastCounts();
        const reply = ok(buffer ? { buffer } : {});
        // Release everything before answering, so that the client can reuse the counters and the name at once.
        set.close();
        this.#process.freeName();
        this.#unbound = true;
        return { reply, afterwards: () => this.#process.leave() };
      }
    }
  }

  #lastCounts(): SetBuffer | undefined {
    try {
      return this.#held.set.sample();
    } catch (error) {
      if (error instanceof SetRefusal) return undefined; // an invalid set has no counts
      throw error;
    }
  }

  #noticeEnd(): void {
    const { set, watch } = this.#held;
    if (set.state === "ended" || !watch.ended()) return;
    set.targetEnded();
    this.#lastUse = this.#process.now();
  }
}
