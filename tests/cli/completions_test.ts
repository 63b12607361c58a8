/** Completion in the shells themselves: keys typed into bash and zsh on a terminal, and fish's own engine. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { allOptions } from "../../lib/cli/args.ts";
import type { CommandSpec } from "../../lib/cli/command.ts";
import { valueKind } from "../../lib/cli/completions/words.ts";
import { PMUCTL } from "../live/harness.ts";
import { testNeeding, testUnless } from "../needs.ts";
import { type SessionShell, ShellSession } from "./shell_session.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const BASH_COMPLETION = "/usr/share/bash-completion/bash_completion";

const COMMANDS: CommandSpec[] = await Promise.all(
  Array.from(Deno.readDirSync(`${ROOT}/lib/commands`), ({ name }) => name).filter((name) =>
    name.endsWith(".ts")
  )
    .map(async (name) => (await import(`../../lib/commands/${name}`)).command as CommandSpec | undefined),
).then((commands) => commands.filter((command) => command !== undefined));

/** A folder with a pmuctl that prints its arguments as `<a><b>.`, a program to run, and files; and the script. */
async function scene(shell: string): Promise<{ folder: string; script: string; path: string } & Disposable> {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-complete-" });
  const { success, stdout } = await new Deno.Command(PMUCTL, {
    args: ["completions", shell],
  })
    .output();
  assert(success);
  const script = `${folder}/.script`;
  Deno.writeFileSync(script, stdout);
  Deno.mkdirSync(`${folder}/bin`);
  const program = (name: string, text: string) => {
    Deno.writeTextFileSync(`${folder}/bin/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  };
  program(
    "pmuctl",
    `case "$1 $2" in
      'complete set') printf 'web\\tnamed set\\nworker\\tnamed set\\n' ;;
      complete*) exec '${PMUCTL}' "$@" ;;
      *) printf '<%s>' "$@"; echo . ;;
    esac`,
  );
  program("probe-program", "exit 1");
  for (const name of ["one two.data", "probe.json"]) Deno.writeTextFileSync(`${folder}/${name}`, "");
  const remove = () => Deno.removeSync(folder, { recursive: true });
  return { folder, script, path: `${folder}/bin:/usr/bin:/bin`, [Symbol.dispose]: remove };
}

/** What is typed, with a tab where the shell is to complete, and the arguments that pmuctl then gets. */
const TYPED: readonly [what: string, keys: string, args: string][] = [
  ["commands", "rec\t -g", "<record><-g>"],
  ["commands behind help", "help rec\t", "<help><record>"],
  ["options", "record --keep\t", "<record><--keep-rate>"],
  ["options behind an operand", "sample web --si\t", "<sample><web><--since>"],
  ["values behind letters in one word", "record -ge cyc\t", "<record><-ge><cycles>"],
  ["values of one word with their letter", "record -einstruc\t", "<record><-einstructions>"],
  ["values behind =", "record --event=instruc\t", "<record><--event=instructions>"],
  [
    "values of options that take none but behind =",
    "record --switch-output=s\t",
    "<record><--switch-output=signal>",
  ],
  ["events inside a set", "bind -c pic0=cycles,pic1=instruc\t", "<bind><-c><pic0=cycles,pic1=instructions>"],
  ["events inside quotes", "record -e '{cycles,instruc\t", "<record><-e><{cycles,instructions>"],
  ["events by PAPI's names", "bind -e PAPI_TOT_I\t", "<bind><-e><PAPI_TOT_INS>"],
  ["events as operands", "list-events task-cl\t", "<list-events><task-clock>"],
  ["report formats", "report --format spee\t", "<report><--format><speedscope>"],
  ["the last key of a list", "report --sort comm,ds\t", "<report><--sort><comm,dso>"],
  ["the modes of call chains", "record --call-graph dw\t", "<record><--call-graph><dwarf>"],
  ["metrics", "check -m instr\t", "<check><-m><instructions>"],
  ["named sets", "sample we\t", "<sample><web>"],
  ["PMUs", "attrlist soft\t", "<attrlist><software>"],
  ["shells", "completions z\t", "<completions><zsh>"],
  ["files with spaces", "report -i one\t", "<report><-i><one two.data>"],
  ["files behind =", "report --input=one\t", "<report><--input=one two.data>"],
  ["files as operands", "report one\t", "<report><one two.data>"],
  ["the command to run", "record -g probe-p\t", "<record><-g><probe-program>"],
  ["the command to run behind --", "record -F 99 -- probe-p\t", "<record><-F><99><--><probe-program>"],
  [
    "files of the command to run",
    "record -gF 99 probe-program prob\t",
    "<record><-gF><99><probe-program><probe.json>",
  ],
];
/** What is ambiguous is listed. */
const LISTED: readonly [keys: string, ...shown: string[]][] = [
  ["report --format f\t\t", "folded", "flamegraph", "firefox"],
  ["record --max-\t\t", "--max-size", "--max-lost"],
  ["sample w\t\t", "web", "worker"],
];

async function completesAsTyped(shell: SessionShell, setUp: (script: string) => string): Promise<void> {
  using place = await scene(shell);
  const options = { cwd: place.folder, path: place.path };
  await using session = await ShellSession.start(shell, setUp(place.script), options);
  for (const [what, keys, args] of TYPED) {
    const shown = await session.shows(`pmuctl ${keys}\n`, ">.");
    assertStringIncludes(shown, `${args}.`, `${shell} completes ${what}`);
  }
  for (const [keys, ...listed] of LISTED) await session.shows(`\x15pmuctl ${keys}`, ...listed);
}

testNeeding(["script"], "bash completes commands, options, values and the command to run", async () => {
  await completesAsTyped("bash", (script) => `source ${script}`);
});

const noBashCompletion = !exists(BASH_COMPLETION) &&
  `it needs ${BASH_COMPLETION} (apt-get install bash-completion)`;
testUnless(noBashCompletion, "bash completes the same with bash-completion loaded", async () => {
  await completesAsTyped("bash", (script) => `source ${BASH_COMPLETION}; source ${script}`);
});

testUnless(noBashCompletion, "bash completes the command to run as it would be by itself", async () => {
  using place = await scene("bash");
  await using session = await ShellSession.start(
    "bash",
    `source ${BASH_COMPLETION}; source ${place.script}; complete -W '--json-lines' probe-program`,
    { cwd: place.folder, path: place.path },
  );
  const args = "<record><-e><sched:sched_switch><--><probe-program><--json-lines>.";
  assertStringIncludes(
    await session.shows("pmuctl record -e sched:sched_switch -- probe-program --js\t\n", ">."),
    args,
  );
});

testNeeding(["zsh", "script"], "zsh completes commands, options, values and the command to run", async () => {
  await completesAsTyped("zsh", (script) => `autoload -U compinit; compinit -D -u; source ${script}`);
});

testNeeding(["zsh", "script"], "zsh finds the script in a folder of its functions, too", async () => {
  using place = await scene("zsh");
  Deno.mkdirSync(`${place.folder}/functions`);
  Deno.renameSync(place.script, `${place.folder}/functions/_pmuctl`);
  const setUp = `fpath=(${place.folder}/functions $fpath); autoload -U compinit; compinit -D -u`;
  await using session = await ShellSession.start("zsh", setUp, { cwd: place.folder, path: place.path });
  for (const round of [1, 2]) {
    const shown = await session.shows("pmuctl report --format spee\t\n", ">.");
    assertStringIncludes(shown, "<report><--format><speedscope>.", `round ${round}`);
  }
});

testNeeding(["fish"], "fish completes commands, options, values and the command to run", async () => {
  using place = await scene("fish");
  const complete = async (line: string) => {
    const { stdout, stderr } = await new Deno.Command("fish", {
      args: ["--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"', place.script, line],
      cwd: place.folder,
      env: { PATH: place.path, HOME: place.folder },
    }).output();
    assertEquals(new TextDecoder().decode(stderr), "", line);
    return new TextDecoder().decode(stdout).trimEnd().split("\n").map((row) => row.split("\t")[0]);
  };
  // fish gives the whole word, without the quotes
  for (const [what, keys, args] of TYPED) {
    const line = `pmuctl ${keys.slice(0, keys.indexOf("\t"))}`;
    const word = what === "commands" ? "record" : args.slice(args.lastIndexOf("<") + 1, -1);
    assertEquals(await complete(line), [word], `fish completes ${what}`);
  }
  for (const [keys, ...listed] of LISTED) {
    assertEquals((await complete(`pmuctl ${keys.trimEnd()}`)).toSorted(), listed.toSorted());
  }
});

Deno.test("options that change nothing are not offered, in any shell", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    using place = await scene(shell);
    const text = Deno.readTextFileSync(place.script);
    assertStringIncludes(text, "keep-rate");
    assert(!text.includes("sample-identifier"), shell);
  }
});

Deno.test("the words offered for a value need no quotes in any shell", () => {
  const lists = COMMANDS.flatMap(allOptions).filter((option) => Array.isArray(valueKind(option)));
  assert(lists.length >= 8);
  for (const option of lists) {
    for (const word of valueKind(option) as string[]) {
      assert(/^[\w-]+$/.test(word), `--${option.name} ${word}`);
    }
  }
});

Deno.test("completions asks for the name of a shell that it knows", async () => {
  for (
    const args of [["completions"], ["completions", "tcsh"], ["completions", "constructor"], [
      "complete",
      "x",
    ]]
  ) {
    const { code, stderr } = await new Deno.Command(PMUCTL, { args }).output();
    assertEquals(code, 2, args.join(" "));
    assertStringIncludes(new TextDecoder().decode(stderr), "expected");
  }
});

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
