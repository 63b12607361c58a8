/**
 * Protocol between pmuctl and the holder of a named set: one line of JSON in each direction, on a connection per
 * request. Values that JSON lacks are objects with one member: `{"bigint":"12"}`, `{"set":[...]}`.
 */

import { readBigint, writtenBigint } from "../../base/text/json_bigint.ts";
import { BadInputError } from "../../base/system/errors.ts";
import type { SetBuffer } from "../open/bound_set.ts";
import type { Counter } from "../open/open_set.ts";
import type { Holding } from "./exclusion.ts";
import { isSetErrno, type SetAction, type SetFault } from "../open/states.ts";
import type { SetTarget } from "./set_target.ts";

/** Version, changed with the meaning of any message. Both sides refuse other versions. */
const PROTOCOL = 1;

/** Longest request, in bytes. */
export const MAX_REQUEST = 4096;
/** Longest reply, in bytes. A reply has a line's worth of text per thread. */
export const MAX_REPLY = 16 << 20;

/** Request of a client. */
export type ProtocolRequest =
  /** Describes the set without touching it. */
  | { do: "describe" }
  /** Reads the counts; with `since`, the difference to the previous sample. */
  | { do: "sample"; since: boolean }
  | { do: "preset"; index: number; value: bigint }
  | { do: Exclude<SetAction, "sample" | "preset"> };

/** Name and unit of a counter. */
export interface CounterTitle {
  name: string;
  /** Unit of one count; "" for occurrences. */
  unit: string;
}

/** Overflow of a set that notifies. */
export interface OverflowInfo {
  /** Index of the request that overflowed. */
  counter: number;
  pid: number;
  tid: number;
  cpu: number;
  /** Time in ns of CLOCK_MONOTONIC. */
  hrtimeNs: bigint;
  /** PC in hex, and as text: `hot+0x1c`. */
  pc: string;
  text: string;
  symbol?: string;
  object?: string;
}

/** Description of a set. */
export interface SetInfo extends Holding {
  counters: CounterTitle[];
  /** Last overflow of a set that notifies. */
  overflow?: OverflowInfo;
  /** Time it was bound, in ms since 1970. */
  boundAtMs: number;
  /** Pid of the holder. */
  holder: number;
}

/** Answer of a holder: the set's current description, and counts if requested. */
export interface SetAnswer {
  info: SetInfo;
  /** Counts, for `sample`, and for `unbind` unless they are lost. */
  buffer?: SetBuffer;
}

/** Reply of a holder: an answer, or the reason for refusing. */
export type ProtocolReply = { ok: SetAnswer } | { refused: SetFault };

/** First message to a starting holder, on its standard input. A second line, `GO_AHEAD`, completes the start. */
export interface HoldRequest {
  name: string;
  /** Socket to listen at. */
  path: string;
  /** Requests of the set: each group is on the counters as a whole, or not at all. */
  groups: Counter[][];
  pmus: string[];
  target: SetTarget;
  /** Starts counting at the exec of the target, a command that waits for it. */
  enableOnExec: boolean;
  /** Time in ms to stay after the target has ended and since the last request. */
  keepMs: number;
}

/** Line that lets a holder bind its set. */
export const GO_AHEAD = "go";

/** Hidden command of pmuctl that runs a holder. Its argument is the set's name, which makes it visible in ps. */
export const HOLD_COMMAND = "hold-set";

/** Reports of a starting holder, one per line of its standard output. */
export type StartReport =
  /** Something differs from what was requested. */
  | { note: string }
  /** Counters are open; the holder waits for GO_AHEAD. */
  | { opened: true }
  /** Set is bound and its socket exists. */
  | { bound: SetInfo }
  /** Binding failed; the holder ends. */
  | { failed: { message: string; status: number } };

/** Encodes a value as a line, with its newline. */
export function toLine(value: unknown): string {
  const text = JSON.stringify(value, (_key, inner) => {
    return inner instanceof Set ? { set: [...inner] } : writtenBigint(inner);
  });
  return text + "\n";
}

/** Decodes the value in a line. Throws SyntaxError. */
export function fromLine(line: string): unknown {
  return JSON.parse(line, (_key, inner) => {
    if (typeof inner !== "object" || inner === null) return inner;
    const members = Object.keys(inner);
    return members.length === 1 && Array.isArray(inner.set) ? new Set(inner.set) : readBigint(inner);
  });
}

/** Encodes a request. */
export function requestLine(request: ProtocolRequest): string {
  return toLine({ v: PROTOCOL, ...request });
}

/** Decodes a request. Throws BadInputError, with a message for the sender, for anything else. */
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

/** Encodes a reply. */
export function replyLine(reply: ProtocolReply): string {
  return toLine({ v: PROTOCOL, ...reply });
}

/** Decodes a reply. Throws BadInputError for anything that a holder of this version does not send. */
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
