/** Differences between the engines' SQL, as far as the queries need them. */

import { UsageError } from "../../base/system/errors.ts";
import type { TableName } from "../layout/partitions.ts";

/** Engines that there is SQL for. */
export const ENGINES = ["duckdb", "spark", "clickhouse"] as const;

/** Name of an engine. */
export type Engine = typeof ENGINES[number];

/** SQL of an engine. */
export interface Dialect {
  /** Line of advice at the top of each query. */
  advice?: string;
  /** Returns a text as a literal. */
  text(value: string): string;
  /** Returns a time, given in UTC as `2026-11-30 14:05:00.000`, as an expression that no time zone of the engine changes. */
  time(utc: string): string;
  /** Returns a source of a table's rows, with the columns `date` and `host` as text. */
  table(dataset: string, name: TableName): string;
  /** Aggregate of a value that is the same in all rows of a group. */
  any: string;
  /** Type of 64-bit integers. */
  long: string;
  /** Query for a row for each frame of each row of `stacks`, with its `depth`. */
  exploded: string;
  /** Aggregate that joins names by semicolons in the order of `depth`. */
  joined: string;
  /** Expression for `comm` as folded stacks have it, without blanks and semicolons. */
  comm: string;
}

/** Returns SQL's literal, in which a quote is doubled. */
const standardText = (value: string) => `'${value.replaceAll("'", "''")}'`;
/** Returns the literal of engines in which a backslash escapes. */
const escapedText = (value: string) => `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** Indents the lines of a query but the first. */
const lines = (...parts: string[]) => parts.join("\n  ");

/** Columns of each table that the queries use. */
const COLUMNS: Readonly<Record<TableName, string>> = {
  samples: "time, recording, event, weight, comm, service, stack_id",
  stacks: "stack_id, leaf_id, frame_ids",
  frames: "frame_id, object, name, build_id",
  recordings: "recording, labels",
};

/** SQL of each engine. */
export const DIALECTS: Readonly<Record<Engine, Dialect>> = {
  duckdb: {
    text: standardText,
    time: (utc) => `CAST('${utc}+00' AS TIMESTAMPTZ)`,
    table: (dataset, name) =>
      `read_parquet(${
        standardText(glob(dataset, name))
      }, hive_partitioning = true, hive_types_autocast = false)`,
    any: "any_value",
    long: "BIGINT",
    exploded: lines(
      "SELECT stack_id, unnest(frame_ids) AS frame_id, generate_subscripts(frame_ids, 1) AS depth",
      "FROM stacks",
    ),
    joined: "string_agg(name, ';' ORDER BY depth)",
    comm: "regexp_replace(comm, '[\\s;]', '_', 'g')",
  },
  spark: {
    advice:
      "-- for hosts that are named by numbers: SET spark.sql.sources.partitionColumnTypeInference.enabled = false",
    text: escapedText,
    time: (utc) => `CAST('${utc}Z' AS TIMESTAMP)`,
    table: (dataset, name) =>
      `(SELECT * EXCEPT (date, host), CAST(date AS STRING) AS date, CAST(host AS STRING) AS host FROM parquet.\`${dataset}/${name}\`)`,
    any: "any_value",
    long: "BIGINT",
    exploded: lines(
      "SELECT stack_id, frame_id, depth",
      "FROM stacks LATERAL VIEW posexplode(frame_ids) exploded AS depth, frame_id",
    ),
    joined: "array_join(transform(array_sort(collect_list(struct(depth, name))), each -> each.name), ';')",
    comm: "regexp_replace(comm, '[\\\\s;]', '_')",
  },
  clickhouse: {
    text: escapedText,
    time: (utc) => `toDateTime64('${utc}', 6, 'UTC')`,
    // the columns that it makes of folders are numbers where all hosts look like some
    table: (dataset, name) =>
      lines(
        `(SELECT ${COLUMNS[name]},`,
        `  extract(_path, '/date=([^/]*)/host=[^/]*/[^/]*$') AS date,`,
        `  decodeURLComponent(extract(_path, '/date=[^/]*/host=([^/]*)/[^/]*$')) AS host`,
        `FROM file(${escapedText(glob(dataset, name))}, 'Parquet'))`,
      ),
    any: "any",
    long: "Int64",
    exploded: lines(
      "SELECT stack_id, frame_id, depth",
      "FROM stacks ARRAY JOIN frame_ids AS frame_id, arrayEnumerate(frame_ids) AS depth",
    ),
    joined: "arrayStringConcat(arrayMap(each -> each.2, arraySort(groupArray((depth, name)))), ';')",
    comm: "replaceRegexpAll(comm, '[\\\\s;]', '_')",
  },
};

/** Returns the pattern of a table's files. */
function glob(dataset: string, table: TableName): string {
  return `${dataset}/${table}/date=*/host=*/*.parquet`;
}

/** Characters that engines take for patterns in paths, or that end a name in backquotes. */
const PATTERNS = /[*?[\]{}`\\]/;
// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x1f\x7f]/;

/** Throws UsageError for a path that engines would take for a pattern. */
export function refusePattern(dataset: string): void {
  if (PATTERNS.test(dataset) || CONTROLS.test(dataset)) {
    throw new UsageError(
      `fleet-sql: engines take '${dataset}' for a pattern: give the dataset a path without *?[]{}\`\\`,
    );
  }
}

/** Throws UsageError for a text with control characters, which would change what the SQL looks like. */
export function refuseControls(option: string, value: string): void {
  if (CONTROLS.test(value)) {
    throw new UsageError(`fleet-sql: --${option} '${value}': it has control characters in it`);
  }
}
