/** What only `report --format flamegraph` knows. */

import { UsageError } from "../base/errors.ts";
import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import { NORMALIZATIONS } from "../profile/normalization.ts";
import type { BaseOptions } from "../report/flamegraph.ts";

/** How two profiles are made comparable: of `report --base` and of `diff`. */
export const NORMALIZE_OPTION: OptionSpec = {
  name: "normalize",
  value: "HOW",
  help: "weights as recorded (none, the default), or to the same duration, samples or share",
};

export const FLAMEGRAPH_OPTIONS: readonly OptionSpec[] = [
  { name: "inverted", help: "flamegraph: the roots at the top" },
  { name: "title", value: "TEXT", help: "flamegraph: instead of the recorded command" },
  {
    name: "base",
    value: "FILE",
    help: "flamegraph: red for what grew since this recording, blue for what shrank",
  },
  { ...NORMALIZE_OPTION, help: `flamegraph: with --base, ${NORMALIZE_OPTION.help}` },
  { name: "negate", help: "flamegraph: with --base, draw that one, so that what is gone is in sight" },
];

/** What to compare with, but for its profile; undefined for nothing. Throws UsageError. */
export function baseOf(args: ParsedArgs): Omit<BaseOptions, "profile"> | undefined {
  const normalize = args.choice("normalize", NORMALIZATIONS);
  const name = args.text("base");
  if (name !== undefined) return { name, normalize: normalize ?? "none", negate: args.has("negate") };
  const lonely = ["normalize", "negate"].find((option) => args.has(option));
  if (lonely) throw new UsageError(`--${lonely} goes with --base FILE`);
}
