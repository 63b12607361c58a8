/** An interactive shell on a terminal of its own (script(1)), which a test types into. */

import { eventually } from "../eventually.ts";

const PROMPT = "ready> ";

/** How each shell is started without the user's settings, and what sets its prompt. */
const SHELLS = {
  bash: {
    command: "bash --norc --noprofile -i",
    prompt: `PS1='${PROMPT}'; unset HISTFILE; bind 'set enable-bracketed-paste off'`,
  },
  zsh: { command: "zsh -f -i", prompt: `PS1='${PROMPT}'; unset zle_bracketed_paste; LISTMAX=1000` },
} as const;

export type SessionShell = keyof typeof SHELLS;

/** The environment of a session, besides a plain terminal's. */
export interface SessionOptions {
  cwd: string;
  path: string;
}

export class ShellSession implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #seen = "";

  private constructor(shell: SessionShell, { cwd, path }: SessionOptions) {
    this.#child = new Deno.Command("script", {
      args: ["-qec", `stty cols 200; exec ${SHELLS[shell].command}`, "/dev/null"],
      cwd,
      clearEnv: true,
      env: { PATH: path, HOME: cwd, TERM: "dumb", LC_ALL: "C.UTF-8", ZDOTDIR: cwd },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Starts a shell and has it read `setUp`. */
  static async start(shell: SessionShell, setUp: string, options: SessionOptions): Promise<ShellSession> {
    const session = new ShellSession(shell, options);
    await session.shows(`${SHELLS[shell].prompt}\n${setUp}\necho set-''up\n`, "set-up");
    return session;
  }

  /** Types keys; waits until the terminal shows all of the texts behind them. Returns what it showed. */
  async shows(keys: string, ...texts: readonly string[]): Promise<string> {
    const before = this.#seen.length;
    await this.#writer.write(new TextEncoder().encode(keys));
    const shown = () => this.#seen.slice(before);
    await eventually(
      () => texts.every((text) => shown().includes(text)),
      `${JSON.stringify(texts)} behind '${keys}'`,
    )
      .catch((error) => {
        throw new Error(`${error.message}; the terminal shows ${JSON.stringify(shown())}`);
      });
    return shown();
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) this.#seen += text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL"); // its terminal goes, and the shell with it
    await this.#writer.abort().catch(() => {});
    await this.#child.status;
    await this.#reading;
  }
}
