/** The environment of runs under valgrind. */

import { assert, assertEquals } from "@std/assert";
import { pinnedEnvironment, pinnedVariables } from "../../lib/run/pinned_environment.ts";

/** Bytes of all strings that the kernel puts on the stack of a new program. */
function stackBytes(command: readonly string[], env: Record<string, string>): number {
  const texts = [command[0], ...command, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  return texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length + 1, 0);
}

const USER: Record<string, string> = {
  ...{
    PATH: "/usr/bin:/bin",
    HOME: "/home/somebody-ä",
    LANG: "de_DE.UTF-8",
    GLIBC_TUNABLES: "glibc.malloc.check=1",
  },
  ...{ OMP_NUM_THREADS: "7", SECRET: "s", NEEDED: "yes" },
};

Deno.test("pinnedEnvironment() has what programs need and what was asked for, and all else as it always is", () => {
  const env = pinnedEnvironment(["./a"], ["NEEDED", "NOT_SET"], (name) => USER[name]);
  assertEquals([env.PATH, env.HOME, env.NEEDED], [USER.PATH, USER.HOME, "yes"]);
  assertEquals([env.LC_ALL, env.LANG, env.OMP_NUM_THREADS, env.PYTHONHASHSEED], ["C", "C", "1", "0"]);
  assert(env.GLIBC_TUNABLES.startsWith("glibc.cpu.hwcaps=-AVX,-AVX2,"));
  assert(!("SECRET" in env) && !("NOT_SET" in env));
  const own = Object.keys(env).filter((name) => name !== "PMUCTL_PAD");
  assertEquals(own, own.toSorted());
  const known = pinnedVariables(["NEEDED", "NOT_SET"]);
  assertEquals(own.filter((name) => !known.includes(name)), []);
});

Deno.test("pinnedVariables() tells variables of ours from those that keep the user's value", () => {
  const ours = pinnedVariables([]), kept = pinnedVariables(["LC_ALL", "PATH", "NEEDED"]);
  assertEquals(kept.filter((name) => !ours.includes(name)), ["LC_ALL (kept)", "NEEDED"]);
  assertEquals(ours.filter((name) => !kept.includes(name)), ["LC_ALL"]);
});

Deno.test("pinnedEnvironment() makes the stack begin at the same place, whoever runs whatever from wherever", () => {
  const sizes = new Set<number>();
  for (const command of [["./a"], ["/a/very/long/path/to/a/program", "with", "arguments", ""], ["ü"]]) {
    for (const home of [undefined, "/root", "/home/somebody-with-a-long-name"]) {
      const values: Record<string, string | undefined> = { ...USER, HOME: home };
      sizes.add(stackBytes(command, pinnedEnvironment(command, [], (name) => values[name])));
    }
  }
  assertEquals([...sizes], [1 << 13]);
});
