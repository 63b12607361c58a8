/**
 * Addresses as numbers. The reader and the profile hold an address as the *signed* value of its 64 bits, in a double:
 * user addresses are positive, kernel addresses negative. Both are exact, because canonical addresses lie within 2^47
 * (2^48 on arm64) of zero. Numeric comparison keeps the order within user space and within the kernel. Only a 57-bit
 * address that a program requested explicitly (5-level paging) is rounded, to a multiple of at most 16 bytes.
 *
 * perf's call chain markers (PERF_CONTEXT_KERNEL = -128, PERF_CONTEXT_USER = -512) come out as the small negative
 * numbers that the kernel's header gives them.
 */

const TWO_32 = 4294967296;

/** Returns the address with these low and high 32 bits (any 32-bit integers, signed or not). */
export function addressOf(low: number, high: number): number {
  return (high | 0) * TWO_32 + (low >>> 0);
}

/** Returns the address in the 8 bytes at an offset of a view. */
export function addressAt(view: DataView, at: number, littleEndian: boolean): number {
  const first = view.getUint32(at, littleEndian), second = view.getUint32(at + 4, littleEndian);
  return littleEndian ? addressOf(first, second) : addressOf(second, first);
}

/** Returns the address that a u64 bigint holds. */
export function addressFromBigint(value: bigint): number {
  return Number(BigInt.asIntN(64, value));
}

/** Returns an address as a u64, for output and for encoding. */
export function addressToBigint(address: number): bigint {
  return BigInt.asUintN(64, BigInt(address));
}

/** Formats an address in hex as perf does, without a prefix: `ffffffff81000000`, `401136`. */
export function hexAddress(address: number): string {
  return address >= 0 ? address.toString(16) : addressToBigint(address).toString(16);
}
