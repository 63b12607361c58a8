/**
 * Call chains that were unwound while they were recorded. One that ends before a root ends in a mark
 * (lib/unwind/chain_marks.ts), in place of which it gets an object that stands for its missing part.
 */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import type { SessionInfo } from "../../perfdata/own/session_info.ts";
import type { AddressSpaces } from "../../symbols/space/address_space.ts";
import type { ProfileStacks } from "../model/profile.ts";
import type { EventDesc, SampleCursor } from "../../perfdata/read/reader.ts";
import { followsFramePointers } from "./broken_chains.ts";
import type { ChainSegments } from "./chain_segments.ts";
import { type CutAdvice, CutStacks } from "./stacks/cut_stacks.ts";

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

/** Sample whose chain was split. */
type ChainSample = Pick<SampleCursor, "event" | "pid" | "ip">;

/** Counts of chains that lead into user space, and the objects that stand for what is missing of them. */
export class MarkedChains {
  readonly #spaces: AddressSpaces;
  readonly #cuts: CutStacks;
  /** Number of chains by event, with and without marks. */
  readonly #chains: number[] = [];
  /** Number of chains with marks, by event. */
  readonly #marked: number[] = [];

  constructor(spaces: AddressSpaces) {
    this.#spaces = spaces;
    this.#cuts = new CutStacks(spaces.objects, ADVICE);
  }

  /** Counts the chain that was split last; returns the row of the object that stands for its missing part, -1 if none. */
  take(segments: ChainSegments, sample: ChainSample): number {
    if (!segments.endsInUser) return -1;
    const { event } = sample;
    while (this.#chains.length <= event) this.#chains.push(0);
    this.#chains[event]++;
    return segments.mark < 0 ? -1 : this.#cut(segments, sample);
  }

  #cut(segments: ChainSegments, { event, pid, ip }: ChainSample): number {
    this.#marked[event] = (this.#marked[event] ?? 0) + 1;
    const outermost = segments.outermost(ip), spaces = this.#spaces;
    const row = Number.isNaN(outermost) ? -1 : spaces.find(pid, outermost, PERF_RECORD_MISC.USER);
    return this.#cuts.cut(segments.mark, row < 0 ? undefined : spaces.objects.rows[row]);
  }

  /**
   * Returns the results of all samples; undefined if they were not unwound.
   * @param events of the recording. The chains of some may follow frame pointers; these count only where they are marked.
   * @param session pmuctl's own information about the recording; without any, it is marks that tell.
   */
  summary(events: readonly EventDesc[], session: SessionInfo | undefined): ProfileStacks | undefined {
    const isUnwound = session ? session.unwound !== undefined : this.#cuts.samples > 0;
    if (!isUnwound) return undefined;
    const counts = this.#chains.map((count, event) =>
      followsFramePointers(events[event]) ? this.#marked[event] ?? 0 : count
    );
    return this.#cuts.summary(counts.reduce((sum, count) => sum + count, 0), session?.unwound?.stackBytes);
  }
}
