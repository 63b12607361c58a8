/**
 * Runs the command lines that the documents show, in their order, in a folder with the programs they speak of. Only what
 * would take long is shortened: durations, intervals and budgets.
 */

import { assert, assertEquals } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { PMUCTL, run, withFolder } from "./harness.ts";

const ROOT = new URL("../../", import.meta.url);
const DOCUMENTS = [
  "README.md",
  ...["record", "report", "bind", "stat", "check", "trend"].map((name) => `docs/${name}.md`),
];

/** Lines that other tests run, and which. */
const ELSEWHERE: readonly [start: string, where: string][] = [
  ["scripts/test", "this is it"],
  ["scripts/compile", "tests/scripts/compile_test.ts"],
  ["scripts/install", "tests/scripts/install_test.ts"],
  ["scripts/package", "tests/scripts/compile_test.ts"],
  ["pmuctl check --from", "tests/live/check_from_test.ts"],
];

/** What `check` may answer of two programs that do the same. */
const VERDICTS = [0, 1, 5];

/** The named set that a document calls `web`. */
const SET = `web-${Deno.pid}`;

const BUSY = "#!/bin/sh\ni=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done\n";

/** The blocks of a document that are marked as of this language. */
function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter((block) => block[1] === language)
    .map((block) => block[2]);
}

/** The command lines of a document, without those that are run elsewhere. */
function commandLines(text: string): string[] {
  return blocksOf(text, "sh").flatMap((block) => block.trimEnd().split("\n"))
    .filter((line) => !ELSEWHERE.some(([start]) => line.startsWith(start)));
}

/** A line as it is run: the same, but in less time, and on a process that there is. */
function shortened(line: string, pid: number): string {
  return line.replaceAll("scripts/pmuctl", "pmuctl").replaceAll("4711", `${pid}`)
    .replace(/\bweb\b/g, SET)
    .replace(/--duration \d+/g, "--duration 0.5")
    .replace(/-i 1\b/g, "-i 0.1")
    .replace(/pmuctl check\b/g, "pmuctl check --budget 10")
    .replace(/pmuctl stat (?!.*-r )/g, "pmuctl stat --min-time 0.1 ");
}

/** Makes what the command lines speak of. */
async function furnish(folder: string, document: string): Promise<void> {
  await Deno.mkdir(`${folder}/bin`);
  await Deno.mkdir(`${folder}/old`);
  const pmuctl = `#!/bin/sh\nexec '${PMUCTL}' "$@"\n`;
  for (const [name, text] of [["bin/pmuctl", pmuctl], ["bench", BUSY], ["old/bench", BUSY]]) {
    await Deno.writeTextFile(`${folder}/${name}`, text, { mode: 0o755 });
  }
  assertEquals((await run("git", ["init", "-q", "-b", "main"], { cwd: folder })).status, 0);
  await Deno.writeTextFile(`${folder}/Makefile`, "all:\n\t@./bench\n");
  for (const json of blocksOf(document, "json")) {
    if (json.includes('"reqs"')) await Deno.writeTextFile(`${folder}/set.json`, json);
    if (json.includes('"against"')) await Deno.writeTextFile(`${folder}/pmuctl.json`, json);
  }
}

for (const name of DOCUMENTS) {
  testNeeding(
    ["make", "perl", "kernelEvents"],
    `each command line in ${name} does what it says`,
    async () => {
      const text = await Deno.readTextFile(new URL(name, ROOT));
      const lines = commandLines(text);
      assert(lines.length > 0, `${name} shows no command line`);
      await withFolder(async (folder) => {
        await furnish(folder, text);
        const target = new Deno.Command("sh", { args: ["-c", "while :; do :; done"], stdout: "null" })
          .spawn();
        const env = { PATH: `${folder}/bin:${Deno.env.get("PATH")}`, TERM: "dumb" };
        try {
          for (const line of lines) {
            const { status, stderr } = await run("timeout", ["60", "sh", "-c", shortened(line, target.pid)], {
              cwd: folder,
              env,
            });
            if (line.includes("pmuctl check") && VERDICTS.includes(status)) continue;
            assertEquals(status, 0, `${line}\n${stderr}`);
          }
        } finally {
          await run(PMUCTL, ["unbind", SET]); // where a line before its end went wrong
          target.kill("SIGKILL");
          await target.status;
        }
      });
    },
  );
}
