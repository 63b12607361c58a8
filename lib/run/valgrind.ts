/**
 * Instruction counts without a PMU: valgrind's cachegrind runs the command on a synthetic CPU and counts each
 * instruction in user mode. It is 30 to 100 times slower than the command. The count is the same in every run, unless
 * the command itself behaves differently.
 */

import { BadInputError } from "../base/system/errors.ts";
import { temporaryFolder } from "../base/files/temporary.ts";
import { toolFile } from "../base/system/tools.ts";

const ATTEMPT = "count instructions with valgrind";

/** Returns the path of valgrind, or its name when it is not found. */
function valgrind(): string {
  return toolFile("valgrind") ?? "valgrind";
}

/** Returns the version of the valgrind on PATH, such as `valgrind-3.19.0`; undefined when there is none that runs. */
export async function valgrindVersion(): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(valgrind(), { args: ["--version"], stderr: "null" })
      .output();
    const version = new TextDecoder().decode(stdout).trim();
    return success && version.startsWith("valgrind-") ? version : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the C library that most programs here run with, such as `glibc 2.36`; `unknown` where nothing tells. */
export async function libcVersion(): Promise<string> {
  const getconf = toolFile("getconf");
  if (getconf === undefined) return "unknown";
  const { success, stdout } = await new Deno.Command(getconf, { args: ["GNU_LIBC_VERSION"], stderr: "null" })
    .output();
  return success && new TextDecoder().decode(stdout).trim() || "unknown";
}

/** Folder for the counts of runs, one after another. close() removes it. */
export class ValgrindCounts {
  readonly #folder: string;

  /** Throws UnsupportedError when no temporary folder can be made. */
  constructor() {
    this.#folder = temporaryFolder("pmuctl-valgrind-", ATTEMPT);
  }

  /** Returns the command to run in place of `command`. It counts all processes that it starts, too. */
  argv(command: readonly string[]): string[] {
    return [
      valgrind(),
      "-q",
      "--tool=cachegrind",
      "--cache-sim=no",
      "--trace-children=yes",
      `--cachegrind-out-file=${this.#folder}/%p`,
      "--",
      ...command,
    ];
  }

  /**
   * Returns the instructions of the run that just ended, over all its processes, and removes their files. Throws
   * BadInputError when there are no counts, or they are damaged.
   */
  take(): number {
    let sum = 0, processes = 0;
    for (const { name } of Deno.readDirSync(this.#folder)) {
      const path = `${this.#folder}/${name}`;
      sum += cachegrindTotal(Deno.readTextFileSync(path));
      processes++;
      Deno.removeSync(path);
    }
    if (processes === 0) throw new BadInputError(`cannot ${ATTEMPT}: it wrote no counts`);
    return sum;
  }

  close(): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/**
 * Returns the instruction total in a cachegrind file: the column of its `summary:` line that `events:` calls Ir
 * (Valgrind's manual, 5.8, "Cachegrind's profile data format"). Throws BadInputError when there is none.
 */
export function cachegrindTotal(text: string): number {
  const events = /^events: (.*)$/m.exec(text)?.[1].trim().split(/\s+/) ?? [];
  const totals = /^summary: (.*)$/m.exec(text)?.[1].trim().split(/\s+/) ?? [];
  const total = Number(totals[events.indexOf("Ir")] || NaN);
  if (!Number.isSafeInteger(total)) {
    throw new BadInputError(`cannot ${ATTEMPT}: its counts are damaged or cut short`);
  }
  return total;
}
