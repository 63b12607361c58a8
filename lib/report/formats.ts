/** Table of the formats of `pmuctl report`. A new format needs only a row here. */

import type { SortKey } from "../profile/request/sort_keys.ts";
import type { Profile } from "../profile/model/profile.ts";
import type { ProfileCode } from "./html/pack_code.ts";
import type { EventChoice } from "../profile/query/query.ts";
import type { FlamegraphOptions } from "./flame/flamegraph.ts";
import type { FoldedOptions } from "./exchange/folded.ts";
import type { ReportOptions } from "./shared/options.ts";
import { tprofKeys, type TprofOptions } from "./text/tprof.ts";

/** Options of all formats; each uses those it supports. */
export interface OutputOptions extends ReportOptions, FoldedOptions {
  /** Code of functions; only for formats with `code`. */
  code?: ProfileCode;
  /** Options of tprof's listing. */
  tprof: TprofOptions;
  /** Options of a flame graph. */
  flamegraph: FlamegraphOptions;
}

/** Renders the profile in pieces, since the whole may exceed the length of a string. Performs no I/O. */
export type Renderer = (profile: Profile, options: OutputOptions) => Iterable<string | Uint8Array>;

/** Format of `pmuctl report`. */
export interface ReportFormat {
  /** Name, for --format. */
  name: string;
  /** Description for the help, in a few words. */
  what: string;
  /**
   * Reader of the output. `people`: paged on a terminal. `programs`: text, never paged. `file`: not for terminals.
   */
  reader: "people" | "programs" | "file";
  /** Suggested file name, with reader `file`. */
  fileName?: string;
  /** Returns the keys that tell samples apart in the output. Other differences are merged while reading. */
  keys(options: OutputOptions): readonly SortKey[];
  /** Returns whether the output has callers. Without them, reading takes less time and memory. */
  callers(options: OutputOptions): boolean;
  /** Returns whether callers were requested, if that differs from whether the output has them. */
  asksCallers?(options: OutputOptions): boolean;
  /** True if the format has no place for the profile's warnings. */
  withoutWarnings?: true;
  /** True if the format needs `profile.times`. */
  times?: true;
  /** True if the format has the code of functions. */
  code?: true;
  /** True if the format distinguishes addresses within a symbol. */
  addresses?: true;
  /** True if the format shows no inlined functions. */
  withoutInlined?: true;
  /** Supported options, of those that not all formats support. */
  options?: readonly string[];
  /** Events shown, of several; `recorded` by default. */
  events?: EventChoice;
  /** Loads the format's code. */
  renderer(): Promise<Renderer>;
}

/** Options of tables and trees. */
const VIEW_OPTIONS: readonly string[] = [
  "sort",
  "lines",
  "children",
  "no-children",
  "call-graph",
  "call-tree",
  "group",
  "show-total-period",
  "ledger",
  "percent-limit",
];

/** Formats in the order of the help. */
export const FORMATS: readonly ReportFormat[] = [
  {
    name: "text",
    what: "tables and trees for people",
    reader: "people",
    keys: ({ sort }) => sort,
    callers: ({ tree, children }) => tree !== "none" || children,
    options: VIEW_OPTIONS,
    renderer: async () => (await import("./text/text.ts")).renderText,
  },
  {
    name: "json",
    what: "the same with all rows, for programs",
    reader: "programs",
    keys: ({ sort }) => sort,
    callers: () => true,
    asksCallers: ({ tree, children }) => tree !== "none" || children,
    options: VIEW_OPTIONS,
    renderer: async () => (await import("./json/json.ts")).renderJson,
  },
  {
    name: "tprof",
    what: "as NetBSD's tprof analyze",
    reader: "people",
    keys: ({ tprof }) => tprofKeys(tprof),
    callers: () => false,
    withoutWarnings: true,
    addresses: true,
    withoutInlined: true,
    options: ["merge-cpus", "merge-threads", "merge-processes", "per-symbol"],
    renderer: async () => {
      const { renderTprof } = await import("./text/tprof.ts");
      return (profile, { tprof }) => renderTprof(profile, tprof);
    },
  },
  {
    name: "html",
    events: "heaviest first",
    what: "one page for a browser: timeline, flame graph, symbols, code",
    reader: "file",
    fileName: "report.html",
    keys: () => ["cpu", "pid", "tid", "dso", "sym"],
    callers: () => true,
    times: true,
    code: true,
    options: ["annotate"],
    renderer: async () => {
      const [{ renderHtml }, { pageAssets }] = await Promise.all([
        import("./html/html.ts"),
        import("./html/assets.ts"),
      ]);
      const assets = pageAssets();
      return (profile, { code }) => [renderHtml(profile, { ...assets, code })];
    },
  },
  {
    name: "flamegraph",
    what: "one SVG that zooms and searches in a browser, and compares with --base",
    reader: "file",
    fileName: "flamegraph.svg",
    keys: () => ["comm"],
    callers: () => true,
    events: "heaviest",
    options: ["upright", "inverted", "title", "base", "normalize", "negate"],
    renderer: async () => {
      const { renderFlamegraph } = await import("./flame/flamegraph.ts");
      return (profile, { flamegraph }) => [renderFlamegraph(profile, flamegraph)];
    },
  },
  {
    name: "folded",
    what: "folded stacks, for FlameGraph, inferno and others",
    reader: "programs",
    keys: () => ["comm"],
    callers: () => true,
    withoutWarnings: true,
    events: "heaviest",
    options: ["weight", "marks"],
    renderer: async () => (await import("./exchange/folded.ts")).renderFolded,
  },
  {
    name: "pprof",
    events: "heaviest first",
    what: "a gzipped profile.proto, for go tool pprof and what reads the same",
    reader: "file",
    fileName: "profile.pb.gz",
    keys: () => ["pid", "tid"],
    callers: () => true,
    addresses: true,
    options: ["lines"],
    renderer: async () => {
      const { renderPprof } = await import("./exchange/pprof.ts");
      return (profile) => [renderPprof(profile)];
    },
  },
  {
    name: "speedscope",
    events: "heaviest first",
    what: "for speedscope.app: a profile for each thread, and for all",
    reader: "file",
    fileName: "profile.speedscope.json",
    keys: () => ["pid", "tid"],
    callers: () => true,
    withoutWarnings: true,
    times: true,
    renderer: async () => (await import("./exchange/speedscope.ts")).renderSpeedscope,
  },
  {
    name: "firefox",
    what: "for profiler.firefox.com: each thread's samples over time",
    reader: "file",
    fileName: "profile.json",
    keys: () => ["pid", "tid"],
    callers: () => true,
    times: true,
    events: "heaviest",
    renderer: async () => (await import("./exchange/firefox.ts")).renderFirefox,
  },
];

/** Returns the names of formats that support an option; none for options that all support. */
export function formatsWith(option: string): string[] {
  return FORMATS.filter(({ options }) => options?.includes(option)).map(({ name }) => name);
}

/** Endings of files, and the formats that they are of. */
const ENDINGS: readonly (readonly [ending: string, format: string])[] = [
  [".speedscope.json", "speedscope"],
  [".json", "json"],
  [".html", "html"],
  [".htm", "html"],
  [".svg", "flamegraph"],
  [".folded", "folded"],
  [".collapsed", "folded"],
  [".pb.gz", "pprof"],
  [".pprof", "pprof"],
];

/** Returns the name of the format that files with this name are of; undefined if the name does not tell. */
export function formatOfFile(path: string): string | undefined {
  return ENDINGS.find(([ending]) => path.endsWith(ending))?.[1];
}

/** Returns the format of this name. */
export function formatNamed(name: string): ReportFormat {
  return FORMATS.find((format) => format.name === name)!;
}
