/**
 * Call chains that were unwound while they were recorded. One that ends before a root ends in a mark
 * (lib/unwind/chain_marks.ts), in place of which it gets an object that stands for its missing part.
 */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import type { SessionInfo } from "../../perfdata/format/session_info.ts";
import type { AddressSpaces } from "../../symbols/space/address_space.ts";
import type { ProfileStacks } from "../model/profile.ts";
import type { ChainCursor, ChainSegments } from "./chain_segments.ts";
import { type CutAdvice, CutStacks } from "./cut_stacks.ts";

/** The most bytes of stack that fit in a record beside the rest of a sample. */
const MAX_STACK_BYTES = 63 << 10;

const ADVICE: CutAdvice = {
  longer(room) {
    if (room >= MAX_STACK_BYTES) return "";
    const bytes = Math.min(MAX_STACK_BYTES, 2 * room);
    return `--call-graph auto,${bytes % 1024 === 0 ? `${bytes / 1024}K` : bytes}`;
  },
  unreadable: () => ({ cause: "it could not be read while recording", remedy: "" }),
};

/** Counts of chains that lead into user space, and the objects that stand for what is missing of them. */
export class MarkedChains {
  /** Chains that lead into user space, with and without marks. */
  count = 0;
  readonly #spaces: AddressSpaces;
  readonly #cuts: CutStacks;

  constructor(spaces: AddressSpaces) {
    this.#spaces = spaces;
    this.#cuts = new CutStacks(spaces.objects, ADVICE);
  }

  /** Counts the mark of the chain that was split last; returns the row of the object that stands for the rest. */
  cut(segments: ChainSegments, { pid, ip }: Pick<ChainCursor, "ip"> & { pid: number }): number {
    const outermost = segments.outermost(ip), spaces = this.#spaces;
    const row = Number.isNaN(outermost) ? -1 : spaces.find(pid, outermost, PERF_RECORD_MISC.USER);
    return this.#cuts.cut(segments.mark, row < 0 ? undefined : spaces.objects.rows[row]);
  }

  /**
   * Returns the results of all samples; undefined if they were not unwound.
   * @param session pmuctl's own information about the recording; without any, it is marks that tell.
   */
  summary(session: SessionInfo | undefined): ProfileStacks | undefined {
    const isUnwound = session ? session.unwound !== undefined : this.#cuts.samples > 0;
    return isUnwound ? this.#cuts.summary(this.count, session?.unwound?.stackBytes) : undefined;
  }
}
