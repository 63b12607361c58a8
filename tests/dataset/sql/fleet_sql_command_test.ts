import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ENGINES } from "../../../lib/dataset/sql/dialects.ts";
import { pmuctl, pmuctlOk } from "../../live/harness.ts";

Deno.test("fleet-sql prints one statement for each engine, with the parts that are asked for", async () => {
  const options = [
    "--host",
    "web-1,it's",
    "--service",
    "nginx",
    "--label",
    "a=b",
    "--since",
    "2026-11-30",
    "--limit",
    "7",
  ];
  for (const engine of ENGINES) {
    const sql = await pmuctlOk(["fleet-sql", engine, "top", "/data/profiles/", ...options]);
    assertEquals(sql.split(";\n").length, 2, sql);
    assertStringIncludes(sql, "/data/profiles/samples");
    assertMatch(sql, /host IN \('web-1', 'it(''|\\')s'\)/);
    assertMatch(
      sql,
      /service IN \('nginx'\)[\s\S]*2026-11-30 00:00:00\.000[\s\S]*labels\['a'\] = 'b'[\s\S]*LIMIT 7;/,
    );
  }
});

Deno.test("fleet-sql says in one line what it cannot make SQL of", async () => {
  const cases: [args: string[], line: RegExp][] = [
    [[], /name an engine: expected one of duckdb, spark, clickhouse/],
    [["sqlite", "top"], /unknown engine 'sqlite'/],
    [["duckdb"], /name a query: expected one of top, flamegraph, diff, hosts, growth/],
    [["duckdb", "best"], /unknown query 'best'/],
    [["duckdb", "top", "/data/*"], /engines take '\/data\/\*' for a pattern/],
    [["duckdb", "top", "--host", "a\nb"], /--host 'a\\nb': it has control characters in it/],
    [["duckdb", "top", "--old", "a=b"], /--old and --new are for the query diff/],
    [["duckdb", "diff", "--old", "build-id=xyz"], /expected a build id in hex/],
    [["duckdb", "diff", "--old", "build-id=aa", "--new", "a=b"], /compare a label with a build id/],
    [["duckdb", "top", "--limit", "0"], /--limit/],
  ];
  for (const [args, line] of cases) {
    const { status, stdout, stderr } = await pmuctl(["fleet-sql", ...args]);
    assertEquals([status, stdout, stderr.trimEnd().split("\n").length], [2, "", 1], stderr);
    assertMatch(stderr, line);
  }
});
