/** `pmuctl report` and `perf report` of the same file, row for row. */

import { assertEquals } from "@std/assert";
import { foldedSamples, isStub, perfOk, pmuctlOk, run } from "./harness.ts";

/**
 * What both make of each row: the share to two places (with --children the total's first), and samples. Several
 * rows of one name (static functions) are one entry here, which holds what each of them has.
 */
export type Rows = Map<string, string>;

/** Adds a row; several of one name are told apart by nothing but their weights. */
function addRow(rows: Rows, key: string, numbers: string): void {
  const known = rows.get(key);
  rows.set(key, known === undefined ? numbers : [...known.split(", "), numbers].sort().join(", "));
}

/** Options with which perf takes nothing from the user's cache of programs: what was stripped may be there unstripped. */
const withoutCache = (file: string) => ["--buildid-dir", `${file}.no-cache`];

/** More frames than any chain has: perf leaves out those beyond 127, with --children the innermost. */
const MAX_STACK = "5000";

/** perf's rows for sort keys of its own (its `pid` is the thread), without those that have no symbol. */
export async function perfRows(file: string, keys: string, ...extra: string[]): Promise<Rows> {
  const children = extra.includes("--children");
  const out = await perfOk([
    ...withoutCache(file),
    ...["report", "-i", file, "--stdio", "-n", "-g", "none", "-t", "\t", "--percent-limit", "0"],
    ...[
      "--max-stack",
      MAX_STACK,
      "--no-demangle",
      "--no-inline",
      "--sort",
      keys,
      ...(children ? [] : ["--no-children"]),
      ...extra,
    ],
  ]);
  const rows: Rows = new Map();
  for (const line of out.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const cells = line.split("\t").map((cell) => cell.trim());
    const numbers = cells.splice(0, children ? 3 : 2);
    if (cells.some((cell) => /^(\[.\] )?(0x[0-9a-f]+|[0-9a-f]{16})$/.test(cell))) continue;
    // of data, where a chain went astray, perf also writes how far into it
    const key = cells.map((cell) => cell.replace(/^\[.\] (.*?)(\+0x[0-9a-f]+)?$/, "$1")).join("|");
    addRow(rows, key, numbers.join(" "));
  }
  return rows;
}

interface Weight {
  count: number;
  period: number;
}

/** A table of `pmuctl report --json`, as far as it is looked at here. */
interface EventTable {
  samples: number;
  period: number;
  whole?: Weight;
  rows: {
    command: string;
    object: string;
    symbol: string | null;
    cpu: number;
    self: Weight;
    total: Weight;
    [key: string]: unknown;
  }[];
}

/**
 * The first event's table, names as in the symbol tables, and the frames at which stacks end too early. Those are marks in
 * the file, which perf takes for callers at unknown addresses, so they have no rows here.
 */
async function ourTable(
  file: string,
  keys: string,
  ...extra: string[]
): Promise<EventTable & { marks: ReadonlySet<string> }> {
  const args = ["report", "-i", file, "--json", "--no-demangle", "--no-inline", "--sort", keys, ...extra];
  const { meta, events: [table] } = JSON.parse(await pmuctlOk(args));
  const cut: { frame: string }[] = meta.stacks?.cut ?? [];
  const marks = new Set(cut.map(({ frame }) => frame));
  const rows = (table as EventTable).rows.filter(({ object }) => !marks.has(object));
  return { ...table, rows, marks };
}

/** The same as perfRows() of pmuctl's table. */
function rowsOf(table: EventTable, keys: string, children: boolean): Rows {
  const whole = table.whole?.period ?? table.period;
  const share = (weight: Weight) => `${printed(100 * weight.period / whole)}%`;
  const rows: Rows = new Map();
  for (const row of table.rows) {
    const { self, total } = row;
    if (!children && self.count === 0) continue;
    if (row.symbol === null) continue;
    const key = keys.split(",").map((key) => {
      if (key === "comm") return row.command;
      if (key === "dso") return row.object;
      if (key === "sym") return row.symbol;
      if (key === "cpu") return String(row.cpu).padStart(3, "0");
      return row[key];
    }).join("|");
    const shares = children ? [share(total), share(self)] : [share(self)];
    addRow(rows, key, [...shares, self.count].join(" "));
  }
  return rows;
}

/** As printf's %.2f, which takes the even one of two numbers equally near; those are eighths. */
function printed(percent: number): string {
  return (percent * 8 % 4 === 1 ? percent - 0.005 : percent).toFixed(2);
}

/** The same as perfRows() by pmuctl. */
export async function ourRows(file: string, keys: string, ...extra: string[]): Promise<Rows> {
  return rowsOf(await ourTable(file, keys, ...extra), keys, extra.includes("--children"));
}

/**
 * Samples in code that has no symbol, `SELF TOTAL` by `command|object`, from how perf resolves each frame: its
 * report has a row for every address.
 */
function perfUnresolved(script: string): Rows {
  const self = new Map<string, number>(), total = new Map<string, number>();
  const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const sample of script.split("\n\n")) {
    const [command, ...frames] = sample.split("\n");
    const objects = frames.map((frame) => /^\s+[0-9a-f]+ \[unknown\] \((.*)\)$/.exec(frame)?.[1]);
    const keys = objects.map((path) =>
      path && `${command.trim().replaceAll(" ", "_")}|${path.slice(path.lastIndexOf("/") + 1)}`
    );
    if (keys[0]) count(self, keys[0]);
    for (const key of new Set(keys)) if (key) count(total, key);
  }
  return new Map([...total].map(([key, n]) => [key, `${self.get(key) ?? 0} ${n}`]));
}

/**
 * The same by pmuctl's folded stacks, where such code is `OBJECT+0xADDRESS`, or without an object `0xADDRESS` or
 * `[unknown]`, and so are the marks of stacks that end too early, for perf.
 */
async function ourUnresolved(file: string, marks: ReadonlySet<string>): Promise<Rows> {
  const self = new Map<string, number>(), total = new Map<string, number>();
  for (const [stack, count] of await foldedSamples(file, { more: ["--no-demangle"] })) {
    const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + count);
    const [command, ...frames] = stack.split(";");
    const keys = frames.map((frame) => {
      if (marks.has(frame)) return `${command}|[unknown]`;
      const object = /^(?:(.+)\+)?(?:0x[0-9a-f]+(?:\.\.0x[0-9a-f]+)?|(?<!.)\[unknown\])$/.exec(frame);
      return object && `${command}|${object[1] ?? "[unknown]"}`;
    });
    const leaf = keys.at(-1);
    if (leaf) add(self, leaf);
    for (const key of new Set(keys)) if (key) add(total, key);
  }
  return new Map([...total].map(([key, n]) => [key, `${self.get(key) ?? 0} ${n}`]));
}

/** perf has names of the vdso in the user's cache alone, which withoutCache() keeps out. */
const isOfVdso = (key: string) => key.includes("|[vdso]");

/**
 * The entries in which two tables differ, a line each: `KEY: pmuctl NUMBERS, perf NUMBERS`; not on stubs of the PLT, as in
 * symbolDifferences(), and not on the vdso.
 */
export function rowDifferences(ours: Rows, theirs: Rows): string[] {
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter((key) => !isStub(key) && !isOfVdso(key) && ours.get(key) !== theirs.get(key))
    .map((key) => `${key}: pmuctl ${ours.get(key) ?? "-"}, perf ${theirs.get(key) ?? "-"}`);
}

/** One file as both see it. */
export interface Comparison {
  samples: number;
  /** Commands, objects and symbols that were sampled, and those with callers. */
  selfRows: number;
  totalRows: number;
  /** Where they differ: by self, by total, and on what has no symbol. */
  self: string[];
  total: string[];
  unresolved: string[];
  /** Call chains that perf throws away, all of each, because one address in it looks like a marker. */
  discardedChains: number;
  /** Objects that perf says it has no symbols of: its first look-up in one may fail where later ones do not. */
  failedObjects: string[];
}

/**
 * `pmuctl report` against `perf report` of a file with call chains of one event: each command, object and symbol,
 * self and total. Where samples weigh the same and are fewer than 10,000, a share to two places is a number of them.
 */
export async function compareWithPerf(file: string): Promise<Comparison> {
  const keys = "comm,dso,sym";
  const table = await ourTable(file, keys);
  const ofSelf = rowsOf(table, keys, false), ofTotal = rowsOf(table, keys, true);
  const script = await run("perf", [
    ...withoutCache(file),
    "script",
    "-v",
    "-i",
    file,
    "-F",
    "comm,ip,sym,dso",
    "--no-inline",
    "--max-stack",
    MAX_STACK,
  ]);
  assertEquals(script.status, 0, script.stderr);
  return {
    samples: table.samples,
    selfRows: ofSelf.size,
    totalRows: ofTotal.size,
    self: rowDifferences(ofSelf, await perfRows(file, keys)),
    total: rowDifferences(ofTotal, await perfRows(file, keys, "--children")),
    unresolved: rowDifferences(await ourUnresolved(file, table.marks), perfUnresolved(script.stdout)),
    discardedChains: script.stderr.match(/^invalid callchain context/gm)?.length ?? 0,
    failedObjects: [...script.stderr.matchAll(/^Failed to open (.*), continuing without symbols$/gm)]
      .map(([, path]) => path),
  };
}
