/** Types of blocks. Those behind an OBJECT belong to it; unknown ones are skipped. */
export const BLOCK = {
  OBJECT: 1,
  SYMBOLS: 2,
  FUNCTIONS: 3,
  LINES: 4,
  INLINED: 5,
  JITDUMP: 6,
  STACKS: 7,
  CODE: 8,
  SOURCES: 9,
} as const;
