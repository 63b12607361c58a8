/** The manual page, by the tables and as man(1) and groff show it. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { allOptions } from "../../lib/cli/args.ts";
import type { CommandSpec } from "../../lib/cli/command.ts";
import { manualPage } from "../../lib/cli/manual.ts";
import { PMUCTL } from "../live/harness.ts";
import { testNeeding } from "../needs.ts";

const COMMANDS: CommandSpec[] = await Promise.all(
  ["record", "report", "diff", "bind", "stat", "check", "list_events"].map(async (name) =>
    (await import(`../../lib/commands/${name}.ts`)).command
  ),
);

/** A command whose texts hold what roff takes for its own. */
const HOSTILE: CommandSpec = {
  name: "hostile",
  summary: ".so /etc/passwd, 'quoted' \\fBbold\\fR",
  usage: [".x 'y' -- \\e", ""],
  options: [{ name: "dot", short: "d", value: "FILE", help: ".dot 'first', a\\b, ~/x ^ ` \"" }],
  lists: [{ title: "list", rows: [[".a", "'b"]] }],
  examples: ["'pmuctl' \"x\" \\n", ".", "pmuctl -- 'a -b'"],
  run: () => Promise.resolve(0),
};

async function run(command: string, args: string[], env = {}): Promise<{ out: string; err: string }> {
  const { stdout, stderr } = await new Deno.Command(command, {
    args,
    env: { MANWIDTH: "100", LC_ALL: "C.UTF-8", MAN_KEEP_FORMATTING: "", ...env },
  }).output();
  const decoder = new TextDecoder();
  return { out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

testNeeding(["man"], "man and groff have no warning about the page, and show each option", async () => {
  const file = Deno.makeTempFileSync({ suffix: ".1" });
  try {
    Deno.writeTextFileSync(file, manualPage([...COMMANDS, HOSTILE], "2026-01-31"));
    const { out, err } = await run("man", ["--warnings", "-l", file]);
    assertEquals(err, "");
    assertEquals((await run("groff", ["-ww", "-man", "-Tutf8", "-z", file])).err, "");
    for (
      const heading of ["NAME", "SYNOPSIS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"]
    ) {
      assert(out.split("\n").includes(heading), heading);
    }
    for (const command of COMMANDS) {
      for (const { name } of allOptions(command)) {
        if (!command.hidden?.includes(name)) assertStringIncludes(out, `--${name}`, command.name);
      }
      for (const example of command.examples ?? []) assertStringIncludes(out, ` ${example}\n`);
    }
    for (
      const text of [
        ".so /etc/passwd, 'quoted' \\fBbold\\fR.",
        ".dot 'first', a\\b, ~/x ^ ` \"",
        HOSTILE.examples![0],
      ]
    ) {
      assertStringIncludes(out, text);
    }
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("options that change nothing are not in the manual page", () => {
  const page = manualPage(COMMANDS);
  assertStringIncludes(page, "keep\\-rate");
  assert(!page.includes("sample\\-identifier"));
});

Deno.test("pmuctl manual has every command, and the day of SOURCE_DATE_EPOCH", async () => {
  const { out } = await run(PMUCTL, ["manual"], { SOURCE_DATE_EPOCH: "86400" });
  assertStringIncludes(out, '.TH PMUCTL 1 "1970-01-02" "pmuctl ');
  const { out: overview } = await run(PMUCTL, ["--help"]);
  const names = Array.from(overview.matchAll(/^ {2}([a-z-]+) {2,}/gm), ([, name]) => name);
  assert(names.length >= 18);
  for (const name of names) assertStringIncludes(out, `.SS ${name.replaceAll("-", "\\-")}\n`);
});
