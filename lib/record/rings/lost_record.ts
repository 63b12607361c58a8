/** What a recording says in the place of samples that its output was too slow for. */

import type { LostRecord } from "../../../ffi/pmu.ts";
import { compileLayout } from "../../perfdata/format/attr_layout.ts";
import { encodeLostSamples } from "../../perfdata/format/record_encoders.ts";
import { samplersOf } from "../backends/registry.ts";
import type { EventOnCpus } from "../open/opening.ts";

/**
 * A PERF_RECORD_LOST_SAMPLES with the trailer of these events' records, to be filled in by the drain: number, time
 * and CPU. It is of no process, and of the first event that samples. Undefined when samples of different events
 * have their times at different places: the drain could not tell where.
 */
export function lostRecord(opened: readonly EventOnCpus[]): LostRecord | undefined {
  const layouts = samplersOf(opened).map(({ attr }) => compileLayout(attr));
  const [first] = layouts;
  if (!first || layouts.some(({ time }) => time !== first.time)) return undefined;
  const { trailer, time } = first;
  const id = samplersOf(opened)[0].places[0].id;
  const record = new Uint8Array(encodeLostSamples(0n, first, { pid: -1, tid: -1, id }));
  const at = (back: number) => back === 0 ? -1 : record.length - back;
  return {
    record,
    timeAt: time < 0 ? -1 : at(trailer.time),
    cpuAt: at(trailer.cpu),
    sampleTimeAt: time,
  };
}
