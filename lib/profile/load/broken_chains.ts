/** Finds call chains that frame pointers led astray: those with a caller where nothing was mapped. */

import type { EventDesc } from "../../perfdata/read/reader.ts";
import type { Profile } from "../model/profile.ts";

/** Share of samples below which no warning is given: code that is about to set up its frame breaks a few chains anyway. */
const FEW = 0.01;

/**
 * Returns a warning if a relevant share of the samples has a caller in user space at an address where no code was
 * mapped; else undefined. The kernel takes what it finds in the frame pointer register on trust, and programs built
 * without frame pointers keep data there.
 * @param events of the recording. Samples of those for which the kernel did not follow frame pointers don't count.
 */
export function brokenChainWarning(
  { stacks, frames, samples }: Pick<Profile, "stacks" | "frames" | "samples">,
  events: readonly Pick<EventDesc, "attr">[],
): string | undefined {
  const { parent, frame } = stacks, follows = events.map(followsFramePointers);
  // callers have lower rows than what they call
  const broken = new Uint8Array(parent.length);
  const isNowhere = (stack: number) => frames.object[frame[stack]] < 0 && frames.address[frame[stack]] >= 0;
  let brokenSamples = 0, all = 0;
  for (let stack = 0; stack < parent.length; stack++) {
    const caller = parent[stack];
    if (caller >= 0 && (broken[caller] === 1 || isNowhere(caller))) broken[stack] = 1;
  }
  for (let row = 0; row < samples.count.length; row++) {
    if (!follows[samples.event[row]]) continue;
    all += samples.count[row];
    const stack = samples.stack[row];
    if (stack >= 0 && broken[stack] === 1) brokenSamples += samples.count[row];
  }
  if (brokenSamples === 0 || brokenSamples < FEW * all) return undefined;
  const share = `${(100 * brokenSamples / all).toFixed(1)}% of ${all} samples`;
  return `${share} have wrong callers, shown as [unknown] or 0x...: they come from code built without frame pointers; ` +
    remedyOf(events);
}

/** Returns whether the kernel put what it found by frame pointers into the call chains of an event. */
export function followsFramePointers({ attr }: Pick<EventDesc, "attr">): boolean {
  return !attr.flags.has("excludeCallchainUser");
}

/** Returns what finds the callers: stacks in rings that keep the most recent samples are not unwound while recording. */
function remedyOf(events: readonly Pick<EventDesc, "attr">[]): string {
  return events.some(({ attr }) => attr.flags.has("writeBackward"))
    ? "record with --call-graph dwarf"
    : "record with pmuctl record -g (--call-graph auto)";
}
