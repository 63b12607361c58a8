import { jsonText } from "./printable.ts";

/**
 * Schema names of the JSON documents that pmuctl prints, each the first field of its document (or line):
 * `pmuctl.report/1`. The number goes up when a field is removed or changes meaning; new fields leave it as it is.
 * docs/formats.md describes them.
 */
export const JSON_SCHEMAS = {
  annotate: "pmuctl.annotate/1",
  attrlist: "pmuctl.attrlist/1",
  bindRow: "pmuctl.bind-row/1",
  bindSummary: "pmuctl.bind-summary/1",
  check: "pmuctl.check/1",
  diff: "pmuctl.diff/1",
  info: "pmuctl.info/1",
  listEvents: "pmuctl.list-events/1",
  report: "pmuctl.report/1",
  reportStats: "pmuctl.report-stats/1",
  sample: "pmuctl.sample/1",
  script: "pmuctl.script/1",
  set: "pmuctl.set/1",
  stat: "pmuctl.stat/1",
  trend: "pmuctl.trend/1",
} as const satisfies Record<string, `pmuctl.${string}/${number}`>;

/** Formats a document that consists of one list, `name`, with one line per member. */
export function jsonLines(schema: string, name: string, members: readonly object[]): string {
  const lines = members.map((member) => `\n    ${jsonText(member)}`).join(",");
  const list = lines ? `[${lines}\n  ]` : "[]";
  return `{\n  "schema": ${jsonText(schema)},\n  ${jsonText(name)}: ${list}\n}\n`;
}
