/** Reports of Go programs without symbols, against those of the same recordings with symbols and debug information. */

import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { pmuctlOk, run, withFolder } from "../harness.ts";

const SOURCE = `
package main

import ("fmt"; "sort")

type number interface{ ~int | ~float64 }

func square[T number](v T) T { return v * v }

//go:noinline
func total[T number](v []T) (t T) { for _, x := range v { t += square(x) }; return }

func mix(x uint64) uint64 { x ^= x >> 33; return scramble(x) }

func scramble(x uint64) uint64 { return (x * 0xff51afd7ed558ccd) ^ (x >> 29) }

//go:noinline
func run(n int) (x uint64) { for i := 0; i < n; i++ { x += mix(x + uint64(i)) }; return }

func main() {
  v := make([]float64, 10000)
  for r := 0; r < 120; r++ {
    for i := range v { v[i] = float64(i * 7919 * (r + 1) % 10007) }
    sort.Slice(v, func(a, b int) bool { return v[a] < v[b] })
    t := 0.0
    for i := 0; i < 100; i++ { t += total(v) }
    fmt.Print(t, run(1000000), "\\r")
  }
}
`;

testNeeding(
  ["go", "binutils"],
  "a stripped Go program has its functions, lines and inlined functions in every report",
  () =>
    withFolder(async (folder) => {
      const program = `${folder}/program`, data = `${folder}/perf.data`;
      await Deno.writeTextFile(`${folder}/a.go`, SOURCE);
      // the same build id, so that one can stand in for the other
      for (
        const command of [
          [
            "go",
            "build",
            "-ldflags=-B 0x1234567890abcdef1234567890abcdef12345678",
            "-o",
            `${folder}/whole`,
            `${folder}/a.go`,
          ],
          ["strip", "-o", program, `${folder}/whole`],
        ]
      ) {
        const { status, stderr } = await run(command[0], command.slice(1));
        assert(status === 0, stderr);
      }
      // without signals: what their handlers return to lies behind code that only one of the two knows the end of
      await pmuctlOk(["record", "-q", "-g", "-e", "cpu-clock:u", "-F", "1999", "-o", data, "--", program], {
        env: { GODEBUG: "asyncpreemptoff=1" },
      });
      const report = (...options: string[]) => pmuctlOk(["report", "-i", data, ...options]);
      const formats = [["--inline", "--lines"], ["-g", "--lines"], ["--format", "folded"], ["--no-inline"]];
      const stripped: string[] = [];
      for (const options of formats) stripped.push(await report(...options));
      // goroutines return to the second instruction of goexit, behind one of a byte
      assertMatch(stripped[1], /runtime\.goexit asm_\w+\.s:\d+/);
      assert(!stripped[1].includes("runtime.goexit ??"), stripped[1]);
      const { events: [{ rows }] } = JSON.parse(await report("--inline", "--json"));
      assertEquals(rows.filter(({ symbol }: { symbol: string | null }) => symbol === null), []);
      const names = new Map<string, { self_percent: number; inlined?: boolean }>(
        rows.map((row: { symbol: string }) => [row.symbol, row]),
      );
      for (const name of ["main.main.func1", "sort.insertionSort_func"]) {
        assert(names.has(name), [...names.keys()].join());
      }
      assert(names.get("main.mix")?.inlined || names.get("main.scramble")?.inlined);
      assertGreater(
        [...names.keys()].filter((name) => /^main\.total\[/.test(name)).length,
        0,
      );

      await Deno.copyFile(`${folder}/whole`, program);
      for (const [i, options] of formats.entries()) {
        // symbols tell assembly functions apart by how they are called; the table does not
        const whole = (await report(...options)).replaceAll(".abi0", "");
        assertEquals(withoutSpace(stripped[i]), withoutSpace(whole), options.join(" "));
      }
    }),
);

/** Returns a text without what widths of columns change. */
function withoutSpace(text: string): string[] {
  return text.split("\n").map((line) => line.replaceAll(/\s+/g, " ")).sort();
}
