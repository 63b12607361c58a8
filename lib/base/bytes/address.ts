/**
 * Addresses as numbers. Inside the reader and the profile an address is the *signed* value of its
 * 64 bits, as a double: user addresses are positive, kernel addresses negative, and both are exact,
 * because canonical addresses lie within 2^47 (2^48 on arm64) of zero. Comparing two of them as
 * numbers keeps the order within user space and within the kernel. Only a 57-bit address that a
 * program asked for by hand (5-level paging) is rounded, to a multiple of at most 16 bytes.
 *
 * perf's callchain markers (PERF_CONTEXT_KERNEL = -128, PERF_CONTEXT_USER = -512) come out as the
 * small negative numbers that the kernel's header gives them.
 */

const TWO_32 = 4294967296;

/** The address whose low and high 32 bits are given (as any 32-bit integers, signed or not). */
export function addressOf(low: number, high: number): number {
  return (high | 0) * TWO_32 + (low >>> 0);
}

/** The address of a u64 bigint. */
export function addressFromBigint(value: bigint): number {
  return Number(BigInt.asIntN(64, value));
}

/** The u64 of an address, for output and for encoding. */
export function addressToBigint(address: number): bigint {
  return BigInt.asUintN(64, BigInt(address));
}

/** `ffffffff81000000`, `401136`: an address in hex as perf writes it, without a prefix. */
export function hexAddress(address: number): string {
  return address >= 0 ? address.toString(16) : addressToBigint(address).toString(16);
}
