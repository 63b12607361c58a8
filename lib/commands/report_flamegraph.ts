/** What only `report --format flamegraph` knows. */

import { UsageError } from "../base/system/errors.ts";
import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import { NORMALIZATIONS } from "../profile/compare/normalization.ts";
import type { BaseOptions } from "../report/flame/flamegraph.ts";

/** How two profiles are made comparable: of `report --base` and of `diff`. */
export const NORMALIZE_OPTION: OptionSpec = {
  name: "normalize",
  value: "HOW",
  values: NORMALIZATIONS,
  help: "scale weights: none (the default), or to the same duration, samples or share",
};

export const FLAMEGRAPH_OPTIONS: readonly OptionSpec[] = [
  { name: "inverted", help: "put the roots at the top" },
  { name: "title", value: "TEXT", help: "title, instead of the recorded command" },
  {
    name: "base",
    value: "FILE",
    help: "compare with this recording: red grew, blue shrank",
  },
  { ...NORMALIZE_OPTION, help: `with --base: ${NORMALIZE_OPTION.help}` },
  { name: "negate", help: "with --base: draw the older recording, to see what is gone" },
];

/** What to compare with, but for its profile; undefined for nothing. Throws UsageError. */
export function baseOf(args: ParsedArgs): Omit<BaseOptions, "profile"> | undefined {
  const normalize = args.choice("normalize", NORMALIZATIONS);
  const name = args.text("base");
  if (name !== undefined) return { name, normalize: normalize ?? "none", negate: args.has("negate") };
  const lonely = ["normalize", "negate"].find((option) => args.has(option));
  if (lonely) throw new UsageError(`--${lonely} goes with --base FILE`);
}
