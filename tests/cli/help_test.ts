import { assert, assertEquals, assertMatch } from "@std/assert";
import { allOptions } from "../../lib/cli/args.ts";
import type { CommandSpec } from "../../lib/cli/command.ts";
import { commandHelp, overview } from "../../lib/cli/help.ts";

const COMMANDS: CommandSpec[] = await Promise.all(
  Array.from(Deno.readDirSync(new URL("../../lib/commands", import.meta.url)))
    .map(async ({ name }) => (await import(`../../lib/commands/${name}`)).command as CommandSpec | undefined),
).then((commands) => commands.filter((command) => command !== undefined));

Deno.test("help fits the terminal, for every command, whole words kept", () => {
  assert(COMMANDS.length >= 17);
  for (const width of [60, 80, 100, 200]) {
    for (
      const text of [
        overview(COMMANDS, width),
        ...COMMANDS.map((command) => commandHelp(command, width)),
      ]
    ) {
      const [long] = text.split("\n").filter((line) =>
        line.length > Math.min(width, 110) && !line.startsWith("  pmuctl")
      );
      // a single word that is longer is shown whole
      assert(long === undefined || !/\S \S/.test(long.trim()), `${width} columns: ${long}`);
    }
  }
});

Deno.test("usage lines keep an option and its value together, and the command behind --", () => {
  for (const command of COMMANDS) {
    for (const width of [40, 60, 80]) {
      const [usage] = commandHelp(command, width).slice(commandHelp(command, width).indexOf("usage:"))
        .split("\n\n");
      const cut = usage.split("\n").filter((line) => / --?[a-z]*$/.test(line) || / -- NEW$/.test(line));
      assertEquals(cut, [], `pmuctl ${command.name} --help in ${width} columns`);
    }
  }
});

Deno.test("help shows every option once, but for those that change nothing", () => {
  for (const command of COMMANDS) {
    const text = commandHelp(command, 80);
    for (const { name } of allOptions(command)) {
      const shown = text.split(new RegExp(`^  (?:-., |    )--${name}(?=[ =[]|$)`, "m")).length - 1;
      assertEquals(shown, command.hidden?.includes(name) ? 0 : 1, `${command.name} --${name}`);
    }
  }
});

Deno.test("groups and hidden names are names of options, and of one group each", () => {
  for (const command of COMMANDS) {
    const names = [...(command.groups ?? []).flatMap(({ options }) => options), ...(command.hidden ?? [])];
    const known = allOptions(command).map(({ name }) => name);
    assertEquals(names.filter((name) => !known.includes(name)), [], command.name);
    assertEquals(names.length, new Set(names).size, command.name);
    // where there are groups, nothing but --help is left over
    if (command.groups) assertMatch(commandHelp(command, 80), /other options:\n {2}-h, --help/);
  }
});
