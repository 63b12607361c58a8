/** Options of commands that report a part of a profile. */

import { UsageError } from "../base/system/errors.ts";
import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import { parseIdList } from "../base/text/id_list.ts";
import { parseWrittenCpus } from "../base/text/cpu_list.ts";
import { fit } from "../base/text/width.ts";
import { splitFunctionNames, splitNames } from "../profile/request/function_names.ts";
import { type Profile, sampleCount } from "../profile/model/profile.ts";
import {
  type EventChoice,
  type FilterField,
  type NamedField,
  type ProfileFilter,
  type ProfileQuery,
  type Unmatched,
} from "../profile/query/query.ts";
import { parseTimeRanges, type TimeSelection } from "../profile/request/time_ranges.ts";
import { foldName } from "../report/shared/fold_name.ts";

const PERCENTAGES = ["absolute", "relative"] as const;

/** Filter options, in perf's spelling. */
export const FILTER_OPTIONS: readonly OptionSpec[] = [
  {
    name: "comms",
    short: "c",
    value: "LIST",
    help: "keep threads with these names, separated by commas (\\, for one in a name)",
  },
  {
    name: "dsos",
    short: "d",
    value: "LIST",
    help: "keep samples in these programs and libraries, by name or path",
  },
  {
    name: "symbols",
    short: "S",
    value: "LIST",
    help: "keep samples in these functions: names with their parameters or without, as f(int),ns::g",
  },
  { name: "symbol-filter", value: "TEXT", help: "keep samples in symbols whose name contains TEXT" },
  { name: "pid", short: "p", value: "LIST", help: "keep these processes" },
  { name: "tid", value: "LIST", help: "keep these threads" },
  { name: "cpu", short: "C", value: "CPUS", help: "keep these CPUs: 0-3,8" },
  { name: "kernel", short: "k", help: "keep samples in the kernel" },
  {
    name: "time",
    value: "RANGE",
    help:
      "keep a time range: FROM,TO in seconds of its clock; +1.5,+3 from the first sample; 10%-20%; 10%/2 for the second tenth",
  },
  {
    name: "percentage",
    value: "HOW",
    values: PERCENTAGES,
    help: "show shares of all samples (absolute, the default) or of those kept (relative)",
  },
];

/** Part of a recording to report. */
export interface ProfilePart {
  /** Time ranges to keep. Shares refer to what is left. */
  within?: TimeSelection;
  /** CPUs to keep. Shares refer to what is left. */
  cpus?: ReadonlySet<number>;
  /** Filter for the samples shown; undefined when nothing is filtered. */
  filter?: ProfileFilter;
  /** Lists of names in `filter` as they were written: partIn() reads them by the names that there are. */
  lists?: Partial<Record<NamedField, string>>;
  /** Whether shares refer to all samples, instead of those that `filter` keeps. */
  absolute: boolean;
}

/** Readers of the lists of names. */
const SPLIT: Record<NamedField, typeof splitNames> = {
  comms: splitNames,
  objects: splitNames,
  symbols: splitFunctionNames,
};

/** Returns the part that the options ask for. Throws UsageError. */
export function partOf(args: ParsedArgs): ProfilePart {
  const time = args.text("time");
  const fields = Object.keys(SPLIT) as NamedField[];
  const lists = Object.fromEntries(fields.flatMap((field) => {
    const text = args.text(OPTION_OF[field]);
    return text === undefined ? [] : [[field, text]];
  }));
  const filter: ProfileFilter = {
    ...filterOf(lists),
    symbolPart: args.text("symbol-filter"),
    pids: idsOf(args, "pid"),
    tids: idsOf(args, "tid"),
    kernel: args.has("kernel") ? true : undefined,
  };
  return {
    within: time === undefined ? undefined : parseTimeRanges(time),
    cpus: cpusOf(args),
    filter: Object.values(filter).some((value) => value !== undefined) ? filter : undefined,
    lists,
    absolute: (args.choice("percentage", PERCENTAGES) ?? "absolute") === "absolute",
  };
}

/** Returns the part with its lists of names read by those of a profile: a name with a comma that is one there stays whole. */
export function partIn(query: ProfileQuery, part: ProfilePart): ProfilePart {
  const { filter, lists = {} } = part;
  return filter === undefined ? part : { ...part, filter: { ...filter, ...filterOf(lists, query) } };
}

/** Reads lists of names. */
function filterOf(lists: Partial<Record<NamedField, string>>, query?: ProfileQuery): ProfileFilter {
  const fields = Object.entries(lists) as [NamedField, string][];
  return Object.fromEntries(
    fields.map(([field, text]) => [field, new Set(SPLIT[field](text, query?.names(field)))]),
  );
}

/** Selects the named events, or all. Throws UsageError for an unknown event. */
export function namedEvents(
  query: ProfileQuery,
  names: readonly string[],
  choice: EventChoice = "recorded",
): ProfileQuery {
  const named = query.select(names, choice);
  if (!("unknown" in named)) return named;
  const { unknown: [missing], known } = named;
  throw new UsageError(`--event ${missing}: the recording has ${known.join(", ") || "no events"}`);
}

/**
 * Returns the part of a profile to show alone, or to compare with another. The profile was loaded with `within` and with the fields of
 * the filter. Adds warnings about filters that match nothing, and about missing callers where callers are needed.
 */
export function comparedPart(query: ProfileQuery, part: ProfilePart, asksCallers: boolean): Profile {
  const read = partIn(query, part), { cpus, filter } = read;
  const all = cpus ? query.filter({ cpus }) : query;
  const { profile } = filter ? all.filter(filter) : all;
  return withWarnings(profile, [
    ...(asksCallers ? callerWarnings(query.profile) : []),
    ...filterWarnings(query, profile, read),
  ]);
}

/** Warns when callers are requested and none were recorded. */
export function callerWarnings({ meta, samples }: Profile): string[] {
  if (meta.callChains || samples.count.length === 0) return [];
  return ["no callers to show: this was recorded without call chains; record with -g to have them"];
}

/** Returns the profile with `warnings` before its own. */
export function withWarnings(profile: Profile, warnings: readonly string[]): Profile {
  if (warnings.length === 0) return profile;
  return { ...profile, meta: { ...profile.meta, warnings: [...warnings, ...profile.meta.warnings] } };
}

/** Option of each field of a filter. */
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
/** Limits on the names and on the requested values that a warning lists, and on the columns of a name. */
const MAX_PRESENT = 5, MAX_VALUES = 8, MAX_NAME = 60;

/** Warns about filters of a profile that match nothing, and lists what there is; `kept` is what all filters leave. */
export function filterWarnings(query: ProfileQuery, kept: Profile, { cpus, filter }: ProfilePart): string[] {
  const fields: ProfileFilter = { ...filter, cpus };
  const unmatched = query.unmatched(fields);
  const warnings = unmatched.map(({ field, values, present }) => {
    const value = values.length > 0 ? valuesText(values) : field === "symbolPart" ? filter!.symbolPart : "";
    const asked = `--${OPTION_OF[field]}${value ? ` ${value}` : ""}`;
    return `no sample matches ${asked}: there are samples of ${presentText(present)}`;
  });
  if (warnings.length > 0 || sampleCount(kept) > 0 || sampleCount(query.profile) === 0) return warnings;
  const given = (Object.keys(OPTION_OF) as FilterField[]).filter((field) => fields[field] !== undefined);
  return given.length > 1
    ? [
      `no sample matches all of ${
        given.map((field) => `--${OPTION_OF[field]}`).join(", ")
      }: each matches some`,
    ]
    : [];
}

/** Formats values: `3,5,7`; only the first of very many. */
function valuesText(values: readonly string[]): string {
  return values.slice(0, MAX_VALUES).join(",") + (values.length > MAX_VALUES ? ",…" : "");
}

/** Formats names with their shares: `nginx (80.00%), sh (20.00%) and 3 more`. */
function presentText(present: Unmatched["present"]): string {
  const whole = present.reduce((sum, { samples }) => sum + samples, 0);
  const shares = present.slice(0, MAX_PRESENT).map(({ name, samples }) =>
    `${fit(foldName(name, MAX_NAME), MAX_NAME)} (${(100 * samples / whole).toFixed(2)}%)`
  );
  const more = present.length - shares.length;
  return `${shares.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Parses process or thread ids; 0 is the idle task's. */
function idsOf(args: ParsedArgs, name: string): ReadonlySet<number> | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  const ids = parseIdList(text, 0);
  if (!ids) throw new UsageError(`--${name} '${text}': expected numbers separated by commas, as in 12,34`);
  return new Set(ids);
}

function cpusOf(args: ParsedArgs): ReadonlySet<number> | undefined {
  const text = args.text("cpu");
  if (text === undefined) return undefined;
  const cpus = parseWrittenCpus(text);
  if (!cpus) throw new UsageError(`--cpu '${text}': expected CPUs, as in 0-3,6`);
  return new Set(cpus);
}
