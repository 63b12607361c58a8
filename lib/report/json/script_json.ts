/** Prints samples one by one as JSON: docs/formats.md, pmuctl.script. */

import { hexAddress } from "../../base/bytes/address.ts";
import { JSON_SCHEMAS } from "../../base/text/json_schemas.ts";
import { jsonText } from "../../base/text/printable.ts";
import type { Profile } from "../../profile/model/profile.ts";
import { unnamedName } from "../../profile/model/unnamed.ts";
import { Utf8Pieces } from "../shared/utf8_pieces.ts";

const NS_PER_MS = 1_000_000;

/**
 * Yields the samples in order of time, each as JSON in a line of its own. The profile must have times, of samples without
 * one too, and places.
 */
export function* renderScriptJson(profile: Profile): Generator<Uint8Array> {
  const { samples, times } = profile;
  if (!times) throw new Error("renderScriptJson() needs the times of the samples");
  const { threads, comms, events, stacks } = profile;
  const frame = frameJson(profile);
  const ofThread = Array.from(threads.pid, (pid, thread) => {
    const tid = threads.tid[thread], command = comms[threads.comm[thread]];
    return `"command":${jsonText(command)},"pid":${pid},"tid":${tid}`;
  });
  const ofEvent = events.map(({ name }) => jsonText(name));
  const pieces = new Utf8Pieces(), known: (Uint8Array | undefined)[] = [];
  const clock = clockOf(profile), { texts } = times;
  for (let i = 0; i < times.at.length; i++) {
    const row = times.sample[i], cpu = samples.cpu[row];
    pieces.add(
      `{"schema":"${JSON_SCHEMAS.script}","time":${clock(times.at[i])},${ofThread[samples.thread[row]]},` +
        `"cpu":${cpu < 0 ? null : cpu},"event":${ofEvent[samples.event[row]]},"period":${times.period[i]},` +
        (texts?.[i] ? `"trace":${jsonText(texts[i])},` : "") + `"stack":[`,
    );
    const stack = samples.stack[row];
    for (let at = stack; at >= 0; at = stacks.parent[at]) {
      if (at !== stack) pieces.add(",");
      const of = stacks.frame[at];
      pieces.addEncoded(known[of] ??= pieces.encode(jsonText(frame(of))));
    }
    pieces.add("]}\n");
    if (pieces.isFull) yield pieces.take();
  }
  yield pieces.take();
}

/** Returns a function that formats a time in ns since the profile's start as JSON: digits of ns of the recording's clock. */
function clockOf({ meta }: Profile): (at: number) => string {
  // a double has no room for the ns since 1970
  const start = meta.start < 0n ? 0n : meta.start, ns = BigInt(NS_PER_MS);
  const base = Number(start / ns), rest = Number(start % ns);
  return (at) => {
    if (Number.isNaN(at)) return "null";
    const time = rest + at, ms = base + Math.floor(time / NS_PER_MS), below = Math.floor(time % NS_PER_MS);
    return `"${ms === 0 ? below : `${ms}${below.toString().padStart(6, "0")}`}"`;
  };
}

/** Returns a function that describes a frame, for JSON. */
function frameJson(profile: Profile): (frame: number) => Record<string, unknown> {
  const { frames, symbols, objects, lines } = profile;
  const { ip = frames.address, offset, inlinedInto } = frames;
  return (frame) => {
    const object = frames.object[frame], symbol = frames.symbol[frame];
    const isMissing = object >= 0 && objects[object].kind === "missing";
    const line = lines ? lines.ofFrame[frame] : -1;
    return {
      address: isMissing ? null : `0x${hexAddress(ip[frame])}`,
      symbol: symbol >= 0 ? symbols.name[symbol] : null,
      ...symbol >= 0 && offset && offset[frame] >= 0 ? { offset: offset[frame] } : {},
      ...symbol < 0 ? { unnamed: unnamedName(profile, frames.unnamed[frame]) } : {},
      object: object >= 0 ? objects[object].path : null,
      ...inlinedInto !== undefined && inlinedInto[frame] >= 0 ? { inlined: true } : {},
      ...line >= 0 ? { file: lines!.paths[lines!.file[line]], line: lines!.line[line] } : {},
    };
  };
}
