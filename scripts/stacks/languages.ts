/** Programs that run others: interpreters, compilers to memory, a database in a library, a compiler, shells, make. */

import { hasCommand } from "../../tests/needs.ts";
import {
  command,
  isFile,
  lacks,
  LONG_MS,
  type Program,
  run,
  shellCommand,
  SOURCES,
  type Target,
} from "./program.ts";

interface Script {
  name: string;
  what: string;
  packages: string;
  /** The interpreter, its options and the script. */
  argv: readonly [string, ...string[]];
}

function script({ name, what, packages, argv: [interpreter, ...args] }: Script): Program {
  const target = command(interpreter, ...args, LONG_MS);
  return { name, what, missing: lacks(packages, interpreter), make: () => Promise.resolve(target) };
}

/** Debian's own, rather than the first one on PATH. */
const PYTHON = "/usr/bin/python3";

/** Returns the path of a Python that names what it runs for perf, which 3.12 began with. */
function perfPython(): string | undefined {
  const probe = "import sys; sys.activate_stack_trampoline('perf'); print(sys.executable)";
  for (const name of [Deno.env.get("PMUCTL_STACKS_PYTHON") ?? PYTHON, "python3.13", "python3.12"]) {
    if (!hasCommand(name) && !isFile(name)) continue;
    const { success, stdout } = new Deno.Command(name, { args: ["-c", probe], stderr: "null" }).outputSync();
    if (success) return new TextDecoder().decode(stdout).trim();
  }
  return undefined;
}

/** Python in both ways. */
const PYTHONS: readonly Program[] = [
  {
    name: "python",
    what: "Python, Debian's",
    missing: () => isFile(PYTHON) ? undefined : `no ${PYTHON}: apt-get install python3`,
    make: () => Promise.resolve(command(PYTHON, `${SOURCES}work.py`, LONG_MS)),
  },
  {
    name: "python-perf",
    what: "Python with -X perf",
    missing: () =>
      perfPython()
        ? undefined
        : "no Python 3.12 or newer, which Debian 12 has no package of: name one with PMUCTL_STACKS_PYTHON",
    make: () => Promise.resolve(command(perfPython()!, "-X", "perf", `${SOURCES}work.py`, LONG_MS)),
    leavesMaps: true,
  },
];

function node(name: string, what: string, ...options: string[]): Program {
  return {
    name,
    what,
    missing: lacks("nodejs", "node"),
    // which leaves a log where it runs
    make: (folder) =>
      Promise.resolve(command("env", "-C", folder, "node", ...options, `${SOURCES}work.js`, LONG_MS)),
    leavesMaps: true,
  };
}

function java(name: string, what: string, ...options: string[]): Program {
  return {
    name,
    what,
    missing: lacks("default-jdk-headless", "java", "javac"),
    make: async (folder) => {
      await run("javac", "-d", folder, `${SOURCES}Work.java`);
      return command("java", ...options, "-cp", folder, "Work", LONG_MS);
    },
  };
}

/** Returns a file that has the SQL often enough. */
function sqlite(folder: string): Target {
  const text = Deno.readTextFileSync(`${SOURCES}work.sql`);
  Deno.writeTextFileSync(`${folder}/work.sql`, text.repeat(2000));
  return command("sh", "-c", 'exec sqlite3 :memory: <"$0"', `${folder}/work.sql`);
}

/** Makes a tree of C and C++ files, and what builds it. */
function makeTree(folder: string): Target {
  const tree = `${folder}/tree`, names: string[] = [];
  Deno.mkdirSync(tree);
  for (let i = 0; i < 4; i++) {
    for (const kind of i < 2 ? ["c", "cpp"] : ["c"]) {
      Deno.copyFileSync(`${SOURCES}work.${kind}`, `${tree}/part${i}.${kind}`);
      names.push(`part${i}-${kind}.o`);
    }
  }
  const rules = ["c", "cpp"].map((kind) =>
    `part%-${kind}.o: part%.${kind}\n\t${kind === "c" ? "gcc" : "g++ -std=c++17"} -O2 -c $< -o $@\n`
  );
  Deno.writeTextFileSync(`${tree}/Makefile`, [`all: ${names.join(" ")}\n`, ...rules].join("\n"));
  return { ...shellCommand('make -s -j2 -B -C "$1"', tree), isSystem: true };
}

/** All of them. */
export const LANGUAGES: readonly Program[] = [
  ...PYTHONS,
  node("node", "Node"),
  node("node-perf", "Node with --perf-basic-prof", "--perf-basic-prof"),
  java("java", "Java"),
  java("java-fp", "Java with -XX:+PreserveFramePointer", "-XX:+PreserveFramePointer"),
  script({ name: "ruby", what: "Ruby", packages: "ruby", argv: ["ruby", `${SOURCES}work.rb`] }),
  script({ name: "php", what: "PHP", packages: "php-cli", argv: ["php", `${SOURCES}work.php`] }),
  script({ name: "perl", what: "Perl", packages: "perl", argv: ["perl", `${SOURCES}work.pl`] }),
  {
    name: "sqlite3",
    what: "sqlite3",
    missing: lacks("sqlite3", "sqlite3"),
    make: (folder) => Promise.resolve(sqlite(folder)),
  },
  {
    name: "cc1plus",
    what: "gcc's cc1plus",
    missing: lacks("g++", "g++"),
    make: () =>
      Promise.resolve(
        shellCommand('for i in 1 2; do g++ -std=c++17 -O2 -S -o /dev/null "$1"; done', `${SOURCES}work.cpp`),
      ),
  },
  {
    name: "bash",
    what: "bash with many forks",
    missing: lacks("bash", "bash"),
    make: () => Promise.resolve({ command: ["bash", `${SOURCES}forks.sh`, "110"] }),
  },
  {
    name: "make",
    what: "the whole system (-a) during make -j2",
    missing: lacks("make gcc g++", "make", "gcc", "g++"),
    make: (folder) => Promise.resolve(makeTree(folder)),
    comms: /^(make|sh|gcc|g\+\+|cc1|cc1plus|as|collect2|ld)$/,
  },
];
