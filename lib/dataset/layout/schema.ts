/** Columns of the tables, as Parquet's schema has them. docs/fleet.md says what each means. */

import type { SchemaElement } from "hyparquet";
import type { TableName } from "./partitions.ts";

/** Kind of the frames of addresses where nothing was mapped, in the column `kind`; others have the kind of their object. */
export const NO_OBJECT = "none";

/** Most values of a column in a row group, ids of lists counted one by one. Readers refuse more. */
export const MAX_VALUES = 1 << 21;

type Repetition = "REQUIRED" | "OPTIONAL";

const text = (name: string, repetition_type: Repetition = "REQUIRED"): SchemaElement => ({
  name,
  type: "BYTE_ARRAY",
  repetition_type,
  converted_type: "UTF8",
  logical_type: { type: "STRING" },
});
const int32 = (name: string, repetition_type: Repetition = "REQUIRED"): SchemaElement => ({
  name,
  type: "INT32",
  repetition_type,
});
const int64 = (name: string, repetition_type: Repetition = "REQUIRED"): SchemaElement => ({
  name,
  type: "INT64",
  repetition_type,
});
const double = (name: string, repetition_type: Repetition = "REQUIRED"): SchemaElement => ({
  name,
  type: "DOUBLE",
  repetition_type,
});
const flag = (name: string): SchemaElement => ({ name, type: "BOOLEAN", repetition_type: "REQUIRED" });
/** Time in microseconds since 1970, UTC: Spark reads no finer ones. */
const time = (name: string, repetition_type: Repetition = "OPTIONAL"): SchemaElement => ({
  name,
  type: "INT64",
  repetition_type,
  converted_type: "TIMESTAMP_MICROS",
  logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
});
const list = (name: string, element: SchemaElement): SchemaElement[] => [
  {
    name,
    repetition_type: "REQUIRED",
    num_children: 1,
    converted_type: "LIST",
    logical_type: { type: "LIST" },
  },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { ...element, name: "element" },
];
const textMap = (name: string): SchemaElement[] => [
  {
    name,
    repetition_type: "REQUIRED",
    num_children: 1,
    converted_type: "MAP",
    logical_type: { type: "MAP" },
  },
  { name: "key_value", repetition_type: "REPEATED", num_children: 2 },
  text("key"),
  text("value"),
];

const COLUMNS: Readonly<Record<TableName, readonly (SchemaElement | SchemaElement[])[]>> = {
  samples: [
    time("time"),
    text("recording"),
    text("event"),
    text("state"),
    int64("weight"),
    int32("pid", "OPTIONAL"),
    int32("tid", "OPTIONAL"),
    int32("cpu", "OPTIONAL"),
    text("comm"),
    text("service"),
    int64("stack_id"),
  ],
  stacks: [int64("stack_id"), int64("leaf_id"), list("frame_ids", int64("element"))],
  frames: [
    int64("frame_id"),
    text("function", "OPTIONAL"),
    text("name"),
    text("object"),
    text("path"),
    text("build_id"),
    text("kind"),
    flag("kernel"),
    flag("inlined"),
    text("file", "OPTIONAL"),
    int32("line", "OPTIONAL"),
    double("start_address", "OPTIONAL"),
    double("end_address", "OPTIONAL"),
    text("cause", "OPTIONAL"),
    text("remedy", "OPTIONAL"),
  ],
  recordings: [
    text("recording"),
    int32("layout"),
    time("start"),
    time("end"),
    text("time_source"),
    double("seconds", "OPTIONAL"),
    text("source"),
    text("command"),
    text("kernel"),
    text("arch"),
    text("cpu"),
    int32("cpus", "OPTIONAL"),
    list("events", text("element")),
    int64("samples"),
    int64("lost", "OPTIONAL"),
    text("revision", "OPTIONAL"),
    textMap("labels"),
    text("profile"),
  ],
};

/** Returns the schema of a table's files. */
export function schemaOf(table: TableName): SchemaElement[] {
  const columns = COLUMNS[table];
  return [{ name: "schema", num_children: columns.length }, ...columns.flat()];
}
