/** Long output on a terminal goes through the user's pager, as git's does. */

import { toolFolders } from "../base/tools.ts";
import type { Io } from "./command.ts";

/**
 * Prints `text`: through $PMUCTL_PAGER, else $PAGER, else `less`, when standard output is a terminal with fewer
 * lines than the text; else as it is. An empty setting, or `cat`, is no pager. Where the pager cannot be run, the
 * text is printed as it is.
 */
export async function page(text: string, io: Io): Promise<void> {
  const pager = (io.env("PMUCTL_PAGER") ?? io.env("PAGER") ?? "less").trim();
  const fits = () => countLines(text) < io.rows;
  if (!io.stdoutIsTerminal || pager === "" || pager === "cat" || fits()) return io.out(text);
  io.flush();
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("/bin/sh", {
      // a pager with options of its own is a command line; where there is none, cat stands in
      args: ["-c", `command -v "\${1%% *}" >/dev/null 2>&1 || exec cat; eval "exec $1"`, "sh", pager],
      stdin: "piped",
      // R: our colours; X and F: what is shown stays on the screen
      env: { LESS: io.env("LESS") ?? "FRX", PATH: toolFolders() },
    }).spawn();
  } catch {
    return io.out(text);
  }
  // Ctrl-C is the pager's, which stays, and must not end us before it
  const ignore = () => {};
  Deno.addSignalListener("SIGINT", ignore);
  try {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text)).then(() => writer.close()).catch(() => {}); // it was left early
    await child.status;
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
  }
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}
