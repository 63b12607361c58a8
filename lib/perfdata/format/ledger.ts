/**
 * Ledger: what became of every sample, per CPU and in total. Its columns are tprof's six statistics, made exact: seen
 * = sample + overflow + dropbuf_sample, and each side is counted independently.
 */

import { columnWidths } from "../../base/bytes/lists.ts";
import { lowerRateHint } from "../../events/attr.ts";
import type { LedgerCounts } from "../own/session_info.ts";
import { counted } from "../../base/text/plural.ts";

/** Ledger row of one CPU. All numbers are counts since the recording began. */
export interface LedgerRow extends LedgerCounts {
  /** CPU number; -1 for the total, and for a ring that is bound to no CPU. */
  cpu: number;
  /** Samples written to the file. */
  sample: number;
  /**
   * Samples lost because the ring was full. Before Linux 6.0 the kernel does not tell them from other lost records:
   * then `lost_sideband` is absent, and these are records of all kinds.
   */
  overflow: number;
  /** Other records lost because the ring was full: those of maps, names and processes. */
  lost_sideband?: number;
  /** Drains that found records. */
  buf: number;
  /** Drains that found nothing. */
  emptybuf: number;
  /** Drains whose records were not all written: the output was too slow, or failed. */
  dropbuf: number;
  /** Samples in the records that those drains dropped. */
  dropbuf_sample: number;
  /** Times that the kernel throttled the event because it interrupted too often. */
  throttle: number;
  /**
   * Bytes of records that newer ones overwrote before they were asked for, in a flight recorder only. This is its
   * purpose, not a loss. Only the number of bytes is known, not the number of records.
   */
  overwritten_bytes?: number;
}

/** Ledger by CPU, with the total. */
export interface Ledger {
  rows: LedgerRow[];
  total: LedgerRow;
}

const COUNTS = ["sample", "overflow", "buf", "emptybuf", "dropbuf", "dropbuf_sample", "throttle"] as const;

/** Column of the time in ns that events were throttled. It is computed while reading the records. */
const THROTTLED = "throttled_ns";

/** Columns that not every ledger has; the total has them when a row does. */
const OPTIONAL = ["lost_sideband", "overwritten_bytes"] as const;

/** Makes a ledger of these rows, and adds up their total. */
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

/** Adds up the ledgers of consecutive segments, CPU by CPU. */
export function addLedgers(parts: readonly Ledger[]): Ledger {
  const byCpu = new Map<number, LedgerRow>();
  for (const row of parts.flatMap(({ rows }) => rows)) {
    const sum = byCpu.get(row.cpu);
    if (sum) add(sum, row);
    else byCpu.set(row.cpu, { ...row });
  }
  return makeLedger([...byCpu.values()]);
}

/** Columns that are shown only when they are not 0. */
const RARE = ["lost_sideband", "throttle", THROTTLED, "overwritten_bytes"] as const;

function isShown(name: string, total: LedgerCounts): boolean {
  return RARE.includes(name as typeof RARE[number]) ? (total[name] ?? 0) > 0 : total[name] !== undefined;
}

/** All columns, in display order. */
const COLUMNS = [...COUNTS, THROTTLED, ...OPTIONAL];

/** Formats the total on one line: `sample 3751  overflow 0  buf 12 ...`; the last columns only when they are not 0. */
export function ledgerLine({ total }: Ledger): string {
  return COLUMNS.filter((name) => isShown(name, total))
    .map((name) => `${name} ${total[name]}`).join("  ");
}

/** Columns that are unknown when a recording was not finished. */
export const LOSS_COLUMNS = ["overflow", "dropbuf_sample"] as const;

/** Returns the cells of the ledger's table: titles, a row for each CPU, then the total; `-` for an unknown count. */
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

/** Formats the ledger as lines of a table, a row for each CPU. Columns without a count are left out. */
export function ledgerTable(ledger: ReportedLedger): string[] {
  const cells = ledgerCells(ledger);
  const widths = columnWidths(cells);
  return cells.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join("  "));
}

/** Ledger as a reader reports it. */
export interface ReportedLedger {
  rows: readonly LedgerCounts[];
  total: LedgerCounts;
  /** Set when the recorder did not finish, so that the loss is unknown: at least this many samples. */
  unfinished?: { atLeast: number };
}

const ms = (ns: number) => `${(ns / 1e6).toFixed(1)} ms`;

const times = (n: number) => n === 1 ? "once" : `${n} times`;

/** Formats the loss: `4179 of 59584 (7.0%)` (lost, of all seen), `0`, or that it is unknown. */
export function lostText({ total, unfinished }: Omit<ReportedLedger, "rows">): string {
  if (unfinished) return UNKNOWN_LOSS + (unfinished.atLeast > 0 ? `, at least ${unfinished.atLeast}` : "");
  const lost = samplesLost(total);
  if (lost === 0) return "0";
  const all = lost + total.sample;
  return `${lost} of ${all} (${percent(lost, all)})`;
}

/** Returns the number of samples lost, as far as the ledger has it. */
export function samplesLost(total: LedgerCounts): number {
  return (total.overflow ?? 0) + (total.dropbuf_sample ?? 0);
}

/** Returns the samples lost in percent of the samples seen: 0 to 100. */
export function lostPercent(total: LedgerCounts): number {
  const lost = samplesLost(total);
  return lost === 0 ? 0 : 100 * lost / (lost + total.sample);
}

/** Text in place of the number of lost samples when it is unknown. */
export const UNKNOWN_LOSS = "not finished: loss unknown";

/** Warning about a recording that was not finished. */
export const UNFINISHED =
  "the recording was not finished (its recorder was killed, its disk was full, or the end of " +
  "the file is missing): how much of it was lost is unknown";

const percent = (part: number, whole: number) => `${(100 * part / whole).toFixed(1)}%`;

/**
 * Returns the warnings about loss, a sentence each; none when nothing was lost. `rates` are those of the events, as
 * rateText() formats them.
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
      `the ring buffers overflowed: ${counted(lost_sideband, "record")} of maps, names and processes lost: ` +
        "some samples may have no symbol, or another process's: record with larger ones (-m)",
    );
  }
  if (dropbuf_sample > 0) {
    warnings.push(
      `output too slow: ${share(dropbuf_sample)} samples dropped: use a faster disk, or record ${
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
 * Returns how the ledger's count of written samples differs from the samples in the file; undefined when they agree.
 */
export function ledgerMismatch(total: LedgerCounts, samplesInFile: number): string | undefined {
  if (total.sample === samplesInFile) return undefined;
  return `the ledger counts ${
    counted(total.sample, "sample")
  } as written, but the file holds ${samplesInFile}`;
}
