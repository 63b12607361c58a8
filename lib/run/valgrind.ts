/**
 * Instructions of a command counted without a PMU: valgrind's cachegrind runs it on a synthetic CPU and counts each
 * one, in the user mode. 30 to 100 times slower than the command, and the same in every run but for what the command
 * itself does differently.
 */

import { BadInputError } from "../base/system/errors.ts";
import { temporaryFolder } from "../base/files/temporary.ts";
import { toolFile } from "../base/system/tools.ts";

const ATTEMPT = "count instructions with valgrind";

/** Valgrind's file, or its name where there is none. */
function valgrind(): string {
  return toolFile("valgrind") ?? "valgrind";
}

/** `valgrind-3.19.0` of the valgrind on PATH; undefined when there is none that runs. */
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

/** A folder for the counts of one run after another; `close()` removes it. */
export class ValgrindCounts {
  readonly #folder: string;

  /** Throws UnsupportedError when there is no place for temporary files. */
  constructor() {
    this.#folder = temporaryFolder("pmuctl-valgrind-", ATTEMPT);
  }

  /** The command to run in place of `command`: with all that it starts. */
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
   * Instructions of the run that just ended, over all its processes, whose files are removed. Throws BadInputError
   * when there are none, or one is damaged.
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
 * The instructions in a file of cachegrind's: of its `summary:` line, the column that `events:` calls Ir (Valgrind's
 * manual, 5.8, "Cachegrind's profile data format"). Throws BadInputError when it has none.
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
