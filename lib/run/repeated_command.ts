/**
 * A command run again and again as one command, so that one recording has all its runs, and what prepares a run stays
 * outside of it: only what the recorded process starts is recorded, and that is a shell that asks us for each run.
 */

import { refusal } from "../base/system/system_error.ts";
import { temporaryFolder } from "../base/files/temporary.ts";
import { toolFile } from "../base/system/tools.ts";

/** RepeatedRuns what is behind $1 and $2 once for each word that it is given: `$1` has its questions, `$2` our answers. */
const LOOP_SCRIPT = 'exec 3<>"$1" 4<>"$2"; shift 2; ' +
  'while echo >&3 && read -r go <&4 && [ "$go" = run ]; do "$@" </dev/null >/dev/null 2>&1 3>&- 4<&-; done';

export interface RepeatedRuns {
  argv: readonly string[];
  count: number;
  /** Is awaited before each run. Where it resolves to false, or throws, that was the last one. */
  prepare(): Promise<boolean>;
}

export class RepeatedCommand {
  /** What to record. */
  readonly argv: readonly string[];
  readonly #folder: string;
  readonly #questions: Deno.FsFile;
  readonly #answers: Deno.FsFile;
  readonly #served: Promise<void>;
  /** What `prepare` has thrown, or how the FIFOs failed. */
  #error: unknown;
  #closing = false;

  private constructor(folder: string, fifos: readonly string[], runs: RepeatedRuns) {
    this.#folder = folder;
    this.argv = ["/bin/sh", "-c", LOOP_SCRIPT, "sh", ...fifos, ...runs.argv];
    // for reading and writing, so that no open waits for the shell, and none of ours is left without a peer
    const [questions, answers] = fifos.map((path) => Deno.openSync(path, { read: true, write: true }));
    this.#questions = questions;
    this.#answers = answers;
    this.#served = this.#serve(runs).catch((error) => {
      this.#error = error;
    });
  }

  /** Waits for the shell from now on. Throws UnsupportedError when there is no place for the two FIFOs. */
  static open(runs: RepeatedRuns): RepeatedCommand {
    const attempt = "prepare each run of a recording";
    const folder = temporaryFolder("pmuctl-runs-", attempt);
    try {
      const fifos = [`${folder}/questions`, `${folder}/answers`];
      const made = new Deno.Command(toolFile("mkfifo") ?? "mkfifo", {
        args: fifos,
        stdin: "null",
        stdout: "null",
      })
        .outputSync();
      if (!made.success) throw new Error(new TextDecoder().decode(made.stderr).trim());
      return new RepeatedCommand(folder, fifos, runs);
    } catch (error) {
      Deno.removeSync(folder, { recursive: true });
      throw refusal(attempt, error, "set TMPDIR to a folder that can be written to");
    }
  }

  /** To be called when the recorded shell is gone, or has to go. Throws what `prepare` has thrown. */
  async close(): Promise<void> {
    this.#closing = true;
    // a question of our own, through a second file: one that is being read from does nothing else meanwhile
    const questions = Deno.openSync(`${this.#folder}/questions`, { write: true });
    questions.writeSync(new TextEncoder().encode("\n"));
    await this.#served;
    for (const file of [questions, this.#questions, this.#answers]) file.close();
    Deno.removeSync(this.#folder, { recursive: true });
    if (this.#error !== undefined) throw this.#error;
  }

  async #serve({ count, prepare }: RepeatedRuns): Promise<void> {
    try {
      for (let run = 0; run < count && await this.#awaitRequest() && await prepare(); run++) {
        this.#reply("run");
      }
    } finally {
      this.#reply("end");
    }
  }

  async #awaitRequest(): Promise<boolean> {
    await this.#questions.read(new Uint8Array(1));
    return !this.#closing;
  }

  #reply(word: "run" | "end") {
    this.#answers.writeSync(new TextEncoder().encode(`${word}\n`)); // a FIFO has room for it, read or not
  }
}
