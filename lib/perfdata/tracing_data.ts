/**
 * TRACING_DATA: how a reader takes apart what tracepoints put into their samples (PERF_SAMPLE_RAW). Layout:
 * record_saved_header() to record_saved_cmdline() of the kernel's tools/perf/util/trace-event-info.c:
 *
 *     u8 magic[10]; char version[] = "0.6"; u8 big_endian; u8 sizeof_long; u32 page_size;
 *     char "header_page"; u64 size; ...    char "header_event"; u64 size; ...
 *     u32 count of tracefs's own events (none: they are no perf events)
 *     u32 systems; { char name[]; u32 events; { u64 size; char format[size]; } }
 *     u32 kallsyms (0: a reader has its own); u32 size; printk_formats; u64 size; saved_cmdlines
 */

import { ByteWriter, toCString } from "../base/bytes.ts";

/** The files of tracefs that the section holds, as they are. */
export interface TracingData {
  /** In bytes, of a page of tracefs's ring. */
  pageSize: number;
  headerPage: string;
  headerEvent: string;
  /** The `format` files of the tracepoints that are sampled, by system. */
  formats: ReadonlyMap<string, readonly string[]>;
  /** Where the kernel's format strings are, that some tracepoints print by their addresses. */
  printkFormats: string;
}

const MAGIC = [0x17, 0x08, 0x44, ...new TextEncoder().encode("tracing")];

/** Of the 64-bit machines that pmuctl runs on. */
const SIZE_OF_LONG = 8;

/** Encodes the section for a little-endian machine. */
export function encodeTracingData(data: TracingData): Uint8Array<ArrayBuffer> {
  const w = new ByteWriter();
  w.raw(Uint8Array.from(MAGIC)).raw(toCString("0.6")).u8(0).u8(SIZE_OF_LONG).u32(data.pageSize);
  sized(w.raw(toCString("header_page")), data.headerPage);
  sized(w.raw(toCString("header_event")), data.headerEvent);
  w.u32(0).u32(data.formats.size);
  for (const [system, formats] of data.formats) {
    w.raw(toCString(system)).u32(formats.length);
    for (const format of formats) sized(w, format);
  }
  const printk = new TextEncoder().encode(data.printkFormats);
  return w.u32(0).u32(printk.length).raw(printk).u64(0).bytes();
}

/** u64 size; the text. */
function sized(w: ByteWriter, text: string): void {
  const bytes = new TextEncoder().encode(text);
  w.u64(bytes.length).raw(bytes);
}
