/** Renders the report as text: what was recorded, what was lost, then where the time went. */

import { counted } from "../../base/text/plural.ts";
import { bold, dim, yellow } from "@std/fmt/colors";
import { greatest, least } from "../../base/bytes/lists.ts";
import { fit } from "../../base/text/width.ts";
import { wrap } from "../../base/text/wrap.ts";
import { ledgerTable, lostText } from "../../perfdata/format/ledger.ts";
import {
  ProfileQuery,
  type ProfileTotals,
  type SampleCounts,
  type TableRow,
} from "../../profile/query/query.ts";
import type { SortKey } from "../../profile/request/sort_keys.ts";
import { type Profile, sampleCount, type Weight } from "../../profile/model/profile.ts";
import { type CellText, cellTexts, colorByHeat, percentText } from "../shared/columns.ts";
import type { ReportOptions } from "../shared/options.ts";
import { printedProfile } from "../shared/printed.ts";
import { remedyLines } from "../shared/remedies.ts";
import { stacksText } from "../shared/stacks_text.ts";
import { layTable, type NumberColumn } from "../shared/table_layout.ts";
import { CALL_TITLE, callerLines, callLines } from "./trees.ts";

/** Yields the report line by line, with newlines. Throws UsageError if there are too many events side by side. */
export function* renderText(given: Profile, options: ReportOptions): Generator<string> {
  for (const line of reportLines(printedProfile(given), options)) yield line.trimEnd() + "\n";
}

function* reportLines(profile: Profile, options: ReportOptions): Generator<string> {
  const query = new ProfileQuery(profile);
  const events = options.sideBySide ? query.columnEvents() : query.sampledEvents();
  const whole = options.whole ?? query.totals();
  yield* header(profile, whole, options);
  const counts = query.by(options.sort);
  const text = cellTexts(counts);
  const oneTable = options.sideBySide || options.sort.includes("event");
  for (const of of oneTable ? [events] : events.map((event) => [event])) {
    yield "";
    yield* section({ profile, counts, text, whole, options, events: of, sampledCount: events.length });
  }
  const remedies = [...remedyLines(profile, options.width)];
  if (remedies.length > 0) yield "";
  yield* remedies;
}

/** Keys that a tree shows at its nodes. */
const PLACE_KEYS: ReadonlySet<SortKey> = new Set(["dso", "sym", "srcline"]);

/** Source of a table. */
interface Section {
  profile: Profile;
  counts: SampleCounts;
  text: CellText;
  whole: ProfileTotals;
  options: ReportOptions;
  /** Events of the table, and the number of sampled events. */
  events: number[];
  sampledCount: number;
}

function header(profile: Profile, whole: ProfileTotals, options: ReportOptions): string[] {
  const { width, color } = options;
  const { meta } = profile;
  const events = profile.events.filter((event) => !event.tracksOnly);
  const host = [meta.host, meta.kernel && `Linux ${meta.kernel}`, meta.arch, meta.cpu, cpus(meta.cpus)];
  const count = sampleCount(profile), of = sum(whole.count);
  const samples = count === of ? `${count}` : `${count} of ${of}`;
  const rows: [string, string][] = [
    ["command", meta.command || "(not recorded)"],
    ["host", host.filter(Boolean).join(", ") || "(not recorded)"],
    ...events.map((e): [string, string] => ["event", `${e.name}, ${e.rate}`]),
    ...meta.sampling.map((s): [string, string] => ["backend", backend(s)]),
    ["samples", `${samples}${meta.seconds >= 0 ? ` over ${meta.seconds.toFixed(3)} s` : ""}`],
    ["lost", lostText(meta.ledger)],
    ...(meta.stacks ? [["stacks", stacksText(meta.stacks)] as [string, string]] : []),
    ...(options.ledger ? ledgerTable(meta.ledger) : []).map((
      line,
    ): [string, string] => [
      "ledger",
      line,
    ]),
    ...meta.warnings.map((w): [string, string] => ["warning", w]),
    ...meta.notes.map((note): [string, string] => ["note", note]),
  ];
  return rows.flatMap(([name, value]) => {
    const lines = wrap(`${name.padEnd(9)}${value}`, width, " ".repeat(9));
    return lines.map((line) =>
      !color ? line : name === "warning" ? yellow(line) : dim(line.slice(0, 9)) + line.slice(9)
    );
  });
}

const cpus = (n: number) => n > 0 ? counted(n, "CPU") : "";

function backend({ name, backend, insteadOf }: Profile["meta"]["sampling"][number]): string {
  return `${backend}, for ${name}${insteadOf === undefined ? "" : ` in place of ${insteadOf}`}`;
}

function* section(of: Section): Generator<string> {
  const { profile, events, options, sampledCount } = of;
  const names = events.map((event) => profile.events[event].name);
  if (sum(events.map((event) => sampleCount(profile, event))) === 0) {
    yield `No samples of ${names.join(", ")}.`;
    return;
  }
  if (events.length === 1 && sampledCount > 1) {
    const count = sampleCount(profile, events[0]);
    yield `${names[0]}: ${counted(count, "sample")}`;
  }
  if (options.tree !== "calls") yield* table(of);
  else for (const event of events) yield* calls(of, event);
}

/** Yields a table's rows, heaviest first, and the number of rows left out. */
function* table(of: Section): Generator<string> {
  const { counts, whole, options, events } = of;
  const { children, percentLimit } = options;
  const callers = options.tree === "callers";
  // With the event as a key, each row has its own event, and all share one set of columns.
  const byEvent = options.sort.includes("event");
  const columns = byEvent ? [-1] : events;
  const wholeFor = (row: TableRow, column: number) =>
    whole.period[byEvent ? counts.valuesOf(row.group).event : columns[column]];
  const all = counts.rows(columns, { children, selfOnly: !children && !callers });
  const share = (row: TableRow, column: number) =>
    100 * (children ? row.total : row.self)[column].period / (wholeFor(row, column) || 1);
  if (byEvent) all.sort((a, b) => share(b, 0) - share(a, 0));
  const most = (row: TableRow) => greatest(columns.map((_, column) => share(row, column)));
  const shown = all.filter((row) => most(row) >= percentLimit);

  yield* rowLines(of, { columns, shown, most, wholeFor });
  const left = all.length - shown.length;
  if (left === 0) return;
  const rows = `${counted(left, "more row")} below ${percentLimit}% each (--percent-limit 0 shows all)`;
  // Totals overlap, and shares of several events do not add up.
  if (children || columns.length > 1 || byEvent) yield `${" ".repeat(8)} ${rows}`;
  else {
    const rest = sum(all.map((row) => row.self[0].period)) - sum(shown.map((row) => row.self[0].period));
    yield `${percentText(rest, whole.period[events[0]])} in ${rows}`;
  }
}

/** Source of a table's lines. */
interface Rows {
  /** Event of each column; -1 for the row's own. */
  columns: readonly number[];
  shown: readonly TableRow[];
  /** Returns a row's largest share in any event, in percent. */
  most(row: TableRow): number;
  /** Returns the total that a share refers to. */
  wholeFor(row: TableRow, column: number): number;
}

/** Yields a table's titles and rows; with `callers`, the callers below each row. */
function* rowLines(of: Section, { columns, shown, most, wholeFor }: Rows): Generator<string> {
  const { profile, counts, text, whole, options, events } = of;
  const { percentLimit, width, color } = options;
  const callers = options.tree === "callers";
  const numbers = numberColumns(options);
  const layout = layTable({
    rows: shown,
    numbers: columns.flatMap(() => numbers.columns),
    figures: (row: TableRow) =>
      columns.flatMap((_, column) =>
        numbers.figures(row.self[column], row.total[column], wholeFor(row, column))
      ),
    keys: options.sort,
    text,
  }, width);
  const heading = (line: string) => color ? bold(line) : line;
  for (const line of layout.above) yield color ? dim(line) : line;
  if (columns.length > 1) {
    const each = numbers.columns.length;
    const titles = columns.map((event, i) => {
      const widths = layout.widths.slice(i * each, (i + 1) * each).filter((wide) => wide > 0);
      return centre(profile.events[event].name, sum(widths) + widths.length - 1);
    });
    yield heading(titles.join(" "));
  }
  yield heading(layout.title);
  const leastPeriod = percentLimit / 100 * least(events.map((e) => whole.period[e]));
  const trees = callers ? counts.callers(columns[0], shown, leastPeriod) : [];
  const figuresWidth = layout.widths.reduce((sum, wide) => wide > 0 ? sum + wide + 1 : sum, 1);
  const indent = " ".repeat(Math.min(figuresWidth, Math.floor(width / 8)));
  for (const [i, row] of shown.entries()) {
    const line = layout.line(row);
    yield color ? colorByHeat(line, most(row)) : line;
    if (!callers) continue;
    const drawing = { counts, whole: wholeFor(row, 0), width, color };
    yield* callerLines(drawing, trees[i], row.self[0].period, indent);
  }
}

/** Returns the columns of numbers of an event, and a function for a row's numbers. */
function numberColumns({ children, tree, showPeriod }: ReportOptions): {
  columns: NumberColumn[];
  figures(self: Weight, total: Weight, whole: number): string[];
} {
  const both = children || tree === "callers";
  const shares = children ? ["Total", "Self"] : both ? ["Self", "Total"] : ["Overhead"];
  const periodWidth = 13;
  return {
    columns: [
      ...shares.map((title) => ({ title, width: 8 })),
      { title: "Samples", width: 8, yields: 0 },
      ...(showPeriod ? [{ title: "Period", width: periodWidth }] : []),
    ],
    figures(self, total, whole) {
      const [first, second] = children ? [total, self] : [self, total];
      return [
        percentText(first.period, whole),
        ...(both ? [percentText(second.period, whole)] : []),
        // Samples and period are those that rows are sorted by.
        String(first.count).padStart(8),
        ...(showPeriod ? [String(first.period).padStart(periodWidth)] : []),
      ];
    },
  };
}

/** Yields the call trees of an event; one per group, when keys other than places tell rows apart. */
function* calls({ counts, text, whole, options }: Section, event: number): Generator<string> {
  const keys = options.sort.filter((key): key is SortKey => !PLACE_KEYS.has(key));
  const period = whole.period[event];
  const trees = counts.calls(event, options.percentLimit / 100 * period);
  const label = (group: number) => keys.map((key) => text(key, { group, place: 0 }).trim()).join("  ");
  const drawing = { counts, whole: period, width: options.width, color: options.color };
  yield options.color ? bold(CALL_TITLE) : CALL_TITLE;
  yield* callLines(drawing, trees, label);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

function centre(text: string, width: number): string {
  const cut = fit(text, width);
  return cut.padStart((width + cut.length) >> 1).padEnd(width);
}
