/**
 * Registers of the machines whose stacks are walked. Numbers are DWARF's: the System V ABI for x86-64, figure
 * 3.36, and "DWARF for the Arm 64-bit Architecture", section 4.1. Numbers of perf's samples are those of the
 * kernel's arch/x86/include/uapi/asm/perf_regs.h and arch/arm64/include/uapi/asm/perf_regs.h.
 */

/** A machine's registers, as call frame information numbers them. */
export interface Arch {
  readonly name: "x86_64" | "aarch64";
  /** e_machine of its object files. */
  readonly machine: number;
  /** Registers that are followed from frame to frame. */
  readonly registers: number;
  readonly sp: number;
  readonly fp: number;
  /** Number under which the program counter of the current frame is kept. */
  readonly pc: number;
  /** The column that has the rule for the return address. */
  readonly ra: number;
  /** Registers that a function has to leave as they were, which compact rules have a place for. */
  readonly saved: readonly number[];
  /** DWARF numbers by the number of a register in perf's samples; -1 for one that is not followed. */
  readonly perf: readonly number[];
  /** Names as readelf prints them. */
  readonly names: readonly string[];
}

/** Addresses below this one are no code's: the kernel lets nobody map them. */
export const MIN_ADDRESS = 4096;

const numbers = (count: number, first = 0) => Array.from({ length: count }, (_, i) => first + i);

/** Registers of x86-64. */
export const X86_64: Arch = {
  name: "x86_64",
  machine: 62,
  registers: 17,
  sp: 7,
  fp: 6,
  pc: 16,
  ra: 16,
  saved: [3, 6, 12, 13, 14, 15],
  // ax bx cx dx si di bp sp ip flags cs ss ds es fs gs r8 ... r15
  perf: [0, 3, 2, 1, 4, 5, 6, 7, 16, -1, -1, -1, -1, -1, -1, -1, 8, 9, 10, 11, 12, 13, 14, 15],
  names: [
    "rax",
    "rdx",
    "rcx",
    "rbx",
    "rsi",
    "rdi",
    "rbp",
    "rsp",
    ...numbers(8, 8).map((n) => `r${n}`),
    "rip",
  ],
};

/** Registers of aarch64. */
export const AARCH64: Arch = {
  name: "aarch64",
  machine: 183,
  registers: 33,
  sp: 31,
  fp: 29,
  pc: 32,
  ra: 30,
  saved: numbers(12, 19),
  perf: numbers(33),
  names: [...numbers(31).map((n) => `x${n}`), "sp", "pc"],
};

/** Returns the machine with this e_machine; undefined for one whose stacks are not walked here. */
export function archOf(machine: number): Arch | undefined {
  return machine === X86_64.machine ? X86_64 : machine === AARCH64.machine ? AARCH64 : undefined;
}
