/** Renders the report as JSON: the rows of the text, with whole numbers. */

import { JSON_SCHEMAS } from "../../base/text/json_schemas.ts";
import { LOSS_COLUMNS } from "../../perfdata/format/ledger.ts";
import {
  type CallerNode,
  type CallNode,
  ProfileQuery,
  type SampleCounts,
} from "../../profile/query/query.ts";
import {
  processNames,
  type Profile,
  sampleCount,
  totalPeriod,
  unresolvedByWeight,
} from "../../profile/model/profile.ts";
import { clockText } from "../../profile/request/time_ranges.ts";
import { JsonList, jsonPieces } from "./json_pieces.ts";
import type { ReportOptions } from "../shared/options.ts";

/** Maximum depth of trees: many readers of JSON refuse deeper nesting. */
const MAX_DEPTH = 512;

/** Options of the JSON output, which has all rows regardless of the limit. */
export type JsonOptions = Pick<ReportOptions, "sort" | "children" | "tree" | "whole">;

/**
 * Yields the JSON in pieces. It is one object; periods are in events, or ns for the clock events:
 *
 * - `schema`: `pmuctl.report/1`
 * - `meta`: command, host and so on, as in ProfileMeta, with null for numbers that the file does not have. `start` and
 *   `end` are text, in seconds of the recording's clock, or null. `lost`, and losses in the `ledger`, are null if the
 *   recording was not finished; `ledger.unfinished.atLeast` has the losses known by then. `stacks`, with `unwound`,
 *   `whole` and `cut` as in ProfileStacks, is there if stacks were unwound, while recording or from copies
 * - `events`: for each event `name`, `rate`, `samples` and `period` (of the reported samples), `whole` (those of all
 *   recorded samples, if they were filtered) and `rows`, heaviest self (with `children`: total) first
 * - `rows`: those that the sort keys request of `command`, `pid` and `process` (its name), `tid`, `cpu` (null if not
 *   recorded), `object`, `symbol` (null if there is none: then `unnamed` has its label, `libfoo.so+0x1a40`), `file` (its
 *   whole path) and `line` (both null if unknown), `kernel`; then `self` and `total`, each with `count` and `period`;
 *   with tree `callers` also `callers`, of the samples in `self`: `symbol` (or `unnamed`), `object`, `count`, `period`,
 *   `callers`
 * - with tree `calls` an event has `calls`: for each group its keys, and `roots`: `symbol`, `object`, `self`, `total`,
 *   `callees`
 * - a node 512 calls deep has `cut`, true if deeper calls were left out
 * - `unresolved`: `object`, `cause`, `remedy`, `samples`
 */
export function renderJson(profile: Profile, options: JsonOptions): Generator<string> {
  const query = new ProfileQuery(profile), counts = query.by(options.sort);
  const whole = options.whole ?? query.totals();
  const events = new JsonList(query.sampledEvents(), (event) => {
    const samples = sampleCount(profile, event), period = totalPeriod(profile, event);
    return {
      name: profile.events[event].name,
      rate: profile.events[event].rate,
      samples,
      period,
      ...(samples === whole.count[event]
        ? {}
        : { whole: { samples: whole.count[event], period: whole.period[event] } }),
      rows: rowsJson(counts, event, options),
      ...(options.tree === "calls" ? { calls: callsJson(counts, event) } : {}),
    };
  });
  const unresolved = new JsonList(unresolvedByWeight(profile));
  return jsonPieces({ schema: JSON_SCHEMAS.report, meta: metaJson(profile), events, unresolved }, 1);
}

function rowsJson(counts: SampleCounts, event: number, { tree, children }: JsonOptions) {
  const { groups, places } = counts;
  const describe = describer(counts);
  const rows = counts.rows([event], { children: true });
  if (!children) {
    rows.sort((a, b) => b.self[0].period - a.self[0].period || b.total[0].period - a.total[0].period);
  }
  const callers = tree === "callers" ? counts.callers(event, rows) : [];
  const callersJson = (callers: readonly CallerNode[], depth: number): JsonList<CallerNode> =>
    new JsonList(callers, (node) => ({
      ...placeJson(counts, node.place),
      count: node.count,
      period: node.period,
      ...(depth < MAX_DEPTH
        ? { callers: callersJson(node.callers, depth + 1) }
        : { callers: [], cut: node.callers.length > 0 }),
    }));
  return new JsonList(rows.entries(), ([i, row]) => ({
    ...describe(row.group),
    ...placeJson(counts, row.place),
    ...(groups.keys.includes("sym") || groups.keys.includes("dso")
      ? { kernel: places.kernel[row.place] === 1 }
      : {}),
    self: row.self[0],
    total: row.total[0],
    ...(tree === "callers" ? { callers: callersJson(callers[i], 1) } : {}),
  }));
}

function callsJson(counts: SampleCounts, event: number) {
  const describe = describer(counts);
  const calleesJson = (callees: readonly CallNode[], depth: number): JsonList<CallNode> =>
    new JsonList(callees, (node) => ({
      ...placeJson(counts, node.place),
      self: node.self,
      total: node.total,
      ...(depth < MAX_DEPTH
        ? { callees: calleesJson(node.callees, depth + 1) }
        : { callees: [], cut: node.callees.length > 0 }),
    }));
  return new JsonList(counts.calls(event), ({ group, total, roots }) => ({
    ...describe(group),
    total,
    roots: calleesJson(roots, 1),
  }));
}

/** Returns a number, or null for the -1 that stands for unknown. */
const known = (number: number) => number < 0 ? null : number;

/** Returns a function that describes a group by the keys that tell groups apart. */
function describer(counts: SampleCounts) {
  const processName = processNames(counts.profile);
  const { keys } = counts.groups;
  // An unknown pid has no name except the one that stands for a whole pid namespace.
  const processOf = (pid: number) => pid < 0 && processName(pid) === `:${pid}` ? null : processName(pid);
  return (group: number) => {
    const { comm, pid, tid, cpu } = counts.valuesOf(group);
    return {
      ...(keys.includes("comm") ? { command: comm } : {}),
      ...(keys.includes("pid") ? { pid: known(pid), process: processOf(pid) } : {}),
      ...(keys.includes("tid") ? { tid: known(tid) } : {}),
      ...(keys.includes("cpu") ? { cpu: known(cpu) } : {}),
    };
  };
}

/** Describes a place by those of its keys that tell rows apart. */
function placeJson(counts: SampleCounts, place: number) {
  const { profile: { lines }, groups: { keys }, places } = counts;
  const row = places.line?.[place] ?? -1;
  const symbol = () =>
    places.symbol[place] >= 0
      ? { symbol: counts.nameOf(place) }
      : { symbol: null, unnamed: counts.nameOf(place) };
  return {
    ...(keys.includes("dso") || keys.includes("sym") ? { object: counts.objectOf(place) } : {}),
    ...(keys.includes("sym") ? symbol() : {}),
    ...(places.inlined?.[place] === 1 ? { inlined: true } : {}),
    ...(keys.includes("srcline")
      ? {
        file: lines && row >= 0 ? lines.paths[lines.file[row]] : null,
        line: lines && row >= 0 ? lines.line[row] : null,
      }
      : {}),
  };
}

/** Returns `meta` with times as text, in seconds; null if unknown. A number in JSON cannot hold ns since 1970. */
function metaJson({ meta }: Profile) {
  const time = (ns: bigint) => ns < 0n ? null : clockText(ns);
  const { ledger, cpus, seconds, wallStart } = meta;
  const unknown = ledger.unfinished ? Object.fromEntries(LOSS_COLUMNS.map((name) => [name, null])) : {};
  return {
    ...meta,
    cpus: known(cpus),
    seconds: known(seconds),
    wallStart: known(wallStart),
    start: time(meta.start),
    end: time(meta.end),
    lost: ledger.unfinished ? null : meta.lost,
    ledger: {
      ...ledger,
      rows: ledger.rows.map((row) => ({ ...row, cpu: known(row.cpu ?? -1), ...unknown })),
      total: { ...ledger.total, cpu: null, ...unknown },
    },
  };
}
