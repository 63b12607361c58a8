/**
 * TRACING_DATA: the formats of the data that tracepoints put into samples (PERF_SAMPLE_RAW). Layout:
 * record_saved_header() to record_saved_cmdline() of the kernel's tools/perf/util/trace-event-info.c:
 *
 *     u8 magic[10]; char version[] = "0.6"; u8 big_endian; u8 sizeof_long; u32 page_size;
 *     char "header_page"; u64 size; ...    char "header_event"; u64 size; ...
 *     u32 count of tracefs's own events (none: they are no perf events)
 *     u32 systems; { char name[]; u32 events; { u64 size; char format[size]; } }
 *     u32 kallsyms (0: a reader has its own); u32 size; printk_formats; u64 size; saved_cmdlines
 */

import { ByteReader, ByteWriter, toCString } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";

/** Verbatim contents of the tracefs files in the section. */
export interface TracingData {
  /** Size in bytes of a page of tracefs's ring. */
  pageSize: number;
  headerPage: string;
  headerEvent: string;
  /** `format` files of the sampled tracepoints, by system. */
  formats: ReadonlyMap<string, readonly string[]>;
  /** Addresses of the kernel's format strings, which some tracepoints refer to. */
  printkFormats: string;
}

const MAGIC = [0x17, 0x08, 0x44, ...new TextEncoder().encode("tracing")];

/** sizeof(long) on the 64-bit machines that pmuctl runs on. */
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

/** Writes a u64 size and the text. */
function sized(w: ByteWriter, text: string): void {
  const bytes = new TextEncoder().encode(text);
  w.u64(bytes.length).raw(bytes);
}

/**
 * Returns the names of the tracepoints that the section describes, such as `sched:sched_switch`, by their numbers.
 * From a damaged or truncated section it returns those before the damage.
 */
export function tracepointNames(section: Uint8Array): Map<bigint, string> {
  const names = new Map<bigint, string>();
  for (const { system, format } of tracepointFormats(section)) {
    const name = /^name: (\S+)$/m.exec(format)?.[1], id = /^ID: (\d{1,9})$/m.exec(format)?.[1];
    if (name !== undefined && id !== undefined) names.set(BigInt(id), `${system}:${name}`);
  }
  return names;
}

/**
 * Returns the `format` files of the tracepoints that the section describes. From a damaged or truncated section it returns
 * those before the damage.
 */
export function tracepointFormats(section: Uint8Array): { system: string; format: string }[] {
  const formats: { system: string; format: string }[] = [];
  try {
    readFormats(section, formats);
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
  }
  return formats;
}

function readFormats(section: Uint8Array, formats: { system: string; format: string }[]): void {
  const head = new ByteReader(section, true, "tracing data");
  const magic = head.slice(MAGIC.length);
  if (MAGIC.some((byte, i) => magic[i] !== byte)) return;
  string(head); // version
  const r = new ByteReader(section.subarray(head.pos + 1), head.u8() === 0, "tracing data");
  r.take(1 + 4); // sizeof_long, page_size
  for (let i = 0; i < 2; i++) {
    string(r); // header_page, header_event
    r.take(r.size());
  }
  for (let own = r.u32(); own > 0; own--) r.take(r.size());
  for (let systems = r.u32(); systems > 0; systems--) {
    const system = string(r);
    for (let events = r.u32(); events > 0; events--) {
      formats.push({ system, format: decoder.decode(r.slice(r.size())) });
    }
  }
}

const decoder = new TextDecoder();

/** Reads a NUL-terminated string. Throws BadInputError when there is no NUL. */
function string(r: ByteReader): string {
  const start = r.pos;
  while (r.u8() !== 0);
  return decoder.decode(r.bytes.subarray(start, r.pos - 1));
}
