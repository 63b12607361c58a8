/** Sets to verify and what their refusal must look like. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { CpcError, SUBCODES } from "../../lib/counters/verify/cpc_error.ts";
import type { MachineModel } from "../../lib/counters/verify/machine.ts";
import type { RequestSet } from "../../lib/counters/verify/request_set.ts";
import { parseSet } from "../../lib/counters/verify/set_file.ts";
import { parseSpec } from "../../lib/counters/verify/spec.ts";
import { verify, type VerifyOptions } from "../../lib/counters/verify/verify.ts";
import type { VerifyTarget } from "../../lib/counters/verify/verify_request.ts";
import { intel } from "./machines.ts";

export const TASK: VerifyTarget = { kind: "task" };
export const CPUS: VerifyTarget = { kind: "cpus" };

export type Reqs = {
  event: string;
  flags?: number;
  index?: number;
  attrs?: Record<string, number | string>;
}[];

/** A set as a file has it. */
export const packed = (reqs: Reqs, flags = 0): RequestSet =>
  parseSet(new TextEncoder().encode(JSON.stringify({ flags, reqs })), "set.json");

export interface Expected {
  subcode: keyof typeof SUBCODES | -1;
  errno?: string;
  status: number;
  requests: readonly number[];
  says: RegExp;
  target?: VerifyTarget;
  options?: VerifyOptions;
}

/** Verifying must fail, and so. */
export function refused(set: RequestSet, machine: MachineModel, expected: Expected): void {
  const { subcode, errno = "EINVAL", status, requests, says, target = TASK, options } = expected;
  const error = assertThrows(() => verify(set, machine, target, options), CpcError);
  const code = subcode === -1 ? -1 : SUBCODES[subcode];
  assertEquals(
    [error.subcode, error.errno, error.status, error.requests],
    [code, errno, status, requests],
    error.message,
  );
  assertMatch(error.message, says);
}

export const spec = (text: string, machine = intel()) => parseSpec(text, machine);
export const pics = (set: RequestSet, machine = intel(), options?: VerifyOptions) =>
  verify(set, machine, TASK, options).requests.map(({ pic }) => pic);
