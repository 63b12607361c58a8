/**
 * All checks and tests, or some: what `scripts/test` starts once this checkout is set up. Checks, C tests, units and the
 * guest run side by side; live tests measure, so they run alone and one by one.
 */

import { type FileTimes, type Job, JobRunner, type Sums } from "./jobs.ts";

const ARCH = Deno.build.arch;
const BINARY = `build/pmuctl-${ARCH}`;
const IN_CI = Deno.env.get("CI") !== undefined;
/** Runs tests that have been type-checked before. */
const DENO_TEST = ["scripts/deno", "test", "-A", "--no-check"];

/** Makes the job that runs a check of scripts/. */
function scriptCheck(name: string, script: string): Job {
  return { name, command: ["scripts/deno", "run", "-A", "-q", `scripts/${script}.ts`], kind: "check" };
}

const CHECKS: readonly Job[] = [
  {
    name: "types",
    command: ["scripts/deno", "check", "-q", "main.ts", "lib", "ffi", "scripts", "tests"],
    kind: "check",
  },
  { name: "lint", command: ["scripts/deno", "lint", "-q"], kind: "check" },
  { name: "format", command: ["scripts/deno", "fmt", "-q", "--check"], kind: "check" },
  scriptCheck("imports go one way", "check-layers"),
  scriptCheck("doc comments stand alone", "check-comments"),
  scriptCheck("entry files are documented", "check-docs"),
  scriptCheck("no two files export one name", "check-names"),
];

/** Rooms of tests whose files take long enough to be started by themselves, the longest first. */
const BY_FILE = ["tests/fuzz", "tests/scripts"];
/** Rooms that take long as a whole, which start before the others. */
const LONG = ["tests/browser", "tests/perfdata", "tests/symbols"];
/** Rooms of other stages. */
const NO_UNITS = ["tests/live", "tests/pmu"];
/** Unit tests that fetch and install: `--quick` leaves them out. */
const FETCHING = ["tests/scripts/compile_test.ts", "tests/scripts/example_workflow_test.ts"];

/**
 * The live tests that the compiled binary passes as well: one file at least for each thing that is not the same in it,
 * rather than all, most of which test code that is the same byte for byte.
 */
const SMOKE: readonly [file: string, reason: string][] = [
  ["command_sees", "what it runs sees the user's environment and limits, without the launcher's help"],
  ["refusals", "limits of the system stop another runtime, at other places"],
  ["signals", "its runtime takes signals by itself; it has no debugger to open"],
  ["info", "the shim is loaded from memory"],
  ["list_events", "events are tried out through the shim"],
  ["bind/bind_notify", "callbacks from the shim"],
  ["bind/bind_rows", "the shim makes children, and follows them"],
  ["bind/named_sets", "it starts itself, to hold a set"],
  ["record/record_pipe", "recordings go through pipes, with the shim's threads"],
  ["record/record_objects", "it saves programs, and finds them again"],
  ["record/record_switch", "it answers signals while it records"],
  ["report/report", "it finds its modules, loaded when they are needed, in itself"],
  ["report/report_formats", "packages of npm are in it: pprof-format"],
  ["report/report_lines", "DWARF is read on other threads"],
  ["stat", "packages of npm are in it: simple-statistics"],
  ["dataset", "packages of npm are in it: hyparquet; compression is the runtime's"],
  ["diff", "packages of npm are in it: the demangler"],
];
/** Fewer of what is counted in the hundreds when the checkout runs it. */
const FEWER = { PMUCTL_TEST_SAMPLES: "20", PMUCTL_TEST_ROUNDS: "4" };

/** Lists the test files in a folder and those inside it, by path. */
function testsIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? testsIn(path) : /_test\.ts$/.test(name) ? [path] : [];
  }).sort();
}

/** Divides the unit tests into processes of their own, those that take longest first. */
function unitJobs(without: readonly string[]): Job[] {
  const rooms = Array.from(Deno.readDirSync("tests")).filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `tests/${name}`).filter((room) => !NO_UNITS.includes(room));
  const parts = rooms.flatMap((room) => {
    const files = testsIn(room).filter((file) => !without.includes(file));
    return BY_FILE.includes(room) ? files.map((file) => [file]) : files.length > 0 ? [files] : [];
  });
  const order = [...BY_FILE, ...LONG];
  const rank = ([file]: string[]) => {
    const i = order.findIndex((room) => file.startsWith(`${room}/`));
    return i < 0 ? order.length : i;
  };
  return parts.sort((a, b) => rank(a) - rank(b) || b.length - a.length).map((files) => ({
    name: `units: ${files.length === 1 ? files[0] : files[0].split("/").slice(0, 2).join("/")}`,
    command: [...DENO_TEST, ...files],
    kind: "tests",
  }));
}

/** Says why nothing can be measured here at all; false where something can. */
function eventsRefused(): string | false {
  for (const args of [["bind", "-e", "task-clock"], ["record", "-q", "-o", "/dev/null"]]) {
    const command = new Deno.Command("scripts/pmuctl", { args: [...args, "--", "true"] });
    const { success, stderr } = command.outputSync();
    if (!success) return new TextDecoder().decode(stderr).trim().split("\n").at(-1)!;
  }
  return false;
}

function hasProgram(name: string): boolean {
  return new Deno.Command("sh", { args: ["-c", 'command -v "$0" >/dev/null', name] }).outputSync().success;
}

function cJobs(): Job[] {
  const [cc] = (Deno.env.get("CC") ?? "cc").split(" ");
  const noCompiler = !hasProgram(cc) && "they need a C compiler (apt-get install gcc libc6-dev)";
  const noAnalyser = !["clang-tidy", "clang-format", "gcc"].every(hasProgram) &&
    "it needs clang-tidy, clang-format and gcc (apt-get install them)";
  return [
    { name: "the shim, under sanitizers", command: ["scripts/test-c"], kind: "tests", hindrance: noCompiler },
    { name: "the shim, analysed", command: ["scripts/check-c"], kind: "check", hindrance: noAnalyser },
  ];
}

/** The live tests, of this checkout and of the binary that the unit tests have made. */
function liveJobs(): Job[] {
  const hindrance = eventsRefused();
  const noBinary = !exists(BINARY) && "scripts/compile made no binary: see its tests above";
  const smoke = SMOKE.map(([name]) => `tests/live/${name}_test.ts`);
  return [
    { name: "live", command: [...DENO_TEST, "tests/live/"], kind: "tests", hindrance },
    {
      name: "live, with the compiled binary",
      command: [...DENO_TEST, ...smoke],
      env: { PMUCTL: `${Deno.cwd()}/${BINARY}`, ...FEWER },
      kind: "tests",
      hindrance: hindrance || noBinary,
    },
  ];
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function runAll(runner: JobRunner): Promise<void> {
  // Made anew by the tests of scripts/, then tested as users get it.
  for (const arch of ["x86_64", "aarch64"]) await Deno.remove(`build/pmuctl-${arch}`).catch(() => {});
  const guest: Job = {
    name: "in a guest with a hardware PMU",
    command: ["scripts/test-pmu", "--quick"],
    kind: "tests",
  };
  const jobs = [...IN_CI ? [guest] : [], ...unitJobs([]), ...cJobs(), ...CHECKS];
  await runner.run(jobs, navigator.hardwareConcurrency);
  await runner.run(liveJobs(), 1);
}

async function runQuick(runner: JobRunner): Promise<void> {
  await runner.run([...unitJobs(FETCHING), ...cJobs(), ...CHECKS], navigator.hardwareConcurrency);
  console.log(`left out, as they fetch or measure: ${FETCHING.join(" ")} ${NO_UNITS.join(" ")}`);
}

/**
 * Runs tests with coverage, of pmuctl's own processes too, and prints it by room: the tests of these paths, or the units
 * and the live tests.
 */
async function runCoverage(runner: JobRunner, paths: readonly string[]): Promise<void> {
  const folder = `${Deno.cwd()}/build/coverage`;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  const env = { PMUCTL: `${Deno.cwd()}/scripts/coverage-pmuctl`, PMUCTL_COVERAGE: folder, ...FEWER };
  const covered = (job: Job): Job => ({
    ...job,
    command: [
      ...DENO_TEST,
      "--coverage-raw-data-only",
      `--coverage=${folder}`,
      ...job.command.slice(DENO_TEST.length),
    ],
    env,
  });
  if (paths.length > 0) await runner.run([covered(testJob(paths))], 1);
  else {
    await runner.run(unitJobs(FETCHING).map(covered), navigator.hardwareConcurrency);
    await runner.run([covered(liveJobs()[0])], 1);
  }
  const table: Job = {
    name: "coverage",
    command: ["scripts/deno", "run", "-A", "-q", "scripts/coverage.ts", folder],
    kind: "check",
  };
  await runner.run([table], 1);
  await Deno.remove(folder, { recursive: true });
}

/** Returns the job that runs the tests of `paths`, type-checked before. */
function testJob(paths: readonly string[]): Job {
  return { name: `tests: ${paths.join(" ")}`, command: [...DENO_TEST, ...paths], kind: "tests" };
}

/** Prints the files that took longest. */
function printSlowest(times: FileTimes): void {
  const slowest = [...times].sort((a, b) => b[1] - a[1]).slice(0, 10);
  const rows = slowest.map(([file, seconds]) => `${seconds.toFixed(1).padStart(7)} s  ${file}`);
  if (rows.length > 1) console.log(["== the slowest files", ...rows].join("\n"));
}

/** Says the sums in the form that CI reads: `2 passed, 0 failed`, and `, 1 skipped` when there are such. */
function summary({ passed, failed, skipped }: Sums): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

const runner = new JobRunner();
const args = Deno.args;
if (args.length === 0) await runAll(runner);
else if (args.length === 1 && args[0] === "--quick") await runQuick(runner);
else if (args[0] === "--coverage") await runCoverage(runner, args.slice(1));
else await runner.run([{ ...testJob(args), command: ["scripts/deno", "test", "-A", ...args] }], 1);
printSlowest(runner.times);
console.log(`\n${summary(runner.sums)}`);
Deno.exit(runner.sums.failed === 0 ? 0 : 1);
