/**
 * The ledger: what became of every sample, per CPU and in total. Its columns are tprof's six
 * statistics, made exact: seen = sample + overflow + dropbuf_sample, each side known by itself.
 */

import { columnWidths } from "../../base/bytes/lists.ts";
import { lowerRateHint } from "../../events/attr.ts";
import type { LedgerCounts } from "./session_info.ts";

/** One CPU's line. All are counts since the recording began. */
export interface LedgerRow extends LedgerCounts {
  /** -1 for the total, and for a ring that is bound to no CPU. */
  cpu: number;
  /** Samples written to the file. */
  sample: number;
  /**
   * Samples the kernel had no room for in the ring. Where it does not tell them from other records, which it does
   * since Linux 6.0, `lost_sideband` is left out and these are records of all kinds.
   */
  overflow: number;
  /** Other records the kernel had no room for: of maps, names and processes. */
  lost_sideband?: number;
  /** Drains that found something. */
  buf: number;
  /** Drains that found nothing. */
  emptybuf: number;
  /** Drains whose records were not all written: the output was too slow, or failed. */
  dropbuf: number;
  /** Samples in them. */
  dropbuf_sample: number;
  /** Times the kernel stopped the event for a while because it interrupted too often. */
  throttle: number;
  /**
   * Of a flight recorder alone: bytes of records that younger ones took the place of before anybody asked for
   * them. They are not lost: it is what it is for. Only their bytes are known, not what they were.
   */
  overwritten_bytes?: number;
}

export interface Ledger {
  rows: LedgerRow[];
  total: LedgerRow;
}

const COUNTS = ["sample", "overflow", "buf", "emptybuf", "dropbuf", "dropbuf_sample", "throttle"] as const;

/** How long events were throttled, in ns: counted by those who read the records. */
const THROTTLED = "throttled_ns";

/** Figures that not every ledger has: the total has them where a row does. */
const OPTIONAL = ["lost_sideband", "overwritten_bytes"] as const;

/** A ledger of these CPUs, the total added up. */
export function makeLedger(rows: LedgerRow[]): Ledger {
  const total: LedgerRow = {
    cpu: -1,
    sample: 0,
    overflow: 0,
    buf: 0,
    emptybuf: 0,
    dropbuf: 0,
    dropbuf_sample: 0,
    throttle: 0,
  };
  for (const row of rows) add(total, row);
  return { rows, total };
}

function add(sum: LedgerRow, row: LedgerRow): void {
  for (const name of COUNTS) sum[name] += row[name];
  for (const name of OPTIONAL) {
    const count = row[name];
    if (count !== undefined) sum[name] = (sum[name] ?? 0) + count;
  }
}

/** The ledger of parts that follow one another, on the same CPUs. */
export function addLedgers(parts: readonly Ledger[]): Ledger {
  const byCpu = new Map<number, LedgerRow>();
  for (const row of parts.flatMap(({ rows }) => rows)) {
    const sum = byCpu.get(row.cpu);
    if (sum) add(sum, row);
    else byCpu.set(row.cpu, { ...row });
  }
  return makeLedger([...byCpu.values()]);
}

/** Samples there were, written or lost. */
export function samplesSeen(row: LedgerRow): number {
  return row.sample + samplesLost(row);
}

/** Columns that are shown only where there is something in them. */
const RARE = ["lost_sideband", "throttle", THROTTLED, "overwritten_bytes"] as const;

function isShown(name: string, total: LedgerCounts): boolean {
  return RARE.includes(name as typeof RARE[number]) ? (total[name] ?? 0) > 0 : total[name] !== undefined;
}

/** All columns, in the order they are shown in. */
const COLUMNS = [...COUNTS, THROTTLED, ...OPTIONAL];

/** The ledger on one line: `sample 3751  overflow 0  buf 12 ...`, the last columns only where there was any. */
export function ledgerLine({ total }: Ledger): string {
  return COLUMNS.filter((name) => isShown(name, total))
    .map((name) => `${name} ${total[name]}`).join("  ");
}

/** What nobody knows of a recording that was not finished. */
export const LOSS_COLUMNS = ["overflow", "dropbuf_sample"] as const;

/** The cells of the ledger's table: titles, a row for each CPU, then the total; `-` for what is not known. */
export function ledgerCells({ rows, total, unfinished }: ReportedLedger): string[][] {
  const isAsked = (name: string) =>
    unfinished !== undefined && LOSS_COLUMNS.includes(name as typeof LOSS_COLUMNS[number]);
  const names = COLUMNS.filter((name) => isShown(name, total) || isAsked(name));
  const text = (name: string, count: number | undefined) =>
    count === undefined ? "-" : name === THROTTLED ? ms(count) : `${count}`;
  const line = (first: string, row: LedgerCounts) => [first, ...names.map((name) => text(name, row[name]))];
  return [
    ["CPU", ...names.map((name) => name === THROTTLED ? "throttled" : name)],
    ...rows.map((row) => line((row.cpu ?? -1) < 0 ? "-" : `${row.cpu}`, row)),
    line("all", total),
  ];
}

/** The ledger by CPU as lines, in columns. Columns without a count are left out. */
export function ledgerTable(ledger: ReportedLedger): string[] {
  const cells = ledgerCells(ledger);
  const widths = columnWidths(cells);
  return cells.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join("  "));
}

/** What a reader is told of a recording's losses. */
export interface ReportedLedger {
  rows: readonly LedgerCounts[];
  total: LedgerCounts;
  /** The recorder did not get to its end, and nobody knows what was lost: at least so many. */
  unfinished?: { atLeast: number };
}

const ms = (ns: number) => `${(ns / 1e6).toFixed(1)} ms`;

const times = (n: number) => n === 1 ? "once" : `${n} times`;

/** `4179 of 59584 (7.0%)`: what was lost, of what there was; `0` for nothing; or that nobody knows. */
export function lostText({ total, unfinished }: Omit<ReportedLedger, "rows">): string {
  if (unfinished) return UNKNOWN_LOSS + (unfinished.atLeast > 0 ? `, at least ${unfinished.atLeast}` : "");
  const lost = samplesLost(total);
  if (lost === 0) return "0";
  const all = lost + total.sample;
  return `${lost} of ${all} (${percent(lost, all)})`;
}

/** Samples that were lost, as far as the ledger tells. */
export function samplesLost(total: LedgerCounts): number {
  return (total.overflow ?? 0) + (total.dropbuf_sample ?? 0);
}

/** The same in percent of what there was: 0 to 100. */
export function lostPercent(total: LedgerCounts): number {
  const lost = samplesLost(total);
  return lost === 0 ? 0 : 100 * lost / (lost + total.sample);
}

/** What is said in the place of a number of lost samples. */
export const UNKNOWN_LOSS = "not finished: loss unknown";

/** The sentence for a recording that was not finished. */
export const UNFINISHED =
  "the recording was not finished (its recorder was killed, its disk was full, or the end of " +
  "the file is missing): nobody knows how much of it was lost";

const percent = (part: number, whole: number) => `${(100 * part / whole).toFixed(1)}%`;

/**
 * What to tell the user about loss, a sentence each; nothing when nothing was lost. `rates` are those of the events, as
 * `rateText()` has them.
 */
export function lossWarnings(total: LedgerCounts, rates: readonly string[]): string[] {
  const all = samplesLost(total) + total.sample;
  const share = (lost: number) => `${lost} of ${all} (${percent(lost, all)})`;
  const { overflow = 0, lost_sideband, dropbuf_sample = 0, throttle = 0 } = total;
  const warnings: string[] = [];
  if (overflow > 0) {
    const what = lost_sideband === undefined ? "records" : "samples";
    warnings.push(
      `the ring buffers overflowed: ${share(overflow)} ${what} lost: record with larger ones (-m) or ${
        lowerRateHint(rates)
      }`,
    );
  }
  if (lost_sideband) {
    warnings.push(
      `the ring buffers overflowed: ${lost_sideband} records of maps, names and processes lost: ` +
        "some samples may have no symbol, or another process's: record with larger ones (-m)",
    );
  }
  if (dropbuf_sample > 0) {
    warnings.push(
      `the output did not take all: ${share(dropbuf_sample)} samples dropped: record to a faster place, or ${
        lowerRateHint(rates)
      }`,
    );
  }
  if (throttle > 0) {
    const took = total[THROTTLED] === undefined ? "" : `, for ${ms(total[THROTTLED])} in all`;
    warnings.push(
      `the kernel throttled the event ${times(throttle)}${took}: the rate was higher than ` +
        `kernel.perf_event_max_sample_rate or kernel.perf_cpu_time_max_percent allow: sample ${
          lowerRateHint(rates)
        }`,
    );
  }
  return warnings;
}

/**
 * What does not add up between a ledger and the samples that a file holds; undefined when all does: what was seen
 * is what was written and what was lost, and every sample written is there.
 */
export function ledgerMismatch(total: LedgerCounts, samplesInFile: number): string | undefined {
  if (total.sample === samplesInFile) return undefined;
  return `the ledger tells of ${total.sample} samples written, and the file holds ${samplesInFile}`;
}
