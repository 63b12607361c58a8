/**
 * Repetition of a command as one command, so that one recording holds all its runs. The recorded process is a shell
 * that asks pmuctl before each run; so what prepares a run is not started by the shell, and not recorded.
 */

import { refusal } from "../base/system/system_error.ts";
import { temporaryFolder } from "../base/files/temporary.ts";
import { toolFile } from "../base/system/tools.ts";

/**
 * Shell script that runs the words after $1, $2 and $3 once for each reply `run`: it writes requests to the FIFO `$1` and
 * reads replies from the FIFO `$2`; each run reads the file `$3`.
 */
const LOOP_SCRIPT = 'exec 3<>"$1" 4<>"$2"; in=$3; shift 3; ' +
  'while echo >&3 && read -r go <&4 && [ "$go" = run ]; do "$@" <"$in" >/dev/null 2>&1 3>&- 4<&-; done';

/** Command to repeat. */
export interface RepeatedRuns {
  argv: readonly string[];
  /** File that it reads from standard input. Default: it is empty. */
  input?: string;
  count: number;
  /** Prepares a run; awaited before each. When it resolves to false, or throws, no further run follows. */
  prepare(): Promise<boolean>;
}

/** Command that runs another several times, with preparation in between. */
export class RepeatedCommand {
  /** Command to record. */
  readonly argv: readonly string[];
  readonly #folder: string;
  readonly #questions: Deno.FsFile;
  readonly #answers: Deno.FsFile;
  readonly #served: Promise<void>;
  /** Error thrown by `prepare`, or by reading and writing the FIFOs. */
  #error: unknown;
  #closing = false;

  private constructor(folder: string, fifos: readonly string[], runs: RepeatedRuns) {
    this.#folder = folder;
    this.argv = ["/bin/sh", "-c", LOOP_SCRIPT, "sh", ...fifos, runs.input ?? "/dev/null", ...runs.argv];
    // Opened for reading and writing, so that no open waits for the shell, and neither FIFO is ever without a peer.
    const [questions, answers] = fifos.map((path) => Deno.openSync(path, { read: true, write: true }));
    this.#questions = questions;
    this.#answers = answers;
    this.#served = this.#serve(runs).catch((error) => {
      this.#error = error;
    });
  }

  /** Begins to wait for the shell's requests. Throws UnsupportedError when the two FIFOs cannot be made. */
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

  /** Ends the replies, once the recorded shell has ended or must end. Throws what `prepare` threw. */
  async close(): Promise<void> {
    this.#closing = true;
    // A request of our own, through a second descriptor: the first is busy with a read.
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
