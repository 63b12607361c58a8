/** Counts of unwound stacks: those that are whole, and those that end early, by reason and object. */

import type { BadInputError } from "../../base/system/errors.ts";
import type { ObjectInfo, ObjectTable } from "../../symbols/object/objects.ts";
import { OTHER_MACHINE } from "../../unwind/chain_marks.ts";
import { END, END_WORDS } from "../../unwind/ends.ts";
import type { UnwindObject } from "../../unwind/object.ts";
import type { ProfileStacks } from "../model/profile.ts";
import type { UnwindObjects } from "./unwind_objects.ts";

/** Number of possible reasons. */
const REASONS = 16;
/** The largest copy that the kernel makes, in bytes. */
const MAX_COPIED_BYTES = 65528;

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
  [END.NO_STACK]: ["no stack copied", "without a copy, of programs that started or ended"],
  [OTHER_MACHINE]: ["stack not unwound", "of code that is not 64-bit x86 or Arm, not unwound"],
};

/** Stacks that end for one reason, in one object where that matters. */
interface Cut {
  /** Object that stands for the missing part. */
  stand: ObjectInfo;
  end: number;
  object: ObjectInfo | undefined;
  /** Error that made the object unreadable while its tables were asked. */
  error: BadInputError | undefined;
  samples: number;
  /** Bytes of the largest copy. */
  room: number;
}

/** Counts of a recording, and the objects that stand for missing parts of stacks. */
export class CutStacks {
  readonly #table: ObjectTable;
  readonly #objects: UnwindObjects;
  /** Counts by reason and object. */
  readonly #cuts = new Map<number, Cut>();
  #whole = 0;

  constructor(table: ObjectTable, objects: UnwindObjects) {
    this.#table = table;
    this.#objects = objects;
  }

  /** Counts a whole stack; returns -1. */
  whole(): number {
    this.#whole++;
    return -1;
  }

  /**
   * Counts a stack that ends too early; returns the row of the object that stands for the rest.
   * @param room size of the buffer for the copy, in bytes.
   */
  cut(end: number, unwinding: UnwindObject | undefined, room: number): number {
    const isOfObject = unwinding !== undefined && (end === END.NO_CFI || end === END.UNREADABLE);
    const object = isOfObject ? this.#objects.infoOf(unwinding) : undefined;
    const key = end + REASONS * (object === undefined ? 0 : object.id + 1);
    let cut = this.#cuts.get(key);
    if (cut === undefined) {
      const [frame] = TEXTS[end];
      const stand = this.#table.ofMissing(object ? `[${frame}: ${object.name}]` : `[${frame}]`);
      this.#cuts.set(key, cut = { stand, end, object, error: unwinding?.error, samples: 0, room: 0 });
    }
    cut.samples++;
    if (room > cut.room) cut.room = room;
    return cut.stand.id;
  }

  /** Returns all counts, those of most samples first. */
  summary(): ProfileStacks {
    const cut = [...this.#cuts.values()].sort((a, b) => b.samples - a.samples);
    return {
      unwound: cut.reduce((sum, { samples }) => sum + samples, this.#whole),
      whole: this.#whole,
      cut: cut.map((each) => ({
        reason: END_WORDS[each.end] ?? "the machine is not supported",
        cause: causeOf(each),
        frame: each.stand.name,
        object: each.object?.name ?? null,
        samples: each.samples,
        remedy: this.#remedyOf(each),
      })),
    };
  }

  #remedyOf({ end, object, error, room }: Cut): string {
    if (end === END.SHORT && room < MAX_COPIED_BYTES) {
      return `record with --call-graph dwarf,${Math.min(MAX_COPIED_BYTES, 2 * room)}`;
    }
    if (end !== END.UNREADABLE || object === undefined) return "";
    const { cause, remedy } = this.#objects.unreadable(object, error);
    return remedy === "" ? cause : `${cause}: ${remedy}`;
  }
}

function causeOf({ end, room }: Cut): string {
  const [, cause] = TEXTS[end];
  if (end !== END.SHORT) return cause;
  return room % 1024 === 0 ? `${cause} at ${room / 1024} KiB` : `${cause} at ${room} bytes`;
}
