/** What main.ts makes of the first words of a command line. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { pmuctl, pmuctlOk } from "./harness.ts";

Deno.test("the version and the help are asked for in several ways, and no words at all are wrong usage", async () => {
  const version = await pmuctlOk(["--version"]);
  assertMatch(version, /^pmuctl \d+\.\d+\.\d+\n$/);
  for (const words of [["-V"], ["version"]]) assertEquals(await pmuctlOk(words), version, words[0]);
  const help = await pmuctlOk(["--help"]);
  assertMatch(help, /^ {2}record +\S/m);
  for (const words of [["-h"], ["help"]]) assertEquals(await pmuctlOk(words), help, words[0]);
  assertEquals(await pmuctlOk(["help", "sets"]), await pmuctlOk(["sets", "--help"]));
  const { status, stdout, stderr } = await pmuctl([]);
  assertEquals([status, stdout, stderr], [2, "", help]);
});

Deno.test("a command that there is not is answered with the one that is meant", async () => {
  const cases: [words: string[], answer: string][] = [
    [["recrod"], "unknown command 'recrod'; did you mean 'record'?"],
    [["zzzzzz"], "unknown command 'zzzzzz': see 'pmuctl --help'"],
    [
      ["top"],
      "unknown command 'top': 'pmuctl record -a -g --duration 5 && pmuctl report' shows what runs now",
    ],
    [["constructor"], "unknown command 'constructor': see 'pmuctl --help'"],
    [["help", "recrod"], "unknown command 'recrod'; did you mean 'record'?"],
    [["report", "--callgraph"], "unknown option --callgraph; did you mean --call-graph?"],
  ];
  for (const [words, answer] of cases) {
    const { status, stdout, stderr } = await pmuctl(words);
    assertEquals([status, stdout, stderr], [2, "", `pmuctl: ${answer}\n`], words.join(" "));
  }
});

Deno.test("an option of another tool is answered with what there is instead", async () => {
  const { status, stderr } = await pmuctl(["report", "--tui"]);
  assertEquals(status, 2);
  assertMatch(stderr, /^pmuctl: report has no option --tui: .*--format html.*\n$/);
});

Deno.test("perf's name for the list of events is known", async () => {
  assertStringIncludes(await pmuctlOk(["list"]), "cpu-clock");
  assertEquals(await pmuctlOk(["list", "--help"]), await pmuctlOk(["list-events", "--help"]));
});
