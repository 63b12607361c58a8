/** Pages for the user's browser. */

import { toolFile } from "../../base/system/tools.ts";

/** Reads a variable of the environment. */
type Environment = (name: string) => string | undefined;

/** Longest wait for a browser, in ms: xdg-open comes back at once, a browser of its own stays. */
const WAIT_MS = 2000;

/**
 * Returns the command that opens a page: the first program of $BROWSER that exists, as in sensible-browser(1), or xdg-open
 * where there is a display. Undefined if there is none.
 */
export function browserCommand(
  path: string,
  env: Environment,
  find = toolFile,
): [string, ...string[]] | undefined {
  for (const entry of (env("BROWSER") ?? "").split(":")) {
    const [name, ...args] = entry.split(" ").filter((word) => word !== "");
    const program = name?.startsWith("/") ? name : name && find(name);
    if (!program) continue;
    const named = args.map((arg) => arg.replaceAll("%s", path));
    return [program, ...named, ...args.some((arg) => arg.includes("%s")) ? [] : [path]];
  }
  const opener = env("DISPLAY") || env("WAYLAND_DISPLAY") ? find("xdg-open") : undefined;
  return opener ? [opener, path] : undefined;
}

/**
 * Browser that is ready to open a page. It is started before this process gives up the network, which programs that are
 * started later would not have either, and waits for a word.
 */
export class WaitingBrowser {
  readonly #child: Deno.ChildProcess;
  readonly #word: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#word = child.stdin.getWriter();
    child.unref();
  }

  /** Starts what will open a page; undefined if there is no browser. */
  static start(path: string, env: Environment): WaitingBrowser | undefined {
    const command = browserCommand(path, env);
    if (command === undefined) return undefined;
    try {
      return new WaitingBrowser(
        new Deno.Command("/bin/sh", {
          args: ["-c", 'read -r word && exec "$@" </dev/null', "sh", ...command],
          stdin: "piped",
          stdout: "null",
          stderr: "null",
        }).spawn(),
      );
    } catch {
      return undefined;
    }
  }

  /** Opens the page; returns whether that worked, as far as is known soon. Never throws. */
  async open(): Promise<boolean> {
    this.#child.ref();
    const wait = Promise.withResolvers<{ success: boolean }>();
    const timer = setTimeout(() => wait.resolve({ success: true }), WAIT_MS);
    try {
      await this.#word.write(new TextEncoder().encode("open\n"));
      await this.#word.close();
      return (await Promise.race([this.#child.status, wait.promise])).success;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
      this.#child.unref(); // a browser may stay
    }
  }

  /** Ends what waits, if there is no page to open. */
  async cancel(): Promise<void> {
    this.#child.ref();
    await this.#word.close().catch(() => {});
    await this.#child.status;
  }
}
