/** Reads the formats of a recording's tracepoints from tracefs, for the reader of their samples. */

import type { TracingData } from "../../perfdata/format/tracing_data.ts";
import type { ReadText } from "./procfs.ts";

/** Mount points of tracefs: its own, and the one below debugfs of older systems. */
const ROOTS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/** Reads the files about these tracepoints; undefined when there are none, or tracefs cannot be read. */
export function readTracingData(
  tracepoints: readonly { system: string; name: string }[],
  text: ReadText,
): TracingData | undefined {
  if (tracepoints.length === 0) return undefined;
  const root = ROOTS.find((each) => text(`${each}/events/header_page`) !== undefined);
  if (root === undefined) return undefined;
  const formats = new Map<string, string[]>();
  const seen = new Set<string>();
  for (const { system, name } of tracepoints) {
    const path = `${root}/events/${system}/${name}/format`;
    const format = seen.has(path) ? undefined : text(path);
    if (format === undefined) continue;
    seen.add(path);
    formats.set(system, [...formats.get(system) ?? [], format]);
  }
  const headerPage = text(`${root}/events/header_page`) ?? "";
  return {
    pageSize: pageSizeOf(headerPage),
    headerPage,
    headerEvent: text(`${root}/events/header_event`) ?? "",
    formats,
    printkFormats: text(`${root}/printk_formats`) ?? "",
  };
}

/** Returns the size of a page, which ends with its data: `field: char data; offset:16; size:4080; signed:1;`. */
function pageSizeOf(headerPage: string): number {
  const match = /char data;\s*offset:(\d+);\s*size:(\d+);/.exec(headerPage);
  return match ? Number(match[1]) + Number(match[2]) : 4096;
}

/** Bytes of a read: more than any file of tracefs that has to be read at once. */
const CHUNK_BYTES = 1 << 16;

/**
 * Reads a file of tracefs. Some (`header_page`) return what fits into the first read and then end, so the first read has
 * to be large, and Deno's own are not.
 */
export function tracefsText(path: string): string | undefined {
  try {
    using file = Deno.openSync(path);
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(CHUNK_BYTES);
    let text = "";
    for (let n = file.readSync(chunk); n; n = file.readSync(chunk)) {
      text += decoder.decode(chunk.subarray(0, n), { stream: true });
    }
    return text;
  } catch {
    return undefined; // closed to this user, or not mounted
  }
}
