/**
 * SQL for questions to a dataset, for engines that people run already. Each query first takes one row of each id of frames
 * and stacks, as every part of a dataset has its own, and adds up samples before it joins them.
 */

import type { DatasetSelection } from "../read/selection.ts";
import { type Dialect, DIALECTS, type Engine } from "./dialects.ts";

/** Queries, and what each answers. */
export const QUERIES = {
  top: "functions with the most samples",
  flamegraph: "folded stacks, for FlameGraph, speedscope and others",
  diff: "functions whose share differs between two releases",
  hosts: "functions whose share on a host differs from that on the others",
  growth: "functions whose share grew most, day by day",
} as const;

/** Name of a query. */
export type Query = keyof typeof QUERIES;

/** Side of a comparison: recordings with a label, or samples in programs with a build id. */
export type SqlSide = { label: readonly [key: string, value: string] } | { buildId: string };

/** Question to a dataset. */
export interface SqlRequest extends DatasetSelection {
  /** Path or address of the dataset, as the engine knows it. */
  dataset: string;
  /** Event to count; default: the one with the most samples. */
  event?: string;
  /** Older side of a comparison. */
  old: SqlSide;
  /** Newer side, of the same kind. */
  new: SqlSide;
  /** Most rows of the answer; folded stacks have all. */
  limit: number;
}

/** Returns the SQL of a query for an engine, with a newline at its end. */
export function fleetSql(engine: Engine, query: Query, request: SqlRequest): string {
  const dialect = DIALECTS[engine];
  const parts = PARTS[query](dialect, request);
  const tables = [...commonTables(dialect, request, parts), ...parts.tables];
  const head = [`-- ${QUERIES[query]}`, ...dialect.advice ? [dialect.advice] : []].join("\n");
  return `${head}\nWITH ${
    tables.map(([name, sql]) => `${name} AS (\n  ${sql}\n)`).join(",\n")
  }\n${parts.select};\n`;
}

/** Common table expression: its name and its query. */
type Table = readonly [name: string, sql: string];

/** Parts of a query besides the tables that all queries have. */
interface QueryParts {
  /** Columns of samples that it groups by, besides the stack. */
  by: string;
  /** More conditions on samples. */
  where?: string[];
  /** Further columns of frames. */
  frameColumns?: string[];
  /** Whether it needs whole stacks. */
  wholeStacks?: boolean;
  tables: Table[];
  select: string;
}

/** Makes what each query adds. */
const PARTS: Readonly<Record<Query, (dialect: Dialect, request: SqlRequest) => QueryParts>> = {
  top: (_, { limit }) => ({
    by: "",
    tables: [["functions", leaves("object, name")]],
    select: "SELECT object, name, samples, weight, weight / sum(weight) OVER () AS share\n" +
      `FROM functions\nORDER BY weight DESC, object, name\nLIMIT ${limit}`,
  }),
  flamegraph: ({ exploded, joined, comm, long }) => ({
    by: "comm",
    wholeStacks: true,
    tables: [
      ["positions", exploded],
      [
        "named",
        `SELECT stack_id, ${joined} AS names\n  ` +
        "FROM (SELECT stack_id, depth, replace(name, ';', ':') AS name FROM positions JOIN frames USING (frame_id)) placed\n  " +
        "GROUP BY stack_id",
      ],
      [
        "folded",
        `SELECT concat(${comm}, ';', names) AS stack, CAST(sum(weight) AS ${long}) AS weight\n  ` +
        `FROM counted JOIN named USING (stack_id)\n  GROUP BY concat(${comm}, ';', names)`,
      ],
    ],
    select:
      "SELECT concat(stack, ' ', CAST(weight AS CHAR)) AS line\nFROM folded\nWHERE weight > 0\nORDER BY stack"
        .replace("CAST(weight AS CHAR)", long === "Int64" ? "toString(weight)" : "CAST(weight AS STRING)"),
  }),
  diff: (dialect, request) => {
    const { side, frameColumns, where } = sides(dialect, request);
    return {
      by: "recording",
      frameColumns,
      tables: [
        ...side,
        [
          "functions",
          "SELECT object, name,\n    " +
          "sum(CASE WHEN side = 'old' THEN weight ELSE 0 END) AS old_weight,\n    " +
          "sum(CASE WHEN side = 'new' THEN weight ELSE 0 END) AS new_weight\n  " +
          `FROM ${where}\n  GROUP BY object, name`,
        ],
        [
          "shares",
          "SELECT object, name,\n    " +
          "old_weight / nullif(sum(old_weight) OVER (), 0) AS old_share,\n    " +
          "new_weight / nullif(sum(new_weight) OVER (), 0) AS new_share\n  FROM functions",
        ],
      ],
      select:
        "SELECT object, name, old_share, new_share, new_share - old_share AS difference\nFROM shares\n" +
        `ORDER BY round(abs(new_share - old_share), 9) DESC, object, name\nLIMIT ${request.limit}`,
    };
  },
  hosts: (_, { limit }) => ({
    by: "host",
    tables: [
      ["functions", leaves("host, object, name")],
      [
        "shares",
        "SELECT host, object, name, weight / sum(weight) OVER (PARTITION BY host) AS share,\n    " +
        "(SELECT count(DISTINCT host) FROM counted) AS hosts\n  FROM functions",
      ],
      [
        "compared",
        "SELECT host, object, name, share,\n    " +
        "(sum(share) OVER (PARTITION BY object, name) - share) / nullif(hosts - 1, 0) AS others\n  FROM shares",
      ],
    ],
    select: "SELECT host, object, name, share, others, share - others AS difference\nFROM compared\n" +
      `ORDER BY round(abs(share - others), 9) DESC, host, object, name\nLIMIT ${limit}`,
  }),
  growth: (_, { limit }) => ({
    by: "date",
    tables: [
      ["functions", leaves("date, object, name")],
      [
        "shares",
        "SELECT date, object, name, weight, weight / sum(weight) OVER (PARTITION BY date) AS share\n  FROM functions",
      ],
      ["days", "SELECT min(date) AS first_day, max(date) AS last_day FROM functions"],
      [
        "grown",
        "SELECT object, name,\n    " +
        "sum(CASE WHEN date = last_day THEN share ELSE 0 END) - sum(CASE WHEN date = first_day THEN share ELSE 0 END) AS growth\n  " +
        `FROM shares CROSS JOIN days\n  GROUP BY object, name\n  ORDER BY round(growth, 9) DESC, object, name\n  LIMIT ${limit}`,
      ],
    ],
    select:
      "SELECT object, name, growth, date, weight, share\nFROM grown JOIN shares USING (object, name)\n" +
      "ORDER BY round(growth, 9) DESC, object, name, date",
  }),
};

/** Returns a query for the weight of the innermost functions, by some columns. */
function leaves(columns: string): string {
  return `SELECT ${columns}, sum(samples) AS samples, sum(weight) AS weight\n  ` +
    `FROM counted JOIN stacks USING (stack_id) JOIN frames ON frame_id = leaf_id\n  GROUP BY ${columns}`;
}

/** Returns the tables that say which side of a comparison samples are of, and a source of them with a column `side`. */
function sides(
  dialect: Dialect,
  request: SqlRequest,
): { side: Table[]; frameColumns: string[]; where: string } {
  const { dataset, old } = request,
    now = request.new,
    join = "counted JOIN stacks USING (stack_id) JOIN frames ON frame_id = leaf_id";
  if ("buildId" in old && "buildId" in now) {
    const [first, second] = [old.buildId, now.buildId].map(dialect.text);
    return {
      side: [[
        "sides",
        `SELECT ${first} AS build_id, 'old' AS side UNION ALL SELECT ${second} AS build_id, 'new' AS side`,
      ]],
      frameColumns: ["build_id"],
      where: `${join} JOIN sides USING (build_id)`,
    };
  }
  const recordings = dialect.table(dataset, "recordings");
  const query = (side: SqlSide, name: string) =>
    `SELECT recording, '${name}' AS side FROM ${recordings} WHERE ${
      labelTest(dialect, (side as { label: [string, string] }).label)
    }`;
  return {
    side: [["sides", `${query(old, "old")}\n  UNION ALL ${query(now, "new")}`]],
    frameColumns: [],
    where: `${join} JOIN sides USING (recording)`,
  };
}

const labelTest = ({ text }: Dialect, [key, value]: readonly [string, string]) =>
  `labels[${text(key)}] = ${text(value)}`;

/** Returns the tables that all queries begin with: samples of one event, added up by stack, and stacks and frames by id. */
function commonTables(dialect: Dialect, request: SqlRequest, parts: QueryParts): Table[] {
  const { by, frameColumns = [], wholeStacks } = parts;
  const { dataset, event } = request, { any } = dialect;
  const columns = ["event", "stack_id", "weight", ...by ? [by] : []].join(", ");
  const group = ["stack_id", ...by ? [by] : []].join(", ");
  const partitions = where(partitionTests(dialect, request));
  return [
    [
      "samples",
      `SELECT ${columns}\n  FROM ${dialect.table(dataset, "samples")}${where(sampleTests(dialect, request))}`,
    ],
    [
      "counted",
      `SELECT ${group}, count(*) AS samples, sum(weight) AS weight\n  FROM samples\n  ` +
      (event === undefined
        ? "WHERE event IN (SELECT event FROM samples GROUP BY event ORDER BY count(*) DESC, event LIMIT 1)\n  "
        : "") +
      `GROUP BY ${group}`,
    ],
    [
      "stacks",
      `SELECT stack_id, ${any}(${wholeStacks ? "frame_ids) AS frame_ids" : "leaf_id) AS leaf_id"}\n  ` +
      `FROM ${dialect.table(dataset, "stacks")}\n  ` +
      `WHERE stack_id IN (SELECT stack_id FROM counted)${
        partitions.replace("WHERE", "AND")
      }\n  GROUP BY stack_id`,
    ],
    [
      "frames",
      `SELECT frame_id, ${
        ["object", "name", ...frameColumns].map((name) => `${any}(${name}) AS ${name}`).join(", ")
      }\n  ` +
      `FROM ${dialect.table(dataset, "frames")}${partitions}\n  GROUP BY frame_id`,
    ],
  ];
}

const where = (tests: readonly string[]) => tests.length > 0 ? `\n  WHERE ${tests.join(" AND ")}` : "";

/** Returns conditions on samples. */
function sampleTests(dialect: Dialect, request: SqlRequest): string[] {
  const { dataset, services, labels, since, until, event } = request, { text } = dialect;
  const time = (micros: number) =>
    dialect.time(new Date(micros / 1000).toISOString().replace("T", " ").slice(0, -1));
  return [
    ...partitionTests(dialect, request),
    ...services ? [`service IN (${[...services].map(text).join(", ")})`] : [],
    ...event === undefined ? [] : [`event = ${text(event)}`],
    ...since === undefined ? [] : [`time >= ${time(since)}`],
    ...until === undefined ? [] : [`time < ${time(until)}`],
    ...labels
      ? [
        `recording IN (SELECT recording FROM ${dialect.table(dataset, "recordings")} WHERE ${
          [...labels].map((label) => labelTest(dialect, label)).join(" AND ")
        })`,
      ]
      : [],
  ];
}

/** Returns conditions on partitions, which rule out whole folders. */
function partitionTests({ text }: Dialect, { hosts, until }: SqlRequest): string[] {
  return [
    ...hosts ? [`host IN (${[...hosts].map(text).join(", ")})`] : [],
    ...until === undefined ? [] : [`date <= ${text(new Date(until / 1000).toISOString().slice(0, 10))}`],
  ];
}
