/** Options of `report --format flamegraph`. */

import { UsageError } from "../base/system/errors.ts";
import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import { NORMALIZATIONS } from "../profile/request/normalization.ts";
import type { BaseOptions } from "../report/flame/flamegraph.ts";

/** Option of `report --base` and `diff` that scales two profiles to be comparable. */
export const NORMALIZE_OPTION: OptionSpec = {
  name: "normalize",
  value: "HOW",
  values: NORMALIZATIONS,
  help: "scale weights to the same 'duration', 'samples' or 'share', or 'none' (the default)",
};

/** Options that say where the roots of a flame graph are. */
export const ORIENTATION_OPTIONS: readonly OptionSpec[] = [
  { name: "upright", help: "draw the roots at the bottom" },
  { name: "inverted", help: "draw the roots at the top (the default)" },
];

/** Options that only flame graphs have. */
export const FLAMEGRAPH_OPTIONS: readonly OptionSpec[] = [
  ...ORIENTATION_OPTIONS,
  { name: "title", value: "TEXT", help: "use TEXT as the title, instead of the recorded command" },
  {
    name: "base",
    value: "FILE",
    help: "compare with this recording: red grew, blue shrank",
  },
  { ...NORMALIZE_OPTION, help: `with --base: ${NORMALIZE_OPTION.help}` },
  { name: "negate", help: "with --base: draw the older recording, to show what is gone" },
];

/**
 * Returns the options of the comparison, without the base's profile; undefined for no comparison. Throws UsageError.
 */
export function baseOf(args: ParsedArgs): Omit<BaseOptions, "profile"> | undefined {
  const normalize = args.choice("normalize", NORMALIZATIONS);
  const name = args.text("base");
  if (name !== undefined) return { name, normalize: normalize ?? "none", negate: args.has("negate") };
  const lonely = ["normalize", "negate"].find((option) => args.has(option));
  if (lonely) throw new UsageError(`--${lonely} needs --base FILE`);
}

/** Tells whether the roots of a flame graph are at its top. Throws UsageError. */
export function isInverted(args: ParsedArgs): boolean {
  if (args.has("upright") && args.has("inverted")) {
    throw new UsageError("--upright and --inverted exclude each other: use one of them");
  }
  return !args.has("upright");
}
