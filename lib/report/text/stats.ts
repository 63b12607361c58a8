/** Renders the counts of a recording's records, by type and by event (`report --stats`). */

import { JSON_SCHEMAS } from "../../base/text/json_schemas.ts";
import { jsonText, printable } from "../../base/text/printable.ts";
import { UNKNOWN_LOSS } from "../../perfdata/format/ledger.ts";
import type { ReadStats } from "../../perfdata/read/reader.ts";
import { recordTypeName } from "../../perfdata/format/record_names.ts";

/** Counts of a whole reading, and the names of the events in their order. */
export interface RecordCounts {
  stats: ReadStats;
  events: string[];
  /** True if the recorder ended before it could write what was lost. */
  unfinished: boolean;
}

/** Returns counts that perf does not list, by name. The text omits those that are 0. */
function beyondPerf(stats: ReadStats): [string, number][] {
  return [
    ["lost records", stats.lost],
    ["lost samples", stats.lostSamples],
    ["out of order", stats.outOfOrder],
    ["of unknown type", stats.unknownRecords],
    ["of unknown event", stats.unknownIds],
  ];
}

/** Renders the counts exactly as perf does, followed by those that perf does not have. Ends with a newline. */
export function renderStats({ stats, events, unfinished }: RecordCounts): string {
  const lines = ["Aggregated stats:", countLine("TOTAL", stats.records)];
  for (const [type, n] of stats.byType) {
    lines.push(
      `${countLine(recordTypeName(type), n)}  (${(100 * n / stats.records).toFixed(1).padStart(4)}%)`,
    );
  }
  events.forEach((name, i) => {
    const samples = stats.samplesByEvent[i] ?? 0;
    if (samples > 0) lines.push(`${printable(name)} stats:`, countLine("SAMPLE", samples));
  });
  for (const [what, n] of beyondPerf(stats)) {
    if (n > 0) lines.push(`${what.padStart(16)}: ${String(n).padStart(16)}`);
  }
  if (unfinished) lines.push(UNKNOWN_LOSS);
  return lines.join("\n") + "\n";
}

/**
 * Renders one object: `schema`, `total`, `records` by type, `events` with their `samples`, and the counts that perf
 * does not list. `lost` and `lostSamples` are null when the recording was not finished, since they are unknown then.
 */
export function renderStatsJson({ stats, events, unfinished }: RecordCounts): string {
  return jsonText(
    {
      schema: JSON_SCHEMAS.reportStats,
      total: stats.records,
      records: Object.fromEntries([...stats.byType].map(([type, n]) => [recordTypeName(type), n])),
      events: events.map((name, i) => ({ name, samples: stats.samplesByEvent[i] ?? 0 })),
      lost: unfinished ? null : stats.lost,
      lostSamples: unfinished ? null : stats.lostSamples,
      finished: !unfinished,
      outOfOrder: stats.outOfOrder,
      unknownRecords: stats.unknownRecords,
      unknownIds: stats.unknownIds,
      rounds: stats.rounds,
      bytes: stats.bytes,
      damage: stats.damage ? { offset: stats.truncatedAt, message: stats.damage.message } : null,
    },
    1,
  ) + "\n";
}

function countLine(name: string, n: number): string {
  return `${name.padStart(16)} events: ${String(n).padStart(10)}`;
}
