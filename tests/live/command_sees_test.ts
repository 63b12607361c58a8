/** A command that is measured finds what it finds without pmuctl: all of /proc/self that does not tell of its own run. */

import { assertEquals, assertGreater } from "@std/assert";
import { PMUCTL, program, run, withFolder } from "./harness.ts";

/** Lines of /proc/PID/status that tell which process it is, or what it has used. */
const OWN = /^(Pid|PPid|Tgid|NSpid|NStgid|NSpgid|Vm\w+|Rss\w+|Threads|SigQ|\w*voluntary_ctxt_switches):/;

/** What the command saw, by name; without what is of its own run. */
function seen(folder: string): Record<string, string> {
  return Object.fromEntries(
    [...Deno.readDirSync(folder)].map(({ name }) => {
      const text = new TextDecoder("latin1").decode(Deno.readFileSync(`${folder}/${name}`));
      if (name === "status") return [name, text.split("\n").filter((line) => !OWN.test(line)).join("\n")];
      // priority, nice and the scheduler's policy: fields 18, 19, 40 and 41 of proc(5)
      if (name === "stat") {
        const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
        return [name, [15, 16, 37, 38].map((field) => fields[field]).join(" ")];
      }
      // stat and check give commands streams of their own
      if (name === "fd") return [name, text.split("\n").filter((line) => !/^[012] /.test(line)).join("\n")];
      return [name, text];
    }),
  );
}

/**
 * A compiled binary's runtime takes arguments of UTF-8 alone, and ignores SIGPIPE and catches signal 33 before anybody
 * could ask whether they were ignored. This test's own runtime starts programs with signal 33 ignored.
 */
const LIMITS = Deno.env.has("PMUCTL") ? ["-u"] : [];

async function sees(prefix: readonly string[], folder: string): Promise<Record<string, string>> {
  const out = `${folder}/out`;
  await Deno.mkdir(out);
  const { status, stderr } = await run(program("outside"), [...LIMITS, ...prefix, program("look"), out], {
    cwd: folder,
  });
  assertEquals(status, 0, stderr);
  const all = seen(out);
  await Deno.remove(out, { recursive: true });
  return all;
}

const COMMANDS: Record<string, string[]> = {
  record: ["record", "-q", "-o", "perf.data", "--"],
  "bind -e": ["bind", "-e", "task-clock", "--"],
  stat: ["stat", "-r", "1", "--"],
  check: [..."check -m wall --max-runs 2 --budget 20 --update --baseline b.json --".split(" ")],
};

for (const [name, words] of Object.entries(COMMANDS)) {
  Deno.test(`a command under ${name} sees what it sees without pmuctl`, async () => {
    await withFolder(async (folder) => {
      const bare = await sees([], folder);
      assertGreater(bare.environ.length, 0);
      assertGreater(bare.cmdline.length, 0);
      const measured = await sees([PMUCTL, ...words], folder);
      for (const key of Object.keys(bare)) assertEquals(measured[key], bare[key], key);
    });
  });
}
