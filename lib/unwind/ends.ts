/** Why a call chain ends. */

/** Reasons, as numbers. Recordings contain them (chain_marks.ts), so a number keeps its meaning for good. */
export const END = {
  /** The first frame of the thread: its return address is undefined or zero. */
  ROOT: 0,
  /** The piece of the stack was cut off before the frame ends. */
  SHORT: 1,
  /** The code has no call frame information, and no frame pointer leads on. */
  NO_CFI: 2,
  /** The object's file could not be read. */
  UNREADABLE: 3,
  /** The frame cannot be: it does not grow, or its return address is none. */
  CORRUPT: 4,
  /** More frames than there is room for. */
  DEEP: 5,
  /** The frame is on another stack than the piece: a signal's, a coroutine's, a scheduler's. */
  OTHER_STACK: 6,
  /** The frame is found by a register that the sample does not have, or whose value is lost. */
  NO_REGISTER: 7,
  /** The return address is in no code that is known. */
  UNMAPPED: 8,
  /** Nothing of the stack was copied: the thread was about to run another program, or to end. */
  NO_STACK: 9,
  /** The object's file had yet to be read, and there was no time for it. */
  NOT_READ: 10,
  /** The recorder was behind: it wrote where the thread was rather than lose the sample. */
  NO_TIME: 11,
  /** The thread is one of the recorder itself. */
  OWN: 12,
} as const;

/** A reason of END. */
export type End = (typeof END)[keyof typeof END];

/** A few words for each reason, which complete "the call chain ends: ...". */
export const END_WORDS: readonly string[] = [
  "the thread began here",
  "the stack copy is too short",
  "no unwind information",
  "the object cannot be read",
  "the stack is corrupt",
  "too many frames",
  "it continues on another stack",
  "a register was not recorded",
  "its return address is in no code",
  "no stack was copied",
  "the object was not read in time",
  "the recorder had no time to unwind it",
  "the recorder does not unwind its own",
];
