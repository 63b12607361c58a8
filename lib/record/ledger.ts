/**
 * The ledger: what became of every sample, per CPU and in total. Its columns are tprof's six
 * statistics, made exact: seen = sample + overflow + dropbuf_sample, each side known by itself.
 */

/** One CPU's line. All are counts since the recording began. */
export interface LedgerRow {
  /** -1 for the total, and for a ring that is bound to no CPU. */
  cpu: number;
  /** Samples written to the file. */
  sample: number;
  /** Records the kernel had no room for in the ring. */
  overflow: number;
  /** Drains that found something. */
  buf: number;
  /** Drains that found nothing. */
  emptybuf: number;
  /** Drains whose records could not be written. */
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
  if (row.overwritten_bytes !== undefined) {
    sum.overwritten_bytes = (sum.overwritten_bytes ?? 0) + row.overwritten_bytes;
  }
}

/** The ledger of parts that follow one another, on the same CPUs. */
export function sumOfLedgers(parts: readonly Ledger[]): Ledger {
  const byCpu = new Map<number, LedgerRow>();
  for (const row of parts.flatMap(({ rows }) => rows)) {
    const sum = byCpu.get(row.cpu);
    if (sum) add(sum, row);
    else byCpu.set(row.cpu, { ...row });
  }
  return makeLedger([...byCpu.values()]);
}

/** Samples there were, written or lost. */
export function seen(row: LedgerRow): number {
  return row.sample + lostOf(row);
}

/** Samples that were lost, on whatever way. */
export function lostOf(row: LedgerRow): number {
  return row.overflow + row.dropbuf_sample;
}

/** The ledger on one line: `sample 3751  overflow 0  buf 12 ...`, the last columns only where there was any. */
export function ledgerLine(ledger: Ledger): string {
  return [...COUNTS, "overwritten_bytes" as const]
    .filter((name) => (name !== "throttle" && name !== "overwritten_bytes") || ledger.total[name])
    .map((name) => `${name} ${ledger.total[name]}`).join("  ");
}

const times = (n: number) => n === 1 ? "once" : `${n} times`;

/** What to tell the user about loss, a sentence each; nothing when nothing was lost. */
export function lossWarnings(ledger: Ledger): string[] {
  const { total } = ledger;
  const share = (lost: number) => `${lost} of ${seen(total)} (${(100 * lost / seen(total)).toFixed(1)}%)`;
  const warnings: string[] = [];
  if (total.overflow > 0) {
    warnings.push(
      `the ring buffers overflowed: ${share(total.overflow)} records lost: sample less often (-F)`,
    );
  }
  if (total.dropbuf_sample > 0) {
    warnings.push(`the output could not be written: ${share(total.dropbuf_sample)} samples dropped`);
  }
  if (total.throttle > 0) {
    warnings.push(
      `the kernel throttled the event ${times(total.throttle)}: the rate was higher than ` +
        "kernel.perf_event_max_sample_rate or kernel.perf_cpu_time_max_percent allow: sample less often (-F)",
    );
  }
  return warnings;
}
