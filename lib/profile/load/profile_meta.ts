/** Facts of a recording for `Profile.meta`: where and when it was made, its ledger, and warnings. */

import { PERF_FORMAT, PERF_SAMPLE } from "../../base/system/abi.ts";
import { append } from "../../base/bytes/lists.ts";
import type { PerfHeader, ReadStats } from "../../perfdata/read/reader.ts";
import { damageWarning, isUnfinished, sessionOf } from "../../perfdata/read/damage.ts";
import type { Features } from "../../perfdata/format/features.ts";
import {
  ledgerMismatch,
  LOSS_COLUMNS,
  lossWarnings,
  samplesLost,
  UNFINISHED,
} from "../../perfdata/format/ledger.ts";
import type { RecordLedger } from "../../perfdata/read/record_ledger.ts";
import { cpuChangeText, type LedgerCounts } from "../../perfdata/own/session_info.ts";
import type { ProfileLedger, ProfileMeta } from "../model/profile.ts";
import type { ProfileBuilder } from "./builder.ts";
import { chainWarnings, notShown } from "./not_shown.ts";

/** Result of reading a recording, as far as `meta` depends on it. */
export interface ReadOutcome {
  header: PerfHeader;
  stats: ReadStats;
  builder: ProfileBuilder;
  /** Time of the recording's clock, in ns, that the builder's times count from. */
  timeBase: bigint;
  ledger: ProfileLedger;
  /** Sampling rate or period of each event. */
  rates: readonly string[];
  /** Whether call chains were kept. */
  callers: boolean;
  /** Results of unwinding stacks; undefined if none had to be unwound. */
  stacks: ProfileMeta["stacks"];
}

/** Makes `Profile.meta` from what was read, with the warnings that it calls for. */
export function metaOf(
  { header, stats, builder, timeBase, ledger, rates, callers, stacks }: ReadOutcome,
): ProfileMeta {
  const { features, events } = header;
  const { firstTime, lastTime, chains } = builder;
  const timed = lastTime >= firstTime;
  const session = sessionOf(features);
  const warnings = callers ? chainWarnings(chains) : [];
  const damaged = damageWarning(stats);
  if (damaged) warnings.push(damaged);
  if (stats.unknownIds > 0) {
    warnings.push(`${stats.unknownIds} samples belong to no event in the file`);
  }
  if (stats.outOfOrder > 0) warnings.push(`${stats.outOfOrder} records came too late to be sorted by time`);
  if (ledger.unfinished) warnings.push(UNFINISHED);
  append(warnings, lossWarnings(ledger.total, rates));
  const wrong = session && !ledger.unfinished && !stats.damage &&
    ledgerMismatch(session.ledger.total, stats.samples + stats.unknownIds);
  if (wrong) warnings.push(wrong);
  for (const { seconds, from, to, reason } of session?.rateChanges ?? []) {
    warnings.push(`the rate was lowered from ${from} to ${to} Hz after ${seconds.toFixed(1)} s: ${reason}`);
  }
  append(warnings, (session?.cpuChanges ?? []).map(cpuChangeText));
  return {
    command: (session?.command ?? features.cmdline ?? []).join(" "),
    host: features.hostname ?? "",
    kernel: features.osrelease ?? "",
    arch: features.arch ?? "",
    cpu: features.cpudesc ?? "",
    cpus: features.nrcpus?.online ?? -1,
    seconds: timed ? (lastTime - firstTime) / 1e9 : -1,
    start: timed ? timeBase + BigInt(firstTime) : -1n,
    end: timed ? timeBase + BigInt(lastTime) : -1n,
    wallStart: timed ? wallTime(features, timeBase + BigInt(firstTime)) : -1,
    sampling: session?.events ?? [],
    callChains: events.some(({ attr, layout }) =>
      (attr.sampleType & PERF_SAMPLE.CALLCHAIN) !== 0 || layout.tail.callStack || layout.tail.copiesStack
    ),
    ...(stacks && stacks.unwound > 0 ? { stacks } : {}),
    lost: ledger.unfinished ? -1 : samplesLost(ledger.total),
    ledger,
    warnings,
    notes: notShown(events, stats),
  };
}

/** Converts a time of the recording's clock to wall-clock ms since 1970; -1 when the file does not relate the two. */
function wallTime({ clockData }: Features, time: bigint): number {
  return clockData ? Number(clockData.wallClock + time - clockData.clock) / 1e6 : -1;
}

/**
 * Returns whether LOST_SAMPLES records repeat what LOST records count: perf writes one at the end, from
 * PERF_FORMAT_LOST. pmuctl's own recordings have a ledger for that.
 */
export function lossesOverlap({ features, events }: PerfHeader): boolean {
  return !features.version?.startsWith("pmuctl") &&
    events.some(({ attr }) => (attr.readFormat & PERF_FORMAT.LOST) !== 0);
}

/**
 * Returns the recorder's ledger, completed from the records; if there is none, what the records tell. For an unfinished
 * recording it leaves losses out: the records have some of them, and nothing has all.
 */
export function ledgerOf(
  header: PerfHeader,
  stats: ReadStats,
  found: ReturnType<RecordLedger["close"]>,
): ProfileLedger {
  const session = sessionOf(header.features);
  if (isUnfinished(header, stats)) {
    const known = (row: LedgerCounts): LedgerCounts =>
      Object.fromEntries(
        Object.entries(row).filter(([name]) => !LOSS_COLUMNS.some((loss) => loss === name)),
      ) as LedgerCounts;
    const ledger = session?.ledger.total;
    const cutOff = ledger ? Math.max(0, ledger.sample - stats.samples - stats.unknownIds) : 0;
    const atLeast = Math.max(samplesLost(found.total), ledger ? samplesLost(ledger) + cutOff : 0);
    return {
      from: "records",
      rows: found.rows.map(known),
      total: known(found.total),
      unfinished: { atLeast },
    };
  }
  if (!session) return { from: "records", ...found };
  const withTimes = (row: LedgerCounts, of: LedgerCounts | undefined) =>
    of?.throttle ? { ...row, throttled_ns: of.throttled_ns } : row;
  return {
    from: "recorder",
    rows: session.ledger.rows.map((row) => withTimes(row, found.rows.find(({ cpu }) => cpu === row.cpu))),
    total: withTimes(session.ledger.total, found.total),
  };
}
