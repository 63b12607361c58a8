/** Makes the record that stands in the file for samples that the output was too slow for. */

import type { LostRecord } from "../../../ffi/pmu.ts";
import { compileLayout } from "../../perfdata/format/attr_layout.ts";
import { encodeLostSamples } from "../../perfdata/format/record_encoders.ts";
import { samplersOf } from "../backends/registry.ts";
import type { EventOnCpus } from "../open/open_on_cpus.ts";

/**
 * Returns a PERF_RECORD_LOST_SAMPLES with the trailer of these events' records, in which the drain fills in number, time
 * and CPU. It belongs to no process, and to the first event that samples. Returns undefined when the samples of
 * different events have their times at different offsets, so that the drain could not read them.
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
