/** Counts of unwound stacks: those that are whole, and those that end early, by reason and object. */

import type { BadInputError } from "../../../base/system/errors.ts";
import type { ObjectInfo, ObjectTable } from "../../../symbols/object/objects.ts";
import { OTHER_MACHINE } from "../../../unwind/chain_marks.ts";
import { END, END_WORDS } from "../../../unwind/ends.ts";
import type { ProfileStacks } from "../../model/profile.ts";
import type { Unreadable } from "./unwind_objects.ts";

/** Number of possible reasons. */
export const REASONS = 16;

/** Texts of each reason: for the frame that ends such a stack, and for the head of a report. */
const TEXTS: Record<number, [frame: string, cause: string]> = {
  [END.SHORT]: ["stack cut", "cut"],
  [END.NO_CFI]: ["no unwind information", "without unwind information"],
  [END.UNREADABLE]: ["unreadable object", "through code that cannot be read"],
  [END.CORRUPT]: ["corrupt stack", "corrupt"],
  [END.DEEP]: ["too many frames", "with too many frames"],
  [END.OTHER_STACK]: ["on another stack", "continued on another stack"],
  [END.NO_REGISTER]: ["register not recorded", "with a register that was not recorded"],
  [END.UNMAPPED]: ["called from unknown code", "called from unknown code"],
  [END.NOT_READ]: ["object not read in time", "through code that was not read in time"],
  [END.NO_TIME]: ["stack not unwound in time", "not unwound for want of time"],
  [END.OWN]: ["the recorder's own stack", "of the recorder itself"],
  [END.NO_STACK]: ["no stack copied", "without a copy, of programs that started or ended"],
  [OTHER_MACHINE]: ["stack not unwound", "of code that is not 64-bit x86 or Arm, not unwound"],
};

/** Words for the reasons besides those of END, as in END_WORDS. */
const OTHER_REASONS: Record<number, string> = { [OTHER_MACHINE]: "the machine is not supported" };
/** Texts of reasons that a later version may have put into marks. */
const OTHER_TEXTS: (typeof TEXTS)[number] = [
  "stack ends early",
  "ending early for a reason that a newer pmuctl knows",
];

const textsOf = (end: number) => TEXTS[end] ?? OTHER_TEXTS;

/** Stacks that end for one reason, in one object where that matters. */
interface Cut {
  /** Object that stands for the missing part. */
  stand: ObjectInfo;
  end: number;
  object: ObjectInfo | undefined;
  /** Error that made the object unreadable while its tables were asked. */
  error: BadInputError | undefined;
  samples: number;
  /** Bytes of the largest copy; 0 if unknown. */
  room: number;
}

/** Remedies that depend on how the stacks were recorded. */
export interface CutAdvice {
  /** Returns the option of `record` for copies longer than `room` bytes; "" if there are none. */
  longer(room: number): string;
  /**
   * Returns why an object could not be read.
   * @param error what came up while its tables were asked.
   */
  unreadable(object: ObjectInfo, error?: BadInputError): Unreadable;
}

/** Counts of a recording, and the objects that stand for missing parts of stacks. */
export class CutStacks {
  /** Number of samples with a stack that ends early, but for those of the recorder itself. */
  samples = 0;
  /** Number of samples of the recorder itself, whose stacks it leaves out. */
  #own = 0;
  readonly #table: ObjectTable;
  readonly #advice: CutAdvice;
  /** Counts by reason and object. */
  readonly #cuts = new Map<number, Cut>();

  constructor(table: ObjectTable, advice: CutAdvice) {
    this.#table = table;
    this.#advice = advice;
  }

  /**
   * Counts a stack that ends too early; returns the row of the object that stands for the rest.
   * @param last object of its outermost frame.
   * @param room size of the buffer for the copy, in bytes; 0 if unknown.
   * @param error what came up while the tables of `last` were asked.
   */
  cut(end: number, last: ObjectInfo | undefined, room = 0, error?: BadInputError): number {
    const object = end === END.NO_CFI || end === END.UNREADABLE ? last : undefined;
    const key = end + REASONS * (object === undefined ? 0 : object.id + 1);
    let cut = this.#cuts.get(key);
    if (cut === undefined) {
      const [frame] = textsOf(end);
      const stand = this.#table.ofMissing(object ? `[${frame}: ${object.name}]` : `[${frame}]`);
      this.#cuts.set(key, cut = { stand, end, object, error, samples: 0, room: 0 });
    }
    if (end === END.OWN) this.#own++;
    else this.samples++;
    cut.samples++;
    if (room > cut.room) cut.room = room;
    return cut.stand.id;
  }

  /**
   * Returns all counts but those of the recorder itself, those of most samples first.
   * @param stacks number of all stacks, whole and cut.
   * @param room size of the buffer for the copies in bytes, where cut() was not told.
   */
  summary(stacks: number, room = 0): ProfileStacks {
    const unwound = stacks - this.#own;
    const cut = [...this.#cuts.values()].filter(({ end }) => end !== END.OWN).sort((a, b) =>
      b.samples - a.samples
    )
      .map((each) => ({ ...each, room: each.room || room }));
    return {
      unwound,
      whole: unwound - this.samples,
      cut: cut.map((each) => ({
        reason: END_WORDS[each.end] ?? OTHER_REASONS[each.end] ?? "unknown",
        cause: causeOf(each),
        frame: each.stand.name,
        object: each.object?.name ?? null,
        samples: each.samples,
        remedy: this.#remedyOf(each),
      })),
    };
  }

  #remedyOf({ end, object, error, room }: Cut): string {
    if (end === END.NO_TIME) return "record less often (-F)";
    if (end === END.SHORT && room > 0) {
      const option = this.#advice.longer(room);
      return option && `record with ${option}`;
    }
    if (end !== END.UNREADABLE || object === undefined) return "";
    const { cause, remedy } = this.#advice.unreadable(object, error);
    return remedy === "" ? cause : `${cause}: ${remedy}`;
  }
}

function causeOf({ end, room }: Cut): string {
  const [, cause] = textsOf(end);
  if (end !== END.SHORT || room === 0) return cause;
  return room % 1024 === 0 ? `${cause} at ${room / 1024} KiB` : `${cause} at ${room} bytes`;
}
