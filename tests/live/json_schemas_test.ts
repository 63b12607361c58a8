/** What names the JSON that each command prints. */

import { assertEquals } from "@std/assert";
import { JSON_SCHEMAS } from "../../lib/base/text/json_schemas.ts";
import type { CommandSpec } from "../../lib/cli/command.ts";
import { pmuctlOk, withFolder } from "./harness.ts";

const SET = `schemas-${Deno.pid}`;
const DATA = ["report", "--json", "-i", "perf.data"];

/** Each document by a command that prints it, in an order in which they work. */
const PRINTED: readonly [schema: string, args: readonly string[]][] = [
  [JSON_SCHEMAS.report, DATA],
  [JSON_SCHEMAS.report, ["report", "--format", "json", "perf.data"]],
  [JSON_SCHEMAS.report, [...DATA, "-g", "-s", "pid,sym"]],
  [JSON_SCHEMAS.reportStats, [...DATA, "--stats"]],
  [JSON_SCHEMAS.annotate, ["annotate", "--json", "-i", "perf.data"]],
  [JSON_SCHEMAS.script, ["script", "--json", "-i", "perf.data"]],
  [JSON_SCHEMAS.diff, ["diff", "--json", "perf.data", "perf.data"]],
  [JSON_SCHEMAS.info, ["info", "--json"]],
  [JSON_SCHEMAS.listEvents, ["list-events", "--json", "page-faults"]],
  [JSON_SCHEMAS.listEvents, ["list-events", "--json", "no-such-event"]],
  [JSON_SCHEMAS.attrlist, ["attrlist", "--json", "software"]],
  [JSON_SCHEMAS.bindRow, ["bind", "--json", "-e", "page-faults", "--", "true"]],
  [JSON_SCHEMAS.bindSummary, ["bind", "--json", "--", "true"]],
  [JSON_SCHEMAS.set, ["bind", "--json", "--detach", SET, "-e", "page-faults", "-p", `${Deno.pid}`]],
  [JSON_SCHEMAS.set, ["sets", "--json"]],
  [JSON_SCHEMAS.sample, ["sample", "--json", "--each", SET]],
  [JSON_SCHEMAS.sample, ["unbind", "--json", SET]],
  [JSON_SCHEMAS.stat, ["stat", "--json", "-r", "2", "--", "true"]],
  [
    JSON_SCHEMAS.check,
    [
      ...["check", "--json", "-m", "wall", "-t", "900", "--history", "h.jsonl"],
      ...["--against", "true", "--", "true"],
    ],
  ],
  [JSON_SCHEMAS.trend, ["trend", "--json", "h.jsonl"]],
];

/** The schemas that a command's output names: of the document, or of each of its lines. */
function schemasIn(output: string): Set<string> {
  const isOne = output.startsWith("{\n");
  const documents = isOne ? [output] : output.trimEnd().split("\n");
  return new Set(documents.map((text) => JSON.parse(text).schema));
}

Deno.test("each JSON document names its schema, first of all", async () => {
  await withFolder(async (cwd) => {
    await pmuctlOk(["record", "-q", "-e", "cpu-clock", "-o", "perf.data", "--", "true"], { cwd });
    for (const [schema, args] of PRINTED) {
      const output = await pmuctlOk([...args], { cwd });
      assertEquals([...schemasIn(output)], [schema], args.join(" "));
      assertEquals(/^\{\s*"schema": ?"([^"]*)"/.exec(output)?.[1], schema, args.join(" "));
    }
  });
});

Deno.test("each schema and each command that has --json is in the test above", async () => {
  assertEquals(new Set(PRINTED.map(([schema]) => schema)), new Set(Object.values(JSON_SCHEMAS)));
  const folder = new URL("../../lib/commands/", import.meta.url);
  const names: string[] = [];
  for (const { name, isFile } of Deno.readDirSync(folder)) {
    const { command } = (isFile ? await import(new URL(name, folder).href) : {}) as { command?: CommandSpec };
    if (command?.options.some((option) => option.name === "json")) names.push(command.name);
  }
  assertEquals(new Set(PRINTED.map(([, [command]]) => command)), new Set(names));
});
