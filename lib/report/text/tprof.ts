/** Renders the report in the columns of NetBSD's `tprof analyze`. */

import { hexAddress } from "../../base/bytes/address.ts";
import { greatest } from "../../base/bytes/lists.ts";
import { printable } from "../../base/text/printable.ts";
import { type Profile, sampleCount } from "../../profile/model/profile.ts";
import { ProfileQuery, type SampleCounts } from "../../profile/query/query.ts";
import type { SortKey } from "../../profile/request/sort_keys.ts";
import { foldName } from "../shared/fold_name.ts";
import { printedProfile } from "../shared/printed.ts";

/** Options of `renderTprof`. */
export interface TprofOptions {
  /** Name of the file, for the header. */
  file: string;
  /** Merges CPUs, threads (lwps) or processes, and leaves out their columns. */
  mergeCpus: boolean;
  mergeThreads: boolean;
  mergeProcesses: boolean;
  /** Makes a row per symbol instead of per address. */
  perSymbol: boolean;
  /** Width of a terminal in columns: narrows columns and folds symbols. Without it, the layout is tprof's. */
  width?: number;
}

/** Row of the table: a place, and its samples for each column of events. */
interface Row {
  group: number;
  place: number;
  samples: number;
  byEvent: number[];
}

/** Returns the keys, besides places, that tell rows apart. */
export function tprofKeys({ mergeProcesses, mergeThreads, mergeCpus }: TprofOptions): SortKey[] {
  const keys: SortKey[] = [];
  if (!mergeProcesses) keys.push("pid");
  if (!mergeThreads) keys.push("tid");
  if (!mergeCpus) keys.push("cpu");
  return keys;
}

/**
 * Yields lines in descending order of samples, with newlines: `percentage nsamples event#00... pid lwp cpu k address
 * symbol`.
 *
 * `nsamples` counts samples of all events, not periods, as in tprof. `k` is 1 in the kernel. `address` is the one in
 * the object (for the kernel, the absolute one); with `perSymbol`, the lowest sampled in the symbol. `symbol` is
 * `object:symbol` in user space, which tprof does not support.
 */
export function* renderTprof(given: Profile, options: TprofOptions): Generator<string> {
  const profile = printedProfile(given);
  const query = new ProfileQuery(profile), events = query.sampledEvents();
  const total = sampleCount(profile);
  const counts = query.by(tprofKeys(options), options.perSymbol ? "symbol" : "address");
  const { places } = counts;
  const rows = counts.rows(events, { children: false, selfOnly: true }).map(({ group, place, self }): Row => {
    const byEvent = self.map(({ count }) => count);
    return { group, place, samples: byEvent.reduce((sum, count) => sum + count, 0), byEvent };
  });
  const addresses = lowestAddresses(counts);

  const right = (title: string, width: number, cell: (row: Row) => string): Column => ({
    title,
    width,
    cell,
  });
  const values = (row: Row) => counts.valuesOf(row.group);
  const columns = [
    right("percentage", 10, (row) => (100 * row.samples / (total || 1)).toFixed(3)),
    right("nsamples", 8, (row) => String(row.samples)),
    ...events.map((_, column) =>
      right(`event#${String(column).padStart(2, "0")}`, 8, (row) => String(row.byEvent[column]))
    ),
    ...(options.mergeProcesses ? [] : [right("pid", 7, (row) => String(values(row).pid))]),
    ...(options.mergeThreads ? [] : [right("lwp", 7, (row) => String(values(row).tid))]),
    ...(options.mergeCpus ? [] : [right("cpu", 4, (row) => cpuText(values(row).cpu))]),
    right("k", 1, (row) => String(places.kernel[row.place])),
    right("address", 16, (row) => hexAddress(addresses[row.place]).padStart(16, "0")),
  ];
  yield `File: ${printable(options.file)}\n`;
  yield `Number of samples: ${total}\n`;
  for (const [column, event] of events.entries()) {
    yield `Event #${String(column).padStart(2, "0")}: ${profile.events[event].name}\n`;
  }
  const { width = Infinity } = options;
  if (width < Infinity) narrow(columns, rows);
  const room = Math.max(MIN_SYMBOL_WIDTH, width - columns.reduce((sum, column) => sum + column.width + 1, 0));
  yield "\n";
  yield `${columns.map(({ title, width }) => title.padStart(width)).join(" ")} symbol\n`;
  const sorted = rows.toSorted((a, b) => b.samples - a.samples || addresses[a.place] - addresses[b.place]);
  for (const row of sorted) {
    const cells = columns.map(({ width, cell }) => cell(row).padStart(width));
    yield `${cells.join(" ")} ${foldName(symbolText(counts, row.place), room)}\n`;
  }
}

/** Minimum width that symbols are folded to, in columns. */
const MIN_SYMBOL_WIDTH = 16;

/** Right-aligned column of a table. */
interface Column {
  title: string;
  width: number;
  cell(row: Row): string;
}

/** Removes leading blanks and zeros that no cell of a column needs. */
function narrow(columns: Column[], rows: Iterable<Row>): void {
  const all = [...rows];
  for (const column of columns) {
    const { title, cell } = column;
    if (title === "address") column.cell = (row) => cell(row).replace(/^0+(?=.)/, "");
    column.width = Math.max(title.length, greatest(all.map((row) => column.cell(row).length)));
  }
}

const cpuText = (cpu: number) => cpu < 0 ? "-" : String(cpu);

/** Returns `do_idle` in the kernel, `libc.so.6:malloc` in user space, and `libc.so.6+0x1a40` without a symbol. */
function symbolText(counts: SampleCounts, place: number): string {
  const { profile: { objects }, places: { symbol, object, kernel } } = counts;
  const name = counts.nameOf(place);
  if (symbol[place] < 0) return name;
  const isKernel = kernel[place] === 1 && objects[object[place]].kind === "kernel";
  return isKernel ? name : `${counts.objectOf(place)}:${name}`;
}

/** Returns the lowest address of each place's frames. */
function lowestAddresses({ profile: { frames }, places: { ofFrame, symbol } }: SampleCounts): Float64Array {
  const lowest = new Float64Array(symbol.length).fill(Infinity);
  for (let frame = 0; frame < ofFrame.length; frame++) {
    const place = ofFrame[frame];
    if (frames.address[frame] < lowest[place]) lowest[place] = frames.address[frame];
  }
  return lowest;
}
