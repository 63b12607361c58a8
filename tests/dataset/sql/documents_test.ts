import { assertEquals } from "@std/assert";
import { ENGINES } from "../../../lib/dataset/sql/dialects.ts";
import { fleetSql, QUERIES, type Query } from "../../../lib/dataset/sql/fleet_sql.ts";

const PAGE = new URL("../../../docs/fleet-sql.md", import.meta.url);
const NAMES = { duckdb: "DuckDB", spark: "Spark SQL", clickhouse: "ClickHouse" } as const;

/** Makes the page of all queries. */
function pageText(): string {
  const label = (release: string) => ({ label: ["release", release] as const });
  const request = { dataset: "/data/profiles", limit: 30, old: label("1.3"), new: label("1.4") };
  const sections = (Object.keys(QUERIES) as Query[]).flatMap((query) => [
    `## ${query}: ${QUERIES[query]}\n`,
    ...ENGINES.map((engine) => `${NAMES[engine]}:\n\n\`\`\`sql\n${fleetSql(engine, query, request)}\`\`\`\n`),
  ]);
  const head = "# SQL for datasets\n\n" +
    "The output of `pmuctl fleet-sql ENGINE QUERY /data/profiles`, which also takes hosts, services, labels and times:\n" +
    "[fleet.md](fleet.md) says what the columns of the answers are. `PMUCTL_BLESS=1 scripts/test tests/dataset/sql` writes\n" +
    "this page.\n";
  return [head, ...sections].join("\n");
}

Deno.test("the page of SQL has what fleet-sql prints", () => {
  if (Deno.env.get("PMUCTL_BLESS") === "1") Deno.writeTextFileSync(PAGE, pageText());
  // the formatter breaks lines of text elsewhere
  const lines = (text: string) => text.split("\n").filter((line) => line !== "").slice(4);
  assertEquals(lines(Deno.readTextFileSync(PAGE)).join("\n"), lines(pageText()).join("\n"));
});
