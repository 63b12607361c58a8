/**
 * What is said between pmuctl and the holder of a named set: a line of JSON each way on a connection of its
 * own. Values that JSON lacks stand in objects with one member: `{"bigint":"12"}`, `{"set":[...]}`.
 */

import { BadInputError } from "../../base/system/errors.ts";
import type { SetBuffer } from "../open/bound_set.ts";
import type { Counter } from "../open/open_set.ts";
import type { Holding } from "./exclusion.ts";
import { isSetErrno, type SetAction, type SetFault } from "../open/states.ts";
import type { SetTarget } from "./set_target.ts";

/** Changes with the meaning of a message; both sides refuse another one. */
export const PROTOCOL = 1;

/** The longest request and the longest reply, in bytes. A reply has a line's worth for each thread. */
export const MAX_REQUEST = 4096;
export const MAX_REPLY = 16 << 20;

/** What a client asks. */
export type ProtocolRequest =
  /** Tells what the set is, without touching it. */
  | { do: "describe" }
  /** Counts; with `since` their difference to the previous sample. */
  | { do: "sample"; since: boolean }
  | { do: "preset"; index: number; value: bigint }
  | { do: Exclude<SetAction, "sample" | "preset"> };

/** Of a counter, what a reader of its counts has to know. */
export interface CounterTitle {
  name: string;
  /** Of one count; "" for occurrences. */
  unit: string;
}

/** An overflow of a set that notifies. */
export interface OverflowInfo {
  /** Index of the request that overflowed. */
  counter: number;
  pid: number;
  tid: number;
  cpu: number;
  /** When, in ns of CLOCK_MONOTONIC. */
  hrtimeNs: bigint;
  /** The PC in hex, and in words: `hot+0x1c`. */
  pc: string;
  text: string;
  symbol?: string;
  object?: string;
}

/** What a set is. */
export interface SetInfo extends Holding {
  counters: CounterTitle[];
  /** The last overflow of a set that notifies. */
  overflow?: OverflowInfo;
  /** When it was bound, ms since 1970. */
  boundAtMs: number;
  /** The process that holds it. */
  holder: number;
}

/** A holder's answer: what the set is now, and the counts where they were asked for. */
export interface SetAnswer {
  info: SetInfo;
  /** Of `sample`, and of `unbind` unless the counts are lost. */
  buffer?: SetBuffer;
}

export type ProtocolReply = { ok: SetAnswer } | { refused: SetFault };

/** What the starting process tells the holder first, on its standard input. A second line, `GO`, ends the start. */
export interface HoldRequest {
  name: string;
  /** The socket to listen at. */
  path: string;
  /** The requests of the set: each group is on the counters as a whole, or not at all. */
  groups: Counter[][];
  pmus: string[];
  target: SetTarget;
  /** Counting starts at the exec of the target, a command that waits for it. */
  enableOnExec: boolean;
  /** How long to stay once the target has ended, in ms since the last request. */
  keepMs: number;
}

export const GO = "go";

/** The command of pmuctl that is a holder; its argument is the set's name, for who looks at ps. */
export const HOLD_COMMAND = "hold-set";

/** What the holder tells while it starts, on its standard output, a line each. */
export type StartReport =
  /** Something is not as asked for. */
  | { note: string }
  /** The counters are open; it waits for GO. */
  | { opened: true }
  /** The set is bound, and the socket is there. */
  | { bound: SetInfo }
  /** It is not, and the holder ends. */
  | { failed: { message: string; status: number } };

/** A value as a line, its end included. */
export function toLine(value: unknown): string {
  const text = JSON.stringify(value, (_key, inner) => {
    if (typeof inner === "bigint") return { bigint: String(inner) };
    return inner instanceof Set ? { set: [...inner] } : inner;
  });
  return text + "\n";
}

/** The value in a line. Throws SyntaxError. */
export function fromLine(line: string): unknown {
  return JSON.parse(line, (_key, inner) => {
    if (typeof inner !== "object" || inner === null) return inner;
    const members = Object.keys(inner);
    if (members.length !== 1) return inner;
    if (typeof inner.bigint === "string") return BigInt(inner.bigint);
    return Array.isArray(inner.set) ? new Set(inner.set) : inner;
  });
}

/** A request as it is sent. */
export function requestLine(request: ProtocolRequest): string {
  return toLine({ v: PROTOCOL, ...request });
}

/** The request in a line. Throws BadInputError for anything else, of which it is told to whoever sent it. */
export function parseRequest(line: string): ProtocolRequest {
  const message = parse(line);
  if (message.v !== PROTOCOL) throw new BadInputError(`this is protocol ${PROTOCOL}, not ${message.v}`);
  switch (message.do) {
    case "describe":
    case "restart":
    case "enable":
    case "disable":
    case "unbind":
      return { do: message.do };
    case "sample":
      return { do: "sample", since: message.since === true };
    case "preset":
      if (typeof message.index === "number" && typeof message.value === "bigint") {
        return { do: "preset", index: message.index, value: message.value };
      }
  }
  throw new BadInputError("there is no such request");
}

/** A reply as it is sent. */
export function replyLine(reply: ProtocolReply): string {
  return toLine({ v: PROTOCOL, ...reply });
}

/** The reply in a line. Throws BadInputError for what no holder of this version says. */
export function parseReply(line: string): ProtocolReply {
  const { v, ok, refused } = parse(line);
  if (v === PROTOCOL && isObject(ok) && isObject(ok.info)) return { ok: ok as unknown as SetAnswer };
  if (v === PROTOCOL && isObject(refused) && isSetErrno(refused.errno) && typeof refused.cause === "string") {
    return { refused: refused as unknown as SetFault };
  }
  throw new BadInputError(
    v === PROTOCOL ? "its answer makes no sense" : "it is held by another version of pmuctl",
  );
}

function parse(line: string): Record<string, unknown> {
  let message: unknown;
  try {
    message = fromLine(line);
  } catch {
    throw new BadInputError("this is no line of JSON");
  }
  if (!isObject(message)) throw new BadInputError("this is no message");
  return message;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
