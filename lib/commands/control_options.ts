/** Options by which a command that is measured says which parts of it count. */

import { UsageError } from "../base/system/errors.ts";
import { type ControlRequest, parseControl } from "../base/system/control_option.ts";
import type { OptionSpec, ParsedArgs } from "../cli/command.ts";

/** Option of the FIFOs. */
export const CONTROL_OPTION: OptionSpec = {
  name: "control",
  value: "fifo:CTL[,ACK]",
  help:
    "let COMMAND enable and disable the events: it writes enable and disable, a line each, into the FIFO CTL, and " +
    "reads 'ack' from the FIFO ACK",
};

/** Options of the commands that count. */
export const CONTROL_OPTIONS: readonly OptionSpec[] = [
  CONTROL_OPTION,
  { name: "delay", short: "D", value: "-1", help: "with --control, count nothing until the first enable" },
];

/** Reads both options; undefined without --control. `command` is for errors. Throws UsageError. */
export function controlOf(args: ParsedArgs, command: string): ControlRequest | undefined {
  const delay = args.text("delay"), text = args.text("control");
  if (delay !== undefined && delay !== "-1") {
    throw new UsageError(
      `${command}: -D ${delay}: expected -1, which with --control counts nothing until the first enable`,
    );
  }
  if (text !== undefined) return { ...parseControl(text), startDisabled: delay !== undefined };
  if (delay === undefined) return undefined;
  throw new UsageError(
    `${command}: -D -1 needs --control, without which nothing would ever be counted: add it`,
  );
}
