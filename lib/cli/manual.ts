/** The manual page pmuctl(1), rendered from the commands' tables in the macros of man(7). */

import { VERSION } from "../base/system/version.ts";
import type { CommandSpec, OptionSpec } from "./command.ts";
import { COMMAND_STATUS, EXIT_STATUSES, explanation, groupsOf, shownValue } from "./help.ts";

type Row = readonly [name: string, meaning: string];

const DESCRIPTION = [
  "pmuctl counts events over a command, a process or a CPU, samples where the time goes into a perf.data file that " +
  "perf(1) reads as well, reports and compares such files, and checks whether a command got slower.",
  "Results go to standard output, everything else to standard error. Each command that prints a result has --json. " +
  "Where the CPU's counters are out of reach, as in most virtual machines, samples are taken by the clock, and that is said.",
];

const FILES: readonly Row[] = [
  ["perf.data", "the recording that record writes and report reads, unless told otherwise"],
  ["pmuctl.json, pmuctl.baseline.json", "the benchmarks of check, and what was measured before"],
  ["~/.debug", "copies of programs that will be gone when a report needs them; perf's build id cache"],
  ["~/.cache/pmuctl", "the running kernel's symbols, sorted, for this boot; may be deleted"],
  ["/tmp/perf-PID.map", "the names of code that a program makes as it runs, written by that program"],
  ["/run/pmuctl, $XDG_RUNTIME_DIR/pmuctl", "the sockets of named sets: root's, and another user's"],
  [
    "/proc/sys/kernel/perf_event_paranoid",
    "what users without rights may measure; 'pmuctl info' says what that means here",
  ],
];

const ENVIRONMENT: readonly Row[] = [
  [
    "PMUCTL_PAGER, PAGER",
    "the program that long output goes through on a terminal (default: less); empty for none",
  ],
  ["NO_COLOR", "no colours in tables"],
  ["XDG_CACHE_HOME", "where caches are kept (default: ~/.cache)"],
  ["XDG_RUNTIME_DIR", "where the sockets of named sets are (default: /tmp/pmuctl-UID)"],
  ["DEBUGINFOD_CACHE_PATH", "where debuginfod's clients keep debug files, which report reads too"],
  [
    "GITHUB_ACTIONS, GITHUB_STEP_SUMMARY",
    "set by GitHub: check then writes annotations and the summary of the step",
  ],
  ["PMUCTL_DEBUG", "set to anything: internal errors say where they come from"],
];

/** Returns the page. `date` is the day that stands at its foot (2026-01-31); empty for none. */
export function manualPage(commands: readonly CommandSpec[], date = ""): string {
  return [
    `.TH PMUCTL 1 "${date}" "pmuctl ${VERSION}" "User Commands"`,
    // no hyphens and no spaces of other widths in what is copied
    ".nh",
    ".ad l",
    ".SH NAME",
    "pmuctl \\- CPU performance counters and profiles on Linux",
    ".SH SYNOPSIS",
    "\\fBpmuctl\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fITARGET\\fR]",
    ".SH DESCRIPTION",
    ...DESCRIPTION.flatMap((paragraph) => [".PP", roff(paragraph)]),
    ".SH COMMANDS",
    ...commands.flatMap(commandSection),
    ".SH EXIT STATUS",
    ...rows(EXIT_STATUSES.map(([status, meaning]) => [String(status), meaning])),
    ".PP",
    roff(COMMAND_STATUS.replace(/\.$/, ", or 128 and the number of the signal that ended it.")),
    ".SH ENVIRONMENT",
    ...rows(ENVIRONMENT),
    ".SH FILES",
    ...rows(FILES),
    ".SH EXAMPLES",
    ...commands.flatMap(({ summary, examples }) =>
      examples?.length ? [".PP", `${roff(summary)}:`, ...verbatim(examples)] : []
    ),
    ".SH SEE ALSO",
    "\\fBperf\\fR(1), \\fBperf_event_open\\fR(2), \\fBproc\\fR(5)",
    "",
  ].join("\n");
}

function commandSection(command: CommandSpec): string[] {
  return [
    `.SS ${roff(command.name)}`,
    `${roff(command.summary)}.`,
    ...verbatim(command.usage.map((usage) => `pmuctl ${command.name} ${usage}`.trimEnd())),
    ...groupsOf(command).flatMap(({ title, options }) => [
      ".PP",
      `\\fI${roff(title)}:\\fR`,
      ...options.flatMap((option) => [".TP", optionNames(option), roff(explanation(option))]),
    ]),
    ...(command.lists ?? []).flatMap(({ title, rows: list }) => [
      ".PP",
      `\\fI${roff(title)}:\\fR`,
      ...rows(list),
    ]),
  ];
}

function optionNames(option: OptionSpec): string {
  const short = option.short ? `${bold(`-${option.short}`)}, ` : "";
  return `${short}${bold(`--${option.name}`)}${
    roff(shownValue(option)).replace(/[A-Z][A-Z,=]*/, "\\fI$&\\fR")
  }`;
}

function rows(list: readonly Row[]): string[] {
  return list.flatMap(([name, meaning]) => [".TP", bold(name), roff(meaning)]);
}

function bold(text: string): string {
  return `\\fB${roff(text)}\\fR`;
}

/** Renders lines as they are, in a fixed width, indented. */
function verbatim(lines: readonly string[]): string[] {
  return [".PP", ".RS 4", ".nf", ...lines.map(roff), ".fi", ".RE"];
}

/** Characters that roff prints as others unless they are named, and those that start its own words. */
const NAMES: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  '"': "\\(dq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
};

/** Returns text as roff prints it as it is. */
function roff(text: string): string {
  const line = text.replace(/[\\\-'"`^~]/g, (character) => NAMES[character]);
  return line.startsWith(".") ? `\\&${line}` : line;
}
