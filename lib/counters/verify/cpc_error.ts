/** Refusals in cpc's terms: an errno, a subcode that details EINVAL or EACCES, and the request at fault. */

import { errorLine, EXIT, UserError } from "../../base/system/errors.ts";

/** Subcodes of cpc, by name. */
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

/** Name of a subcode. */
export type SubcodeName = keyof typeof SUBCODES;

/** Errnos of cpc's calls. ENOTSUP is Linux's EOPNOTSUPP. */
export type CpcErrno = "EINVAL" | "EACCES" | "EAGAIN" | "ENOTSUP";

/** Subcode of cpc for errors that the errno alone describes. */
export const NO_SUBCODE = -1;

/** Refusal and its reason. */
export interface CpcFault {
  /** Subcode; absent if cpc has none (-1). */
  subcode?: SubcodeName;
  /** Errno. Follows from the subcode if there is one; EINVAL if neither is given. */
  errno?: CpcErrno;
  /** Positions of the requests at fault, the main one first; none if the set as a whole is. */
  requests?: readonly number[];
  /** Action that failed. Completes `cannot ...`: `bind request 0 (cycles)`. */
  attempt: string;
  cause: string;
  remedy?: string;
}

/** Subcodes for mistakes in what the user wrote. The others are about the machine or permissions. */
const WRITTEN_WRONGLY: ReadonlySet<SubcodeName> = new Set([
  "CPC_INVALID_EVENT",
  "CPC_INVALID_PICNUM",
  "CPC_INVALID_ATTRIBUTE",
  "CPC_ATTRIBUTE_OUT_OF_RANGE",
  "CPC_REQ_INVALID_FLAGS",
]);

/** Subcodes that come with EACCES; the others come with EINVAL. */
const NOT_ALLOWED: ReadonlySet<SubcodeName> = new Set(["CPC_ATTR_REQUIRES_PRIVILEGE", "CPC_HV_NO_ACCESS"]);

/**
 * Error that refuses a set of requests, or an action on one. The message ends in `(CPC_INVALID_PICNUM, EINVAL)`, or
 * in `(EINVAL)` where cpc has no subcode.
 *
 * The exit status is 2 for mistakes in what the user wrote: subcodes 1, 2, 3, 4 and 7, and EINVAL without a subcode.
 * It is 3 for what this machine cannot do or this user may not: subcodes 5, 6, 8, 9, 10 and 11, and any other errno
 * without a subcode.
 */
export class CpcError extends UserError {
  /** Number of the subcode, 1 to 11, or NO_SUBCODE. */
  readonly subcode: number;
  /** Name of the subcode; undefined for NO_SUBCODE. */
  readonly subcodeName?: SubcodeName;
  readonly errno: CpcErrno;
  /** Position of the request most at fault, or -1 for the set as a whole. */
  readonly request: number;
  /** Positions of all requests at fault. */
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
