/** The options of commands that report a part of a profile, and what they mean. */

import { UsageError } from "../base/system/errors.ts";
import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import { parseWrittenCpus } from "../base/text/cpu_list.ts";
import { filterProfile, type ProfileFilter } from "../profile/query/filter.ts";
import { type Profile, sampleCount } from "../profile/model/profile.ts";
import { type FilterField, type Unmatched, unmatchedFilters } from "../profile/query/unmatched.ts";
import { parseTimeRanges, type TimeRanges } from "../profile/query/time_ranges.ts";

const PERCENTAGES = ["absolute", "relative"] as const;

/** perf's spellings. */
export const FILTER_OPTIONS: readonly OptionSpec[] = [
  { name: "comms", short: "c", value: "LIST", help: "threads with these names, comma-separated" },
  {
    name: "dsos",
    short: "d",
    value: "LIST",
    help: "samples in these programs and libraries, by name or path",
  },
  { name: "symbols", short: "S", value: "LIST", help: "samples in these symbols" },
  { name: "symbol-filter", value: "TEXT", help: "samples in symbols whose name contains TEXT" },
  { name: "pid", short: "p", value: "LIST", help: "these processes" },
  { name: "tid", value: "LIST", help: "these threads" },
  { name: "cpu", short: "C", value: "CPUS", help: "these CPUs: 0-3,8" },
  { name: "kernel", short: "k", help: "samples in the kernel" },
  {
    name: "time",
    value: "RANGE",
    help:
      "a part of the recording: FROM,TO in seconds of its clock; +1.5,+3 from the first sample; 10%-20%; 10%/2 for the second tenth",
  },
  {
    name: "percentage",
    value: "HOW",
    values: PERCENTAGES,
    help:
      "what shares of a filtered report refer to: all samples (absolute, the default) or those left (relative)",
  },
];

/** What to take of a recording. */
export interface ProfilePart {
  /** As all of the samples: by time and CPU, so that shares are of this. */
  within?: TimeRanges;
  cpus?: ReadonlySet<number>;
  /** As some of the samples; undefined when nothing is filtered. */
  filter?: ProfileFilter;
  /** Shares are of all samples, not of those that `filter` leaves. */
  absolute: boolean;
}

/** The part that the options ask for. Throws UsageError. */
export function partOf(args: ParsedArgs): ProfilePart {
  const time = args.text("time");
  const filter: ProfileFilter = {
    comms: listOf(args, "comms"),
    objects: listOf(args, "dsos"),
    symbols: listOf(args, "symbols"),
    symbolPart: args.text("symbol-filter"),
    pids: idsOf(args, "pid"),
    tids: idsOf(args, "tid"),
    kernel: args.has("kernel") ? true : undefined,
  };
  return {
    within: time === undefined ? undefined : parseTimeRanges(time),
    cpus: cpusOf(args),
    filter: Object.values(filter).some((value) => value !== undefined) ? filter : undefined,
    absolute: (args.choice("percentage", PERCENTAGES) ?? "absolute") === "absolute",
  };
}

/**
 * The part, of a profile that was loaded with `within` and with what the filter goes by, that is compared with another.
 * Its warnings say which filters match nothing, and whether there are callers where these are asked for.
 */
export function comparedPart(profile: Profile, part: ProfilePart, asksCallers: boolean): Profile {
  const { cpus, filter } = part;
  const all = cpus ? filterProfile(profile, { cpus }) : profile;
  const kept = filter ? filterProfile(all, filter) : all;
  return withWarnings(kept, [
    ...(asksCallers ? callerWarnings(profile) : []),
    ...filterWarnings(profile, kept, part),
  ]);
}

/** Says so where callers are asked for and none were recorded. */
export function callerWarnings({ meta, samples }: Profile): string[] {
  if (meta.callChains || samples.count.length === 0) return [];
  return ["there are no callers to show: this was recorded without call chains: record -g records them"];
}

/** The profile with more warnings, before those it has. */
export function withWarnings(profile: Profile, warnings: readonly string[]): Profile {
  if (warnings.length === 0) return profile;
  return { ...profile, meta: { ...profile.meta, warnings: [...warnings, ...profile.meta.warnings] } };
}

/** The option of each field of a filter. */
const OPTION_OF: Record<FilterField, string> = {
  comms: "comms",
  objects: "dsos",
  symbols: "symbols",
  symbolPart: "symbol-filter",
  pids: "pid",
  tids: "tid",
  cpus: "cpu",
  kernel: "kernel",
};
/** Names of what there is that a warning lists, and values of what was asked for. */
const MOST_PRESENT = 5, MOST_VALUES = 8;

/** Says which filters of a profile match nothing, and what there is; `kept` is what all of them leave. */
export function filterWarnings(profile: Profile, kept: Profile, { cpus, filter }: ProfilePart): string[] {
  const fields: ProfileFilter = { ...filter, cpus };
  const unmatched = unmatchedFilters(profile, fields);
  const warnings = unmatched.map(({ field, values, present }) => {
    const value = values.length > 0 ? valuesText(values) : field === "symbolPart" ? filter!.symbolPart : "";
    const asked = `--${OPTION_OF[field]}${value ? ` ${value}` : ""}`;
    return `no sample matches ${asked}: the samples are of ${presentText(present)}`;
  });
  if (warnings.length > 0 || sampleCount(kept) > 0 || sampleCount(profile) === 0) return warnings;
  const given = (Object.keys(OPTION_OF) as FilterField[]).filter((field) => fields[field] !== undefined);
  return given.length > 1
    ? [
      `no sample matches all of ${
        given.map((field) => `--${OPTION_OF[field]}`).join(", ")
      }: each matches some`,
    ]
    : [];
}

/** `3,5,7`, of very many values the first. */
function valuesText(values: readonly string[]): string {
  return values.slice(0, MOST_VALUES).join(",") + (values.length > MOST_VALUES ? ",…" : "");
}

/** `nginx (80.00%), sh (20.00%) and 3 more`. */
function presentText(present: Unmatched["present"]): string {
  const whole = present.reduce((sum, { samples }) => sum + samples, 0);
  const shares = present.slice(0, MOST_PRESENT)
    .map(({ name, samples }) => `${name} (${(100 * samples / whole).toFixed(2)}%)`);
  const more = present.length - shares.length;
  return `${shares.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function listOf(args: ParsedArgs, name: string): ReadonlySet<string> | undefined {
  const text = args.text(name);
  return text === undefined ? undefined : new Set(text.split(",").map((word) => word.trim()));
}

/** Process or thread ids; 0 is the idle task's. */
function idsOf(args: ParsedArgs, name: string): ReadonlySet<number> | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,10}(,\d{1,10})*$/.test(text)) {
    throw new UsageError(`--${name} '${text}': numbers with commas between are wanted`);
  }
  return new Set(text.split(",").map(Number));
}

function cpusOf(args: ParsedArgs): ReadonlySet<number> | undefined {
  const text = args.text("cpu");
  if (text === undefined) return undefined;
  const cpus = parseWrittenCpus(text);
  if (!cpus) throw new UsageError(`--cpu '${text}': a list of CPUs such as 0-3,6 is wanted`);
  return new Set(cpus);
}
