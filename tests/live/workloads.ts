/** Programs of many kinds, for holding reports against perf's. */

import { assertEquals } from "@std/assert";
import { hasCommand } from "../needs.ts";
import { program, run } from "./harness.ts";

export interface Workload {
  name: string;
  /** What it is, for people. */
  what: string;
  /** Commands without which it cannot be made or run. */
  needs: readonly string[];
  /** Makes what it needs in `folder`; returns what to run, for about `ms`. */
  make: (folder: string, ms: number) => Promise<string[]> | string[];
}

const PROGRAMS = new URL("../programs/", import.meta.url).pathname;

/** The six kinds that every report has to get right. */
export const WORKLOADS: readonly Workload[] = [
  {
    name: "c",
    what: "C, threads",
    needs: ["cc"],
    make: (_folder, ms) => [program("threads"), `${ms}`],
  },
  {
    name: "c++",
    what: "C++, templates and lambdas",
    needs: ["c++"],
    make: async (folder, ms) => [await shapes(folder), `${ms}`],
  },
  {
    name: "rust",
    what: "Rust, generics and closures",
    needs: ["rustc"],
    make: async (folder, ms) => {
      const out = `${folder}/shapes-rust`;
      await build("rustc", "-O", "-C", "force-frame-pointers=yes", "-o", out, `${PROGRAMS}shapes.rs`);
      return [out, `${ms}`];
    },
  },
  {
    name: "node",
    what: "Node with --perf-basic-prof",
    needs: ["node"],
    // which leaves a log where it runs
    make: (folder, ms) => ["env", "-C", folder, "node", "--perf-basic-prof", `${PROGRAMS}shapes.js`, `${ms}`],
  },
  {
    name: "stripped",
    what: "the C++ program, stripped",
    needs: ["c++", "strip"],
    make: async (folder, ms) => {
      const out = await shapes(folder);
      await build("strip", "-o", `${out}-stripped`, out);
      return [`${out}-stripped`, `${ms}`];
    },
  },
  {
    name: "kernel",
    what: "system calls, page faults, processes",
    needs: ["cc", "dd", "find"],
    make: (_folder, ms) => [
      ...["sh", "-c"],
      `dd if=/dev/zero of=/dev/null bs=512 count=${400 * ms} 2>/dev/null; ${program("faults")} ${20 * ms};` +
      `find /usr/include -newer /etc/passwd; for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; done`,
    ],
  },
];

/** Large programs as distributions have them: stripped, without frame pointers, of more than a language. */
export const LARGE_WORKLOADS: readonly Workload[] = [
  {
    name: "sqlite3",
    what: "SQLite, a library with .dynsym alone",
    needs: ["sqlite3"],
    make: (_folder, ms) => [
      ...["sqlite3", ":memory:"],
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${500 * ms}) ` +
      `select 'key' || (i * 7919 % 1000) k, count(*), sum(i * 0.37) from n group by k order by 3 desc limit 3`,
    ],
  },
  {
    name: "cc1plus",
    what: "a C++ compiler",
    needs: ["c++"],
    make: (folder) => ["c++", "-std=c++17", "-O2", "-o", `${folder}/again`, `${PROGRAMS}shapes.cpp`],
  },
  {
    name: "rustc",
    what: "rustc and LLVM, with threads",
    needs: ["rustc"],
    make: (folder) => ["rustc", "-O", "-o", `${folder}/again-rust`, `${PROGRAMS}shapes.rs`],
  },
];

/** The commands that a workload lacks here. */
export function lacking({ needs }: Workload): string[] {
  return needs.filter((command) => !hasCommand(command));
}

async function shapes(folder: string): Promise<string> {
  const out = `${folder}/shapes`;
  await build(
    "c++",
    "-std=c++17",
    "-O1",
    "-g",
    "-fno-omit-frame-pointer",
    "-o",
    out,
    `${PROGRAMS}shapes.cpp`,
  );
  return out;
}

async function build(command: string, ...args: string[]): Promise<void> {
  const { status, stderr } = await run(command, args);
  assertEquals(status, 0, `${command} ${args.join(" ")}: ${stderr}`);
}
