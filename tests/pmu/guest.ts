/** What the tests of this folder share. They run in the guest of scripts/test-pmu: `scripts/test-pmu`. */

import { clockNs, spawn } from "../../ffi/pmu.ts";
import type { Counter, SetSample } from "../../lib/counters/open/open_set.ts";
import { openSet } from "../counters/overflow_harness.ts";

/** Path of a workload of tests/programs, built for the guest. */
export function workload(name: string): string {
  const folder = Deno.env.get("PMUCTL_GUEST");
  if (folder === undefined) {
    throw new Error("the tests of tests/pmu run in a guest: scripts/test-pmu runs them there");
  }
  return `${folder}/${name}`;
}

/** Counts in a program from its first instruction to its last. */
export async function count(argv: string[], counters: Counter[]): Promise<SetSample> {
  const child = spawn({ argv });
  const set = openSet(counters, child.pid, { enableOnExec: true });
  try {
    await child.release();
    await child.wait();
    return set.sample(clockNs(1))!;
  } finally {
    set.close();
  }
}

/** Runs `body` while the emulator is made to look at its counters every `period` cycles: see scripts/pmu-guest/kick.c. */
export async function kicked(period: number, body: () => Promise<void>): Promise<void> {
  const kick = new Deno.Command(workload("kick"), { args: [`${period}`], stdout: "piped" }).spawn();
  try {
    const reader = kick.stdout.getReader();
    await reader.read(); // it has opened its events
    await reader.cancel();
    await body();
  } finally {
    kick.kill("SIGKILL");
    await kick.status;
  }
}

/** Keeps this thread busy in user space. */
export function spin(rounds = 2_000_000): number {
  let x = 1;
  for (let i = 0; i < rounds; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
  return x;
}
