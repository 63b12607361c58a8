/** The report as text: what was recorded, what was lost, then where the time went. */

import { bold, dim, red, yellow } from "@std/fmt/colors";
import {
  type CallerNode,
  callerTrees,
  overhead,
  placeName,
  placeObject,
  type Places,
  placesOf,
} from "../profile/aggregate.ts";
import { type Profile, sampleCount, totalPeriod } from "../profile/profile.ts";
import type { ReportOptions } from "./options.ts";

/** Forks nested deeper than this are not drawn, and a line says so: they would leave the page. */
const MOST_DEPTH = 128;

/** The whole report; ends with a newline. */
export function renderText(profile: Profile, options: ReportOptions): string {
  const places = placesOf(profile);
  const lines = header(profile, options);
  profile.events.forEach(({ tracksOnly }, event) => {
    if (!tracksOnly) lines.push("", ...eventSection(profile, places, event, options));
  });
  lines.push(...unresolvedSection(profile));
  return lines.map((line) => line.trimEnd()).join("\n") + "\n";
}

function header(profile: Profile, options: ReportOptions): string[] {
  const { meta } = profile;
  const events = profile.events.filter((event) => !event.tracksOnly);
  const host = [meta.host, meta.kernel && `Linux ${meta.kernel}`, meta.arch, meta.cpu, cpus(meta.cpus)];
  const rows: [string, string][] = [
    ["command", meta.command || "(not recorded)"],
    ["host", host.filter(Boolean).join(", ") || "(not recorded)"],
    ...events.map((e): [string, string] => ["event", `${e.name}, ${e.rate}`]),
    ...meta.sampling.map((s): [string, string] => ["backend", backend(s)]),
    ["samples", `${sampleCount(profile)}${meta.seconds >= 0 ? ` over ${meta.seconds.toFixed(3)} s` : ""}`],
    ["lost", meta.lost < 0 ? "(not recorded)" : String(meta.lost)],
    ...meta.warnings.map((w): [string, string] => ["warning", w]),
  ];
  return rows.map(([name, value]) => {
    const line = `${name.padEnd(9)}${value}`;
    return !options.color ? line : name === "warning" ? yellow(line) : dim(line.slice(0, 9)) + line.slice(9);
  });
}

const cpus = (n: number) => n > 0 ? `${n} CPU${n > 1 ? "s" : ""}` : "";

function backend({ name, backend, insteadOf }: Profile["meta"]["sampling"][number]): string {
  return `${backend}, for ${name}${insteadOf === undefined ? "" : ` in place of ${insteadOf}`}`;
}

function eventSection(profile: Profile, places: Places, event: number, options: ReportOptions): string[] {
  const whole = totalPeriod(profile, event);
  const name = profile.events[event].name;
  if (whole === 0) return [`No samples of ${name}.`];
  const all = overhead(profile, places, event, { selfOnly: !options.callGraph })
    .filter((row) => row.self.count > 0);
  const shown = all.filter((row) => 100 * row.self.period / whole >= options.percentLimit);
  const commWidth = widest(shown.map((r) => profile.comms[r.comm]), 7, 16);
  const objectWidth = widest(shown.map((r) => placeObject(profile, places, r.place)), 6, 32);
  const lines: string[] = [];
  if (profile.events.filter((event) => !event.tracksOnly).length > 1) {
    const count = sampleCount(profile, event);
    lines.push(`${name}: ${count} sample${count === 1 ? "" : "s"}`);
  }
  const columns = options.callGraph ? "    Self    Total  Samples" : "Overhead  Samples";
  const title = fit(
    `${columns}  ${"Command".padEnd(commWidth)}  ${"Object".padEnd(objectWidth)}  Symbol`,
    options.width,
  );
  lines.push(options.color ? bold(title) : title);
  const leastPeriod = options.percentLimit / 100 * whole;
  const trees = options.callGraph ? callerTrees(profile, places, shown, leastPeriod) : [];
  shown.forEach((row, index) => {
    const self = percent(row.self.period, whole);
    const numbers = options.callGraph ? `${self} ${percent(row.total.period, whole)}` : self;
    const text = fit(
      `${numbers} ${String(row.self.count).padStart(8)}  ` +
        `${profile.comms[row.comm].padEnd(commWidth)}  ` +
        `${placeObject(profile, places, row.place).padEnd(objectWidth)}  ` +
        `${places.kernel[row.place] ? "[k]" : "[.]"} ${placeName(profile, places, row.place)}`,
      options.width,
    );
    lines.push(options.color ? heat(text, 100 * row.self.period / whole) : text);
    if (options.callGraph) {
      const indent = " ".repeat(28);
      lines.push(...callerLines(profile, places, trees[index], row.self.period, whole, indent, 0, options));
    }
  });
  const rest = all.length - shown.length;
  if (rest > 0) {
    const restPeriod = whole - shown.reduce((sum, row) => sum + row.self.period, 0);
    lines.push(
      `${percent(restPeriod, whole)} in ${rest} more row${
        rest > 1 ? "s" : ""
      } below ${options.percentLimit}% each` +
        " (--percent-limit 0 shows all)",
    );
  }
  return lines;
}

/**
 * The callers of a row: a chain of only callers goes straight down, a fork is drawn as a branch with
 * its share of the whole. `above` is the weight that came into this level.
 */
function callerLines(
  profile: Profile,
  places: Places,
  level: CallerNode[],
  above: number,
  whole: number,
  indent: string,
  depth: number,
  options: ReportOptions,
): string[] {
  const lines: string[] = [];
  // a single caller that everything came from needs no branch and no number of its own
  while (level.length === 1 && level[0].period === above) {
    lines.push(fit(`${indent}${placeName(profile, places, level[0].place)}`, options.width));
    level = level[0].callers;
  }
  if (level.length && depth >= MOST_DEPTH) return [...lines, `${indent}(deeper forks are not drawn)`];
  level.forEach((node, i) => {
    const last = i === level.length - 1;
    const label = `${percent(node.period, whole).trim()} ${placeName(profile, places, node.place)}`;
    lines.push(fit(`${indent}${last ? "└─ " : "├─ "}${label}`, options.width));
    const below = indent + (last ? "   " : "│  ");
    lines.push(...callerLines(profile, places, node.callers, node.period, whole, below, depth + 1, options));
  });
  return lines;
}

function unresolvedSection(profile: Profile): string[] {
  const unresolved = profile.unresolved.filter((u) => u.samples > 0);
  if (unresolved.length === 0) return [];
  const whole = sampleCount(profile);
  return [
    "",
    "Without a symbol:",
    ...unresolved.map((u) =>
      `${percent(u.samples, whole)} ${String(u.samples).padStart(8)}  ${u.object}: ${u.cause}` +
      (u.remedy ? `; ${u.remedy}` : "")
    ),
  ];
}

function heat(text: string, share: number): string {
  return share >= 5 ? red(text) : share >= 0.5 ? yellow(text) : text;
}

/** `  12.34%`, eight columns wide. */
function percent(part: number, whole: number): string {
  return `${(whole > 0 ? 100 * part / whole : 0).toFixed(2)}%`.padStart(8);
}

function widest(texts: string[], least: number, most: number): number {
  return Math.min(most, texts.reduce((width, text) => Math.max(width, text.length), least));
}

function fit(text: string, width: number): string {
  return text.length <= width ? text : text.slice(0, Math.max(1, width - 1)) + "…";
}
