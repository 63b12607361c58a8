/** Running the real pmuctl, and perf beside it, on real programs. */

import { assertEquals, assertMatch } from "@std/assert";
import { NOBODY } from "../needs.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** The program under test: $PMUCTL (a compiled binary), or this checkout's launcher. */
export const PMUCTL = Deno.env.get("PMUCTL") ?? `${ROOT}/scripts/pmuctl`;

export interface Ran {
  status: number;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Of this process's environment only what programs here cannot do without. */
  bareEnv?: boolean;
  stdin?: Uint8Array;
}

/** Runs a command to its end, with its output as text. Standard input is empty unless given. */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<Ran> {
  const child = new Deno.Command(command, {
    args,
    cwd: options.cwd,
    env: options.bareEnv ? { PATH: Deno.env.get("PATH")!, HOME: Deno.env.get("HOME")! } : options.env,
    clearEnv: options.bareEnv,
    stdin: options.stdin ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (options.stdin) {
    const writer = child.stdin.getWriter();
    writer.write(options.stdin).then(() => writer.close()).catch(() => {}); // it may stop reading early
  }
  const { code, signal, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { status: code, signal, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs pmuctl. */
export function pmuctl(args: string[], options?: RunOptions): Promise<Ran> {
  return run(PMUCTL, args, options);
}

/** Runs pmuctl as a user without any rights, for tests that need `otherUser`. */
export function asNobody(args: readonly string[], options?: RunOptions): Promise<Ran> {
  return run("setpriv", [...NOBODY.options, "--", PMUCTL, ...args], options);
}

/** Runs pmuctl, which must end well, and gives its standard output. */
export async function pmuctlOk(args: string[], options?: RunOptions): Promise<string> {
  const ran = await pmuctl(args, options);
  assertEquals(ran.status, 0, `pmuctl ${args.join(" ")} ended with ${ran.status}: ${ran.stderr}`);
  return ran.stdout;
}

/** What perf's reader says of a file whose recorder, on a loaded machine, lost records. That is nothing wrong with reading. */
const LOST_WHILE_RECORDING =
  /^Warning:\nProcessed \d+ events and lost \d+ chunks!\n\nCheck IO\/CPU overload!$/m;

/**
 * Runs perf, which must end well and complain of nothing but of what was lost while a file was recorded, and gives its
 * standard output. What it records is not copied to ~/.debug, where perf would find names for the programs of later tests.
 */
export async function perfOk([command, ...options]: string[]): Promise<string> {
  const args = command === "record" ? [command, "-N", ...options] : [command, ...options];
  const ran = await run("perf", args);
  assertEquals(ran.status, 0, `perf ${args.join(" ")} ended with ${ran.status}: ${ran.stderr}`);
  const complaints = ran.stderr.replace(LOST_WHILE_RECORDING, "").trim();
  assertEquals(complaints, "", `perf ${args.join(" ")} complained`);
  return ran.stdout;
}

let built = false;

/** Path of a workload of tests/programs, built when the first one is asked for. */
export function program(name: string): string {
  if (!built) {
    const { success, stderr } = new Deno.Command(`${ROOT}/scripts/build-programs`).outputSync();
    if (!success) throw new Error(`scripts/build-programs failed: ${new TextDecoder().decode(stderr)}`);
    built = true;
  }
  return `${ROOT}/build/programs/${name}`;
}

/** Calls `body` with a fresh folder, removed afterwards. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "pmuctl-test-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What `pmuctl report --json` gives, as far as tests look at it. */
/** Folded stacks of a recording, without inlined functions, and the number of samples of each. */
export async function foldedSamples(
  file: string,
  { env, more = [] }: { env?: Record<string, string>; more?: readonly string[] } = {},
): Promise<Map<string, number>> {
  const args = ["report", "--format", "folded", "--weight", "samples", "--no-inline", ...more, "-i", file];
  const lines = (await pmuctlOk(args, { env })).trimEnd().split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => {
    const blank = line.lastIndexOf(" ");
    return [line.slice(0, blank), Number(line.slice(blank + 1))];
  }));
}

/** Asserts that pmuctl refuses each of these command lines with this status, in one line that matches. */
export async function assertRefusals(
  cases: readonly (readonly [args: readonly string[], message: RegExp, status: number])[],
): Promise<void> {
  for (const [args, message, status] of cases) {
    const ran = await pmuctl([...args]);
    assertEquals(ran.status, status, ran.stderr);
    assertMatch(ran.stderr, message);
    assertEquals(ran.stderr.trimEnd().split("\n").length, 1, ran.stderr);
  }
}

export interface JsonReport {
  meta: {
    command: string;
    host: string;
    lost: number | null;
    ledger: { from: string; total: Record<string, number | null> };
    warnings: string[];
  };
  events: {
    name: string;
    rate: string;
    samples: number;
    period: number;
    rows: {
      command: string;
      object: string;
      symbol: string | null;
      kernel: boolean;
      self: { count: number; period: number };
      total: { count: number; period: number };
    }[];
  }[];
  unresolved: { object: string; cause: string; remedy: string; samples: number }[];
}

/** `pmuctl report --json` of a file, names as in the symbol tables. */
export async function jsonReport(file: string, env?: Record<string, string>): Promise<JsonReport> {
  return JSON.parse(await pmuctlOk(["report", "--json", "--no-demangle", "-i", file], { env }));
}

/** Self samples by object and symbol, as perfReportRows() has them; without a symbol under "". Of some commands or all. */
export function selfSamples(report: JsonReport, commands?: readonly string[]): Map<string, number> {
  const samples = new Map<string, number>();
  for (const { command, object, symbol, self } of report.events.flatMap((event) => event.rows)) {
    if (commands && !commands.includes(command)) continue;
    const key = `${object} ${symbol ?? ""}`;
    if (self.count) samples.set(key, (samples.get(key) ?? 0) + self.count);
  }
  return samples;
}

/**
 * Where pmuctl and perf differ on the samples of a symbol: `OBJECT SYMBOL: pmuctl N, perf M`, a line each.
 * What perf has no name for shows there as an address, and is left out on both sides; so are the stubs of the PLT,
 * which perf 6.1 gives each other's names in libraries that have indirect functions.
 */
export function symbolDifferences(
  report: JsonReport,
  perfRows: readonly PerfRow[],
  commands?: readonly string[],
): string[] {
  const ours = selfSamples(report, commands);
  const theirs = new Map<string, number>();
  for (const { object, symbol, samples } of perfRows) {
    if (/^0x[0-9a-f]+$/.test(symbol)) continue;
    const key = `${object} ${symbol}`;
    theirs.set(key, (theirs.get(key) ?? 0) + samples);
  }
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter((key) => !key.endsWith(" ") && !isStub(key) && ours.get(key) !== theirs.get(key))
    .map((key) => `${key}: pmuctl ${ours.get(key) ?? 0}, perf ${theirs.get(key) ?? 0}`);
}

/**
 * Whether a row is of the PLT, by the name or key that has the symbol in it. Of some programs, perf takes the first stubs for
 * the end of `_init`, which comes before them.
 */
export function isStub(key: string): boolean {
  return /(?:[@.]plt|(?:^|[ |])_init)(?:\||$)/.test(key);
}

/** The ledger's `sample`: what pmuctl says it wrote. */
export function ledgerSamples(stderr: string): number {
  return Number(/^pmuctl: ledger: sample (\d+) /m.exec(stderr)?.[1] ?? NaN);
}

/** How many samples `perf script` finds in a file. */
export async function perfSampleCount(file: string): Promise<number> {
  const lines = (await perfOk(["script", "-i", file, "-F", "event"])).split("\n");
  return lines.filter((line) => line.trim() !== "").length;
}

/** One row of `perf report`: a symbol's samples in threads of a name. */
export interface PerfRow {
  command: string;
  object: string;
  symbol: string;
  samples: number;
}

/** `perf report --sort comm,dso,sym` of a file, self samples by symbol, names as in the symbol tables. Of some commands or all. */
export async function perfReportRows(file: string, commands?: readonly string[]): Promise<PerfRow[]> {
  const out = await perfOk([
    "report",
    "-i",
    file,
    "--stdio",
    "--no-children",
    "-g",
    "none",
    "-n",
    "--sort",
    "comm,dso,sym",
    "--no-demangle",
    "--no-inline",
    "-t",
    "\t",
    "--percent-limit",
    "0",
  ]);
  const rows = out.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => {
    const [, samples, command, object, symbol] = line.split("\t").map((part) => part.trim());
    return { command, object, symbol: symbol.replace(/^\[.\] /, ""), samples: Number(samples) };
  });
  return commands ? rows.filter(({ command }) => commands.includes(command)) : rows;
}
