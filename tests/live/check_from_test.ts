/** `pmuctl check --from` on what hyperfine and `go test` write here and now. */

import { assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { assertRefusals, pmuctl, run, withFolder } from "./harness.ts";

interface Row {
  benchmark: string;
  metric: string;
  verdict: string;
  figures: { change: number };
}

async function checkFrom(format: string, ...args: string[]): Promise<{ status: number; rows: Row[] }> {
  const { status, stdout, stderr } = await pmuctl(["check", "--json", "--from", format, ...args]);
  assertEquals(stderr, "");
  return { status, rows: JSON.parse(stdout).rows };
}

testNeeding(
  ["hyperfine"],
  "check --from hyperfine finds what takes twice the time, and nothing that does not",
  () =>
    withFolder(async (folder) => {
      for (const [name, seconds] of [["old", "0.02"], ["same", "0.02"], ["slow", "0.04"]]) {
        const args = ["-N", "--runs", "12", "--export-json", `${folder}/${name}`, `sleep ${seconds}`];
        assertEquals((await run("hyperfine", args)).status, 0);
      }
      const slow = await checkFrom("hyperfine", `${folder}/old`, `${folder}/slow`);
      assertEquals([slow.status, slow.rows.length, slow.rows[0].verdict], [1, 1, "regressed"]);
      assertGreater(slow.rows[0].figures.change, 0.3);
      const same = await checkFrom("hyperfine", "-t", "100", `${folder}/old`, `${folder}/same`);
      assertEquals([same.status, same.rows[0].verdict], [0, "pass"]);
    }),
);

const GO_TEST = `package x
import ("os"; "testing")
var Sink []byte
func BenchmarkMake(b *testing.B) {
  n := 1000
  if os.Getenv("SLOW") != "" { n = 4000 }
  b.ReportAllocs()
  for i := 0; i < b.N; i++ { Sink = make([]byte, n) }
}
`;

testNeeding(
  ["go"],
  "check --from go goes by time and by what was allocated",
  () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/go.mod`, "module x\ngo 1.18\n");
      await Deno.writeTextFile(`${folder}/x_test.go`, GO_TEST);
      for (const [name, env] of [["old", {}], ["new", { SLOW: "1" }]] as const) {
        const args = ["test", "-bench", ".", "-count", "8", "-benchtime", "2000x"];
        const ran = await run("go", args, {
          cwd: folder,
          env: { ...env },
        });
        assertEquals(ran.status, 0, ran.stderr);
        await Deno.writeTextFile(`${folder}/${name}.txt`, ran.stdout);
      }
      const { status, rows } = await checkFrom(
        "go",
        "-m",
        "B/op",
        "-m",
        "allocs/op",
        `${folder}/old.txt`,
        `${folder}/new.txt`,
      );
      assertEquals(status, 1);
      assertEquals(rows.map(({ benchmark, metric, verdict }) => `${benchmark} ${metric} ${verdict}`), [
        "BenchmarkMake B/op regressed",
        "BenchmarkMake allocs/op pass",
      ]);
      const text = await pmuctl(["check", "--from", "go", `${folder}/old.txt`, `${folder}/new.txt`]);
      assertMatch(text.stdout, /^\w+ +BenchmarkMake: ns\/op /m);
      assertStringIncludes(text.stdout, "note: old and new were measured at different times");
    }),
);

Deno.test("check --from says what is wrong with its arguments", async () => {
  await assertRefusals([
    [["check", "--from", "go", "only-one"], /compares two files: pmuctl check --from go OLD NEW/, 2],
    [["check", "--from", "excel", "a", "b"], /--from .excel.: expected one of criterion/, 2],
    [["check", "--from", "go", "--budget", "3", "a", "b"], /--budget is for commands/, 2],
    [["check", "--from", "go", "/no/such/file", "b"], /cannot read \/no\/such\/file: no such file/, 4],
    [["check", "--from", "csv", "/dev/null", "/dev/null"], /\/dev\/null/, 4],
    [
      ["check", "--from", "criterion", "/proc/self", "/proc/self"],
      /no benchmark in it has a folder 'new'/,
      4,
    ],
  ]);
});
