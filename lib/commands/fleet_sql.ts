/** Implementation of `pmuctl fleet-sql`: prints SQL for engines that read datasets. */

import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { ENGINES, refuseControls, refusePattern } from "../dataset/sql/dialects.ts";
import { fleetSql, QUERIES, type Query, type SqlSide } from "../dataset/sql/fleet_sql.ts";
import { DATASET_OPTIONS, selectionOf } from "./dataset_input.ts";
import { keyAndValue } from "./label.ts";

const NAMES = Object.keys(QUERIES) as Query[];
/** Rows of an answer, by default and at most. */
const LIMIT = 30, MAX_LIMIT = 1_000_000;
/** Key that names a build id, rather than a label, as a side of a comparison. */
const BUILD_ID = "build-id";

/** The `fleet-sql` command. */
export const command: CommandSpec = {
  name: "fleet-sql",
  summary: "print SQL for DuckDB, Spark or ClickHouse, for a dataset of 'pmuctl export'",
  usage: ["[OPTION]... ENGINE QUERY [DATASET]"],
  options: [
    ...DATASET_OPTIONS.map(({ help, ...option }) => ({
      ...option,
      help: help.replace("of a dataset, ", ""),
    })),
    { name: "event", value: "EVENT", help: "count this event (default: the one with the most samples)" },
    {
      name: "old",
      value: "KEY=VALUE",
      help:
        "compare recordings with this label, or code with this build id as in build-id=HEX (default: release=OLD)",
    },
    {
      name: "new",
      value: "KEY=VALUE",
      help: "compare with those of this label or build id (default: release=NEW)",
    },
    { name: "limit", value: "N", help: `return N rows (default: ${LIMIT})` },
  ],
  lists: [
    {
      title: "engines",
      rows: [["duckdb", "DuckDB"], ["spark", "Spark SQL"], ["clickhouse", "ClickHouse, chDB"]],
    },
    { title: "queries", rows: NAMES.map((name) => [name, QUERIES[name]]) },
  ],
  examples: [
    "pmuctl fleet-sql duckdb top /data/profiles --service nginx | duckdb",
    "pmuctl fleet-sql clickhouse diff /data/profiles --old release=1.3 --new release=1.4",
  ],
  maxPositionals: 3,
  run,
};

function run(args: ParsedArgs, io: Io): Promise<number> {
  const [engine, query, dataset = "DATASET"] = args.positionals;
  refuseUnknown("engine", engine, ENGINES);
  refuseUnknown("query", query, NAMES);
  refusePattern(dataset);
  for (const { name, value } of command.options) {
    if (value !== undefined) { for (const text of args.texts(name)) refuseControls(name, text); }
  }
  const sides = { old: sideOf(args, "old", "OLD"), new: sideOf(args, "new", "NEW") };
  if ("label" in sides.old !== "label" in sides.new) {
    throw new UsageError(
      "fleet-sql: --old and --new compare a label with a build id: give two labels, or two build ids",
    );
  }
  if (query !== "diff" && (args.has("old") || args.has("new"))) {
    throw new UsageError(`fleet-sql: --old and --new are for the query diff, not ${query}`);
  }
  io.out(fleetSql(engine, query, {
    ...selectionOf(args),
    ...sides,
    dataset: dataset.replace(/(?<=.)\/+$/, ""),
    event: args.text("event"),
    limit: args.number("limit", { min: 1, max: MAX_LIMIT, integer: true }) ?? LIMIT,
  }));
  return Promise.resolve(EXIT.ok);
}

/** Throws UsageError unless a word is one of those that are known. */
function refuseUnknown<T extends string>(
  what: string,
  word: string | undefined,
  known: readonly T[],
): asserts word is T {
  if ((known as readonly (string | undefined)[]).includes(word)) return;
  const given = word === undefined ? `name an ${what}` : `unknown ${what} '${word}'`;
  throw new UsageError(
    `fleet-sql: ${given.replace("an query", "a query")}: expected one of ${known.join(", ")}`,
  );
}

/** Parses a side of a comparison; by default it has a release that the reader of the SQL replaces. */
function sideOf(args: ParsedArgs, option: "old" | "new", release: string): SqlSide {
  const text = args.text(option);
  if (text === undefined) return { label: ["release", release] };
  const [key, value] = keyAndValue(text, option);
  if (key !== BUILD_ID) return { label: [key, value] };
  if (!/^[0-9a-f]{2,128}$/.test(value)) {
    throw new UsageError(`--${option} '${text}': expected a build id in hex`);
  }
  return { buildId: value };
}
