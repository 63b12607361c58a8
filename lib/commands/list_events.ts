/** Implementation of `pmuctl list-events`: which events can be counted and sampled here, and why others cannot. */

import { ERRNO } from "../base/system/errno.ts";
import { EXIT, UnsupportedError, UsageError } from "../base/system/errors.ts";
import { JSON_SCHEMAS, jsonLines } from "../base/text/json_schemas.ts";
import { greatest } from "../base/bytes/lists.ts";
import { wrap as wrapLines } from "../base/text/wrap.ts";
import { nearest } from "../base/text/nearest.ts";
import { printable, printableLines } from "../base/text/printable.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { page } from "../cli/pager.ts";
import { machineModel } from "../counters/verify/machine.ts";
import { eventsOfPic } from "../counters/verify/pic_events.ts";
import { picsByPmu, sampleTracepoint } from "../counters/preflight/preflight.ts";
import { Prober, type TrialResult } from "../counters/preflight/probe.ts";
import { eventForms, type ListedEvent, type ListedKind, listEvents } from "../events/list.ts";
import { type EventWorld, hostWorld, resolveEvents } from "../events/resolve.ts";

/** The `list-events` command. */
export const command: CommandSpec = {
  name: "list-events",
  summary: "list events by PMU, what they count, and whether they open here; in a pipe, one name per line",
  usage: ["[PATTERN] [--available] [--pmu NAME] [--pic N] [--json]"],
  options: [
    { name: "available", help: "list only events that open here" },
    { name: "pmu", value: "NAME", values: "pmu", help: "list only events of this PMU" },
    { name: "pic", value: "N", help: "list only events that this hardware counter can count" },
    { name: "json", help: "print a JSON object" },
    { name: "no-pager", help: "don't show long output on a terminal through $PAGER (less)" },
  ],
  examples: [
    "pmuctl list-events cache",
    "pmuctl list-events 'sched:*'",
    "pmuctl list-events --available --json",
  ],
  maxPositionals: 1,
  operands: "event",
  run,
};

/** Listed event with the kernel's answer. */
interface Row extends ListedEvent {
  opens: boolean;
  /** Obstacle to opening it, in a few words. */
  obstacle?: string;
  /** Reason why it does not open, or what it leaves out if it does. */
  why?: string;
}

const HEADINGS: Record<ListedKind, string> = {
  hardware: "hardware",
  software: "software",
  cache: "hardware caches",
  pmu: "PMU",
  tracepoint: "tracepoints",
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const world = hostWorld();
  const pmu = args.text("pmu");
  if (pmu !== undefined) checkPmu(pmu, world);
  const pattern = args.positionals[0];
  const pic = args.number("pic", { min: 0, integer: true });
  const named = listEvents(world, { ...(pattern ? { pattern } : {}), ...(pmu ? { pmu } : {}) });
  const events = pic === undefined ? named : eventsOfPic(named, pic, machineModel(world, picsByPmu(world)));
  const problem = world.tracepoints.problem();
  const namesWillDo = !args.has("available") && !args.has("json") && !io.stdoutIsTerminal;
  const rows = (namesWillDo ? answersIfAny(events, world, io) : withAnswers(events, world))
    .filter((row) => row.opens || !args.has("available"));
  if (args.has("json")) io.out(toJson(rows));
  else if (!io.stdoutIsTerminal) { for (const row of rows) io.out(plainLine(row)); }
  else {
    const text = printableLines(forPeople(rows, io.columns)) +
      (pattern || pmu ? "" : forms(world, io.columns));
    await page([text], io, { paged: !args.has("no-pager") });
  }
  if (problem && (events.length === 0 || mayMeanTracepoints(pattern, pmu))) {
    io.err(`pmuctl: tracepoints are not listed: ${problem.cause}: ${problem.remedy}`);
  }
  if (events.length === 0) io.err(`pmuctl: no event matches${pattern ? ` '${pattern}'` : ""}`);
  return EXIT.ok;
}

function checkPmu(pmu: string, world: EventWorld): void {
  const known = [...new Set([...world.pmus.names(), "cpu"])];
  if (known.includes(pmu)) return;
  const [near] = nearest(pmu, known, 1);
  throw new UsageError(
    `--pmu ${pmu}: no such PMU; expected one of ${world.pmus.names().join(", ")}` +
      (near ? `; did you mean ${near}?` : ""),
  );
}

function mayMeanTracepoints(pattern: string | undefined, pmu: string | undefined): boolean {
  return pmu === "tracepoint" || (pmu === undefined && (pattern === undefined || pattern.includes(":")));
}

/**
 * Tries to open each event, but only one tracepoint for all of them: they open by the same rule, and closing a
 * tracepoint waits for every CPU, which takes tens of milliseconds for each of thousands.
 */
function withAnswers(events: ListedEvent[], world: EventWorld): Row[] {
  const prober = new Prober(world);
  let ofTracepoints: TrialResult | undefined;
  return events.map((event) => {
    if (event.type !== "tracepoint") return toRow(event, answerOf(event.name, world, prober));
    if (!ofTracepoints) {
      const tried = sampleTracepoint(world);
      ofTracepoints = tried && prober.try(tried);
    }
    return toRow(event, ofTracepoints);
  });
}

/**
 * Returns the result of `withAnswers()`, or where there is no shim to try events with, events without answers and a
 * note.
 */
function answersIfAny(events: ListedEvent[], world: EventWorld, io: Io): Row[] {
  try {
    return withAnswers(events, world);
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    io.err(`pmuctl: cannot tell which events open here: ${error.message}`);
    return events.map((event) => ({ ...event, opens: true }));
  }
}

/** Returns the first refusal among the events that the name stands for (one per PMU), or else the success. */
function answerOf(name: string, world: EventWorld, prober: Prober): TrialResult | undefined {
  let answer: TrialResult | undefined;
  try {
    for (const event of resolveEvents(name, world).flatMap((group) => group.events)) {
      answer = prober.try(event);
      if (!answer.opens) break;
    }
  } catch (error) {
    // a driver's event that only opens with a value for its parameter
    if (!(error instanceof UsageError)) throw error;
  }
  return answer;
}

/** Formats a line for pipes: the name, followed by the obstacle in brackets if it does not open, for grep and cut. */
function plainLine({ name, obstacle }: Row): string {
  return `${printable(obstacle ? `${name}  [${obstacle}]` : name)}\n`;
}

function toRow(event: ListedEvent, answer: TrialResult | undefined): Row {
  if (!answer) {
    return { ...event, opens: false, obstacle: "needs a value", why: "a parameter needs a value" };
  }
  if (answer.opens) return { ...event, opens: true, ...(answer.limit ? { why: answer.limit } : {}) };
  const { cause, remedy } = answer.advice;
  const forbidden = answer.errno === ERRNO.EACCES || answer.errno === ERRNO.EPERM;
  const obstacle = forbidden ? "not permitted here" : "not supported here";
  return { ...event, opens: false, obstacle, why: remedy ? `${cause}: ${remedy}` : cause };
}

function toJson(rows: Row[]): string {
  return jsonLines(JSON_SCHEMAS.listEvents, "events", rows.map(({ obstacle: _, ...row }) => row));
}

/** Formats events grouped by kind and PMU; a reason that a whole group shares is shown once, above it. */
function forPeople(rows: Row[], columns: number): string {
  const groups = Map.groupBy(rows, (row) => row.type === "pmu" ? `PMU ${row.pmu}` : HEADINGS[row.type]);
  let text = "";
  for (const [heading, members] of groups) {
    const reasons = new Set(members.map((row) => row.why));
    const shared = reasons.size === 1 ? members[0].why : undefined;
    text += `${heading}\n`;
    if (shared) text += wrap(`${members[0].opens ? "" : "none opens here: "}${shared}`, columns, "  ");
    const width = greatest(members.map((row) => row.name.length));
    for (const row of members) {
      const mark = row.opens ? "+" : "-";
      const also = row.aliases.length ? ` (also ${row.aliases.join(", ")})` : "";
      const unit = row.unit ? `, in ${row.unit}` : "";
      // the same words for thousands of tracepoints would say nothing
      const meaning = row.type === "tracepoint" ? "" : `  ${row.meaning}${unit}${also}`;
      const line = `  ${mark} ${meaning ? row.name.padEnd(width) : row.name}${meaning}`;
      text += wrapLines(line, Math.max(columns, 40), " ".repeat(width + 6)).map((line) => `${line}\n`).join(
        "",
      );
      if (row.why && !shared) text += wrap(row.why, columns, "      ");
    }
    text += "\n";
  }
  return text && text + "+ opens here, - does not\n";
}

function forms(world: EventWorld, columns: number): string {
  let text = "\nand by their codes\n";
  for (const { form, meaning } of eventForms(world)) text += `  ${form}\n${wrap(meaning, columns, "      ")}`;
  return text;
}

/** Breaks `text` into lines of at most `columns` columns, each starting with `indent`. */
function wrap(text: string, columns: number, indent: string): string {
  const lines: string[] = [];
  const room = Math.max(columns, 40) - indent.length; // some terminals report a width of 0
  let line = "";
  for (const word of text.split(" ")) {
    if (line && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].map((l) => `${indent}${l}\n`).join("");
}
