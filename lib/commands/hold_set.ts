/** `pmuctl hold-set`: the process behind a named set. It is started by `bind --detach`, not by people. */

import { UsageError } from "../base/system/errors.ts";
import type { CommandSpec } from "../cli/command.ts";
import { holdSet } from "../counters/named/holder.ts";
import { livePcNames } from "./bind_notify.ts";
import { HOLD_COMMAND } from "../counters/named/protocol.ts";

export const command: CommandSpec = {
  name: HOLD_COMMAND,
  summary: "the process behind a named set",
  usage: ["NAME"],
  options: [],
  maxPositionals: 1,
  run: () => {
    if (Deno.stdin.isTerminal()) {
      throw new UsageError(`${HOLD_COMMAND} is for 'pmuctl bind --detach' to start`);
    }
    return holdSet(livePcNames);
  },
};
