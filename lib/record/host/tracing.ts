/** What tracefs says of the tracepoints of a recording, for the reader of their samples. */

import type { TracingData } from "../../perfdata/format/tracing_data.ts";
import type { ReadText } from "./procfs.ts";

/** Where tracefs is mounted: its own place, and the one below debugfs that older systems have. */
const ROOTS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/** The files about these tracepoints; undefined when there are none, or tracefs cannot be read. */
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

/** The page ends with its data: `field: char data; offset:16; size:4080; signed:1;`. */
function pageSizeOf(headerPage: string): number {
  const match = /char data;\s*offset:(\d+);\s*size:(\d+);/.exec(headerPage);
  return match ? Number(match[1]) + Number(match[2]) : 4096;
}

/** Room for any file of tracefs that comes in one piece. */
const CHUNK_BYTES = 1 << 16;

/**
 * A file of tracefs. Some of its files (`header_page`) give what fits in the first read and then end, so that reads
 * have to be large, which Deno's own begin by not being.
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
