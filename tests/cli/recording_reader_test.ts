import { assertEquals } from "@std/assert";
import { readerIn } from "../../lib/cli/recording_reader.ts";

Deno.test("readerIn() finds a command that reads recordings, however it is run", () => {
  const found: Record<string, string> = {
    "pmuctl report": "pmuctl report",
    "/bin/sh ../scripts/pmuctl report -g": "pmuctl report",
    "/opt/deno run -A -q /opt/pmuctl/build/program/main.js report -i -": "pmuctl report",
    "sudo perf --no-pager script -i -": "perf script",
    "/usr/bin/perf_6.1 report": "perf_6.1 report",
    "/usr/lib/linux-tools/perf-5.10 inject -b": "perf-5.10 inject",
    "env A=1 nice -n 5 pmuctl analyze -CLP": "pmuctl analyze",
    "build/pmuctl-x86_64 report": "pmuctl report",
  };
  for (const [words, reader] of Object.entries(found)) {
    assertEquals(readerIn(words.split(" ")), reader, words);
  }
  assertEquals(readerIn(["ssh", "host", "perf report -i -"]), "perf report");
});

Deno.test("readerIn() takes nothing else for one", () => {
  for (
    const words of [
      "tee perf.data",
      "grep perf",
      "cat",
      "",
      "perf stat -- report",
      "less report",
      "perf",
      "perfect report",
    ]
  ) {
    assertEquals(readerIn(words.split(" ")), undefined, words);
  }
});
