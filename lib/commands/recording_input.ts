/** Option and operand that name the recording for a command to read. */

import { UsageError } from "../base/system/errors.ts";
import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import { DEFAULT_FILE } from "../cli/default_input.ts";

/** Option that names the recording. */
export const INPUT_OPTION: OptionSpec = {
  name: "input",
  short: "i",
  value: "FILE",
  help: `read FILE, - for standard input (default: standard input if it is a pipe, else ${DEFAULT_FILE})`,
};

/** Returns the name of the recording, if one is given. Throws UsageError if the option and the operand name two. */
export function namedRecording(command: string, args: ParsedArgs): string | undefined {
  const [positional] = args.positionals, named = args.text("input");
  if (named !== undefined && positional !== undefined) {
    throw new UsageError(`${command}: -i ${named} and ${positional} are two files: name one`);
  }
  return named ?? positional;
}
