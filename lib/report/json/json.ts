/** The report as JSON, for programs: the same rows as the text, with whole numbers. */

import { JSON_SCHEMAS } from "../../base/text/json_schemas.ts";
import { LOSS_COLUMNS } from "../../perfdata/format/ledger.ts";
import { type CallerNode, type CallNode, ProfileQuery } from "../../profile/query/query.ts";
import { placeName, placeObject } from "../../profile/query/aggregation_keys.ts";
import {
  processNames,
  type Profile,
  sampleCount,
  totalPeriod,
  unresolvedByWeight,
} from "../../profile/model/profile.ts";
import { profileTotals, sampledEventRows } from "../../profile/query/table.ts";
import { clockText } from "../../profile/query/time_ranges.ts";
import { JsonList, jsonPieces } from "./json_pieces.ts";
import type { ReportOptions } from "../shared/options.ts";

/** Trees end at this depth: many readers of JSON refuse what nests much deeper. */
const MAX_DEPTH = 512;

/** What JSON output depends on: its rows are all there are, whatever the limit. */
export type JsonOptions = Pick<ReportOptions, "sort" | "children" | "tree" | "whole">;

/**
 * One object:
 *
 * - `schema`: `pmuctl.report/1`
 * - `meta`: command, host and so on, as in ProfileMeta, with null for numbers that the file does not tell; `start` and
 *   `end` are text, seconds of the clock of the recording, or null; `lost`, and in the `ledger` what was lost, are null when nobody knows, since the recording was
 *   not finished: `ledger.unfinished.atLeast` says what was known
 *   `stacks` (only where copies of stacks were unwound) has `unwound`, `whole` and `cut`, as in ProfileStacks
 * - `events`: for each `name`, `rate`, `samples` and `period` (of what the report is of), `whole` (the same of all
 *   that was recorded, when it was filtered) and `rows`, heaviest self (with `children`: total) first
 * - `rows`: what the sort keys ask for of `command`, `pid` and `process` (its name), `tid`, `cpu` (null: not recorded), `object`, `symbol`
 *   (null where there is none: then `unnamed` says what it is called instead, `libfoo.so+0x1a40`), `file` (its whole path) and `line` (both null: not known), `kernel`; then `self` and `total`, each with `count` and `period`; with tree `callers`
 *   also `callers`, of the samples in `self`: `symbol` (or `unnamed`), `object`, `count`, `period`, `callers`
 * - with tree `calls` an event has `calls`: for each group what it is, and `roots`: `symbol`, `object`, `self`,
 *   `total`, `callees`
 * - a node 512 calls deep has `cut`, true when what follows was left out
 * - `unresolved`: `object`, `cause`, `remedy`, `samples`
 *
 * Periods are in events, or ns for the clock events. The text comes in pieces.
 */
export function renderJson(profile: Profile, options: JsonOptions): Generator<string> {
  const query = new ProfileQuery(profile, options.sort);
  const whole = options.whole ?? profileTotals(profile);
  const events = new JsonList(sampledEventRows(profile), (event) => {
    const samples = sampleCount(profile, event), period = totalPeriod(profile, event);
    return {
      name: profile.events[event].name,
      rate: profile.events[event].rate,
      samples,
      period,
      ...(samples === whole.count[event]
        ? {}
        : { whole: { samples: whole.count[event], period: whole.period[event] } }),
      rows: rowsJson(query, event, options),
      ...(options.tree === "calls" ? { calls: callsJson(query, event) } : {}),
    };
  });
  const unresolved = new JsonList(unresolvedByWeight(profile));
  return jsonPieces({ schema: JSON_SCHEMAS.report, meta: metaJson(profile), events, unresolved }, 1);
}

function rowsJson(query: ProfileQuery, event: number, { tree, children }: JsonOptions) {
  const { groups, places } = query.grouping;
  const describe = describer(query);
  const rows = query.rows([event], { children: true });
  if (!children) {
    rows.sort((a, b) => b.self[0].period - a.self[0].period || b.total[0].period - a.total[0].period);
  }
  const callers = tree === "callers" ? query.callers(event, rows) : [];
  const callersJson = (callers: readonly CallerNode[], depth: number): JsonList<CallerNode> =>
    new JsonList(callers, (node) => ({
      ...placeJson(query, node.place),
      count: node.count,
      period: node.period,
      ...(depth < MAX_DEPTH
        ? { callers: callersJson(node.callers, depth + 1) }
        : { callers: [], cut: node.callers.length > 0 }),
    }));
  return new JsonList(rows.entries(), ([i, row]) => ({
    ...describe(row.group),
    ...placeJson(query, row.place),
    ...(groups.keys.includes("sym") || groups.keys.includes("dso")
      ? { kernel: places.kernel[row.place] === 1 }
      : {}),
    self: row.self[0],
    total: row.total[0],
    ...(tree === "callers" ? { callers: callersJson(callers[i], 1) } : {}),
  }));
}

function callsJson(query: ProfileQuery, event: number) {
  const describe = describer(query);
  const calleesJson = (callees: readonly CallNode[], depth: number): JsonList<CallNode> =>
    new JsonList(callees, (node) => ({
      ...placeJson(query, node.place),
      self: node.self,
      total: node.total,
      ...(depth < MAX_DEPTH
        ? { callees: calleesJson(node.callees, depth + 1) }
        : { callees: [], cut: node.callees.length > 0 }),
    }));
  return new JsonList(query.calls(event), ({ group, total, roots }) => ({
    ...describe(group),
    total,
    roots: calleesJson(roots, 1),
  }));
}

/** A number that is -1 where it is not known, as JSON has it. */
const known = (number: number) => number < 0 ? null : number;

/** A function that gives what a group is, under the keys that tell groups apart. */
function describer(query: ProfileQuery) {
  const processName = processNames(query.profile);
  const { keys } = query.grouping.groups;
  // of an unknown pid there is no name but what stands for a whole pid namespace
  const processOf = (pid: number) => pid < 0 && processName(pid) === `:${pid}` ? null : processName(pid);
  return (group: number) => {
    const { comm, pid, tid, cpu } = query.valuesOf(group);
    return {
      ...(keys.includes("comm") ? { command: comm } : {}),
      ...(keys.includes("pid") ? { pid: known(pid), process: processOf(pid) } : {}),
      ...(keys.includes("tid") ? { tid: known(tid) } : {}),
      ...(keys.includes("cpu") ? { cpu: known(cpu) } : {}),
    };
  };
}

/** The place, under those of its keys that rows are told apart by. */
function placeJson({ profile, grouping: { groups, places } }: ProfileQuery, place: number) {
  const { keys } = groups;
  const { lines } = profile;
  const row = places.line?.[place] ?? -1;
  const symbol = () =>
    places.symbol[place] >= 0
      ? { symbol: placeName(profile, places, place) }
      : { symbol: null, unnamed: placeName(profile, places, place) };
  return {
    ...(keys.includes("dso") || keys.includes("sym") ? { object: placeObject(profile, places, place) } : {}),
    ...(keys.includes("sym") ? symbol() : {}),
    ...(keys.includes("srcline")
      ? {
        file: lines && row >= 0 ? lines.paths[lines.file[row]] : null,
        line: lines && row >= 0 ? lines.line[row] : null,
      }
      : {}),
  };
}

/** `meta` with its times as text in seconds, since no JSON number holds ns since 1970; null where not known. */
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
