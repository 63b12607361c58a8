/**
 * Refusals of the counting side, as cpc has them: an errno, a subcode that says which kind of EINVAL or
 * EACCES it is, and the request it blames.
 */

import { errorLine, EXIT, UserError } from "../../base/system/errors.ts";

/** cpc's subcodes by their names. */
export const SUBCODES = {
  CPC_INVALID_EVENT: 1,
  CPC_INVALID_PICNUM: 2,
  CPC_INVALID_ATTRIBUTE: 3,
  CPC_ATTRIBUTE_OUT_OF_RANGE: 4,
  CPC_RESOURCE_UNAVAIL: 5,
  CPC_PIC_NOT_CAPABLE: 6,
  CPC_REQ_INVALID_FLAGS: 7,
  CPC_CONFLICTING_REQS: 8,
  CPC_ATTR_REQUIRES_PRIVILEGE: 9,
  CPC_PBIND_FAILED: 10,
  CPC_HV_NO_ACCESS: 11,
} as const;

/** The name of a subcode. */
export type SubcodeName = keyof typeof SUBCODES;

/** The errnos that cpc's calls end with. ENOTSUP is Linux's EOPNOTSUPP. */
export type CpcErrno = "EINVAL" | "EACCES" | "EAGAIN" | "ENOTSUP";

/** cpc's subcode where there is nothing more to say than the errno. */
export const NO_SUBCODE = -1;

/** What is refused, and why. */
export interface CpcFault {
  /** Left out where cpc has none (-1). */
  subcode?: SubcodeName;
  /** Needed without a subcode; else it follows from that. EINVAL when neither says. */
  errno?: CpcErrno;
  /** Positions in the set of the requests to blame, the first the most; none for the set as a whole. */
  requests?: readonly number[];
  /** Completes `cannot ...`: `bind request 0 (cycles)`. */
  attempt: string;
  cause: string;
  remedy?: string;
}

/** The subcodes that say that what the user wrote is wrong; the others are about the machine or a permission. */
const WRITTEN_WRONGLY: ReadonlySet<SubcodeName> = new Set([
  "CPC_INVALID_EVENT",
  "CPC_INVALID_PICNUM",
  "CPC_INVALID_ATTRIBUTE",
  "CPC_ATTRIBUTE_OUT_OF_RANGE",
  "CPC_REQ_INVALID_FLAGS",
]);

/** The subcodes that come with EACCES; the others come with EINVAL. */
const NOT_ALLOWED: ReadonlySet<SubcodeName> = new Set(["CPC_ATTR_REQUIRES_PRIVILEGE", "CPC_HV_NO_ACCESS"]);

/**
 * A set of requests, or something done to one, is refused. The message ends in `(CPC_INVALID_PICNUM,
 * EINVAL)`, or in `(EINVAL)` where cpc has no subcode.
 *
 * The exit status is 2 for what was written wrongly: subcodes 1, 2, 3, 4 and 7, and EINVAL without a
 * subcode. It is 3 for what this machine cannot do or this user may not: subcodes 5, 6, 8, 9, 10 and 11, and
 * any other errno without a subcode.
 */
export class CpcError extends UserError {
  /** 1 to 11, or NO_SUBCODE. */
  readonly subcode: number;
  /** undefined for NO_SUBCODE. */
  readonly subcodeName?: SubcodeName;
  readonly errno: CpcErrno;
  /** Position of the request blamed most, or -1 for the set as a whole. */
  readonly request: number;
  /** Positions of all requests blamed. */
  readonly requests: readonly number[];

  constructor(fault: CpcFault) {
    const { subcode, requests = [] } = fault;
    const errno = fault.errno ?? (subcode && NOT_ALLOWED.has(subcode) ? "EACCES" : "EINVAL");
    const wrong = subcode ? WRITTEN_WRONGLY.has(subcode) : errno === "EINVAL";
    const codes = subcode ? `${subcode}, ${errno}` : errno;
    super(`${errorLine(fault)} (${codes})`, wrong ? EXIT.usage : EXIT.unsupported);
    this.subcode = subcode ? SUBCODES[subcode] : NO_SUBCODE;
    if (subcode) this.subcodeName = subcode;
    this.errno = errno;
    this.request = requests[0] ?? -1;
    this.requests = requests;
  }
}
