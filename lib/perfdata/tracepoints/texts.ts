/** Texts of tracepoints' data: `prev_comm=bash prev_pid=4711 ...`, as the kernel's `print fmt` has them. */

import { BadInputError } from "../../base/system/errors.ts";
import { PERF_SAMPLE, PERF_TYPE } from "../../base/system/abi.ts";
import { tailOffset } from "../format/attr_layout.ts";
import type { EventDesc } from "../format/events.ts";
import { FEATURE, type Features } from "../format/features.ts";
import { tracepointFormats } from "../format/tracing_data.ts";
import type { SampleCursor } from "../format/cursor.ts";
import { parseTracepointFormat } from "./format.ts";
import { type KernelName, type TracepointPrinter, tracepointPrinter } from "./print.ts";

/** Parts of a recording that the texts are made from. */
export interface TracepointSources {
  events: readonly EventDesc[];
  /** Features, which may come after the first records. */
  features: Features;
  nameOf: KernelName;
}

/** Most characters of all texts of a recording: they are kept until they can be printed in order of time. */
const MAX_CHARACTERS = 1 << 30;

function tooLong(): BadInputError {
  return new BadInputError(
    "cannot print what tracepoints carry: it takes more than 1 GiB of memory: choose a part of the recording with --time, " +
      "or leave it out with -F -trace",
  );
}

/** Printers of all tracepoints of a recording. */
export class TracepointTexts {
  readonly #sources: TracepointSources;
  /** Printers by event; null where the recording does not have the format. */
  #printers: (TracepointPrinter | null)[] | undefined;
  /** Characters that there is still room for. */
  #left = MAX_CHARACTERS;

  constructor(sources: TracepointSources) {
    this.#sources = sources;
  }

  /** Returns the text of a sample's data; empty for events without any, and where its format is not known. */
  of({ u8, u32, pos, size, event }: SampleCursor): string {
    const { layout } = this.#sources.events[event];
    if ((layout.sampleType & PERF_SAMPLE.RAW) === 0 || layout.tail.swapped) return "";
    const print = (this.#printers ??= this.#makePrinters())[event];
    const at = print === null ? size : tailOffset(layout, u32, pos, size);
    if (print === null || at + 4 > size) return "";
    const length = u32[(pos + at) >>> 2], from = pos + at + 4;
    const text = print(u8.subarray(from, Math.min(from + length, pos + size)));
    this.#left -= text.length;
    if (this.#left < 0) throw tooLong();
    return text;
  }

  #makePrinters(): (TracepointPrinter | null)[] {
    const { events, features, nameOf } = this.#sources, section = features.raw(FEATURE.TRACING_DATA);
    const formats = new Map((section ? tracepointFormats(section) : []).flatMap(({ format }) => {
      const parsed = parseTracepointFormat(format);
      return parsed ? [[parsed.id, parsed] as const] : [];
    }));
    return events.map(({ attr }) => {
      const format = attr.type === PERF_TYPE.TRACEPOINT ? formats.get(Number(attr.config)) : undefined;
      return format === undefined ? null : tracepointPrinter(format, nameOf);
    });
  }
}
