/**
 * Implementation of `pmuctl fetch-files`: the process that fetches debug files over the network for another pmuctl, and
 * has no access to anything else. `report` starts it, not people.
 */

import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec } from "../cli/command.ts";
import { FETCH_COMMAND, readRequest } from "../symbols/debuginfod/frames.ts";
import { serveFetches } from "../symbols/debuginfod/serve_fetches.ts";

/** Permissions of the runtime that this process gives up. It keeps its standard streams. */
const GIVEN_UP = ["read", "write", "run", "ffi", "sys", "env", "import"] as const;

/** The internal `fetch-files` command. */
export const command: CommandSpec = {
  name: FETCH_COMMAND,
  summary: "fetch debug files for another pmuctl (started by 'pmuctl report --debuginfod')",
  usage: [""],
  options: [],
  run: async () => {
    if (Deno.stdin.isTerminal()) {
      throw new UsageError(`${FETCH_COMMAND} is internal: use 'pmuctl report --debuginfod'`);
    }
    for (const name of GIVEN_UP) Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
    // Ctrl-C is for the process that waits, which then ends this one
    Deno.addSignalListener("SIGINT", () => {});
    const { request, closed } = await readRequest(Deno.stdin.readable);
    const served = serveFetches(request, (bytes) => {
      for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
    });
    await Promise.race([served, closed]);
    return EXIT.ok;
  },
};
