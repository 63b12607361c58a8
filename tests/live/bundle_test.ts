/** `pmuctl bundle` from a user's side: a report of a bundle needs none of the programs, and perf reads it as before. */

import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../eventually.ts";
import { testNeeding } from "../needs.ts";
import { perfOk, PMUCTL, pmuctl, pmuctlOk, program, run, withFolder } from "./harness.ts";

/** Reports that together show everything that a bundle has. */
const REPORTS = [
  ["report"],
  ["report", "-g", "--percent-limit", "0"],
  ["report", "-g", "--no-inline", "--no-demangle"],
  ["report", "-G", "--lines"],
  ["report", "--json", "-g", "--lines"],
  ["report", "--format", "folded", "--marks"],
  ["report", "--format", "pprof", "-o", "-"],
  ["report", "--format", "html", "--annotate", "0", "-o", "-"], // the code is with bundle --source
  ["report", "--format", "flamegraph", "-o", "-"],
  ["report", "--time", "20%-70%", "--lines", "--inline"],
  ["analyze", "-CL"],
];

const PIPED = new URL("../testdata/perfdata/pipe.data", import.meta.url).pathname;

/** Runs all reports on what a shell finds at `path` after `before`, in a mount namespace of its own. */
async function reports(path: string, before = ":"): Promise<string[]> {
  const outputs: string[] = [];
  for (const report of REPORTS) {
    const script = `${before} && exec "$0" "$@"`;
    const ran = await run("unshare", ["--mount", "sh", "-ec", script, PMUCTL, ...report, path]);
    assertEquals(ran.status, 0, `${report.join(" ")}: ${ran.stderr}`);
    outputs.push(ran.stdout + ran.stderr);
  }
  return outputs;
}

/** Returns a shell command that hides files. */
function hide(...paths: string[]): string {
  return paths.map((path) => `mount --bind /dev/null "$(readlink -f ${path})"`).join(" && ");
}

/** Compiles a program with inlined functions and debug information, which spends its time in the C++ library, too. */
async function buildShapes(folder: string): Promise<string> {
  const path = `${folder}/shapes`;
  const { status, stderr } = await run("g++", ["-O2", "-g", "-o", path, "tests/programs/shapes.cpp"]);
  assertEquals(status, 0, stderr);
  return path;
}

testNeeding(
  ["cxx", "root", "mountNamespace", "mounts"],
  "a report of a bundle is byte for byte that of the recording, without the program, its libraries and the kernel",
  () =>
    withFolder(async (folder) => {
      const shapes = await buildShapes(folder), file = `${folder}/perf.data`, bundle = `${folder}/bundle`;
      await pmuctlOk(["record", "-q", "-g", "-o", file, "--", shapes]);
      const before = await reports(file);
      await pmuctlOk(["bundle", "-q", file, "-o", bundle]);
      await Deno.rename(file, `${file}.old`);
      await Deno.rename(bundle, file); // reports say its name
      await Deno.remove(shapes);
      const cxx = (await run("g++", ["-print-file-name=libstdc++.so.6"])).stdout.trim();
      const after = await reports(file, hide(cxx, "/proc/kallsyms"));
      for (const [i, report] of REPORTS.entries()) assertEquals(after[i], before[i], report.join(" "));
      assertStringIncludes(before[3], "shapes.cpp:");
      assertEquals(before[0] === (await reports(`${file}.old`, hide("/proc/kallsyms")))[0], false);
    }),
);

testNeeding(
  ["cxx", "root", "mountNamespace", "mounts"],
  "annotate of a bundle with source is that of the recording, without the program, its libraries and its source",
  () =>
    withFolder(async (folder) => {
      const source = `${folder}/shapes.cpp`, shapes = `${folder}/shapes`, bundle = `${folder}/bundle`;
      const cxx = (await run("g++", ["-print-file-name=libstdc++.so.6"])).stdout.trim();
      await Deno.copyFile("tests/programs/shapes.cpp", source);
      const built = await run("g++", ["-O2", "-g", "-o", shapes, source]);
      assertEquals(built.status, 0, built.stderr);
      const file = `${folder}/perf.data`;
      const recorded = await pmuctl(["record", "--bundle", "--source", "-g", "-o", file, "--", shapes]);
      assertMatch(recorded.stderr, /code of \d+ functions and lines of \d+ source files/);
      await pmuctlOk(["bundle", "-q", "--source", file, "-o", bundle]);
      assertEquals(await Deno.readFile(bundle), await Deno.readFile(file), "bundled once more");
      await pmuctlOk(["bundle", "-q", file, "-o", `${folder}/names`]);
      const functions = await sampledFunctions(file);
      assertGreater(functions.length, 5);
      const before = ":", after = hide(cxx, shapes, source, "/proc/kallsyms");
      for (const [object, name] of functions) {
        for (const args of [["-d", object, name], ["-M", "intel", "--json", "-d", object, name]]) {
          const [here, there] = await Promise.all(
            [before, after].map((script) => annotated(script, bundle, args)),
          );
          assertEquals(there, here, name);
        }
      }
      for (const report of [["--json", "-g", "--lines"], ["--format", "html", "-o", "-"]]) {
        const outputs = await Promise.all(
          [before, after].map((script) => inNamespace(script, ["report", "-i", bundle, ...report])),
        );
        assertEquals(outputs[1], outputs[0], report.join(" "));
      }
      const [, area] = functions.find(([, name]) => name.includes("area"))!;
      const shown = await annotated(after, bundle, [area]);
      assertStringIncludes(shown, "shapes.cpp:");
      assertMatch(shown, /[0-9a-f]+: .*ret/);
      const without = await annotated(after, `${folder}/names`, [area]);
      assertMatch(without, /no instructions of .*area/);
      assertMatch(without, /source file .*shapes.cpp: not shown/);
    }),
);

/** Returns the object and the name of each function that samples hit, apart from those of the kernel. */
async function sampledFunctions(file: string): Promise<string[][]> {
  const { events: [{ rows }] } = JSON.parse(
    await pmuctlOk(["report", "--json", "-s", "dso,symbol", "--no-inline", "-i", file]),
  );
  return rows.filter((row: { kernel: boolean; self: { count: number } }) => !row.kernel && row.self.count > 0)
    .slice(0, 12).map((row: { object: string; symbol: string; unnamed: string }) => [
      row.object.split("/").at(-1),
      row.symbol ?? row.unnamed,
    ]);
}

/** Annotates a function in a mount namespace, after `before`. */
function annotated(before: string, file: string, args: string[]): Promise<string> {
  return inNamespace(before, ["annotate", "-i", file, ...args]);
}

/** Runs pmuctl in a mount namespace, after `before`. */
async function inNamespace(before: string, args: string[]): Promise<string> {
  const ran = await run("unshare", ["--mount", "sh", "-ec", `${before} && exec "$0" "$@"`, PMUCTL, ...args]);
  assertEquals(ran.status, 0, ran.stderr);
  return ran.stdout + ran.stderr;
}

testNeeding(["cc"], "bundle says which source text is left out, and why", () =>
  withFolder(async (folder) => {
    const source = `${folder}/work.c`, work = `${folder}/work`, file = `${folder}/perf.data`;
    const comment = ` // ${"x".repeat(480)}\n`;
    const lines = Array.from({ length: 2500 }, (_, i) => `s += s * ${i + 3};${comment}`).join("");
    await Deno.writeTextFile(
      source,
      `int main(void) { volatile unsigned s = 1; for (int i = 0; i < 20000; i++) {\n${lines}} return s & 1; }`,
    );
    const built = await run("cc", ["-O1", "-g", "-o", work, source]);
    assertEquals(built.status, 0, built.stderr);
    await pmuctlOk(["record", "-q", "-o", file, "--", work]);
    const bundle = async () => (await pmuctl(["bundle", "--source", file, "-o", `${folder}/x`])).stderr;
    assertMatch(
      await bundle(),
      /warning: without the text of .*work.c.*: left out of the bundle, which has at most 1 MiB of a file/,
    );
    const short = (await Deno.readTextFile(source)).replaceAll("x".repeat(480), "");
    await Deno.writeTextFile(source, short);
    assertEquals(/without the text of .*work\.c/.test(await bundle()), false);
    await pmuctlOk(["bundle", "-q", file, "-o", `${folder}/names`]);
    await Deno.chmod(source, 0o600);
    assertMatch(
      await bundle(),
      /warning: without the text of .*work.c.*: to others, only files that everybody/,
    );
    await Deno.chmod(source, 0o644);
    await Deno.rename(work, `${work}.old`);
    const again = await pmuctl(["bundle", "--source", `${folder}/names`, "-o", `${folder}/y`]);
    assertMatch(again.stderr, /warning: without the text of .*work.c.*: the recording alone names it/);
    await Deno.rename(`${work}.old`, work);
    await Deno.remove(source);
    assertMatch(await bundle(), /warning: without the text of .*work.c.*: no such file or directory/);
    const { status, stderr } = await pmuctl(["record", "--source", "--", "true"]);
    assertEquals([status, stderr], [2, "pmuctl: record: --source needs --bundle: add it\n"]);
  }));

testNeeding(
  ["perf", "cxx"],
  "perf reads a bundle as it reads the recording, of pmuctl's or its own, file or pipe",
  () =>
    withFolder(async (folder) => {
      const shapes = await buildShapes(folder);
      const files = ["ours", "pipe", "perfs"].map((name) => `${folder}/${name}`);
      await pmuctlOk(["record", "-q", "-g", "-o", files[0], "--", shapes]);
      const piped = `"$0" record -q -o - -- "$1" >"$2"`;
      assertEquals((await run("sh", ["-ec", piped, PMUCTL, shapes, files[1]])).status, 0);
      await perfOk(["record", "-q", "-e", "cpu-clock", "-o", files[2], shapes]);
      for (const file of files) {
        const bundle = `${file}.bundle`;
        await pmuctlOk(["bundle", "-q", file, "-o", bundle]);
        const [samples, bundled] = await Promise.all(
          [file, bundle].map((path) => perfOk(["script", "-i", path])),
        );
        assertGreater(samples.split("\n").length, 100);
        assertEquals(bundled, samples, file);
        assertEquals(await perfOk(["evlist", "-i", bundle]), await perfOk(["evlist", "-i", file]));
        await pmuctlOk(["bundle", "-q", bundle, "-o", `${bundle}.again`]);
        assertEquals(
          await Deno.readFile(`${bundle}.again`),
          await Deno.readFile(bundle),
          "bundled once more",
        );
      }
    }),
);

testNeeding(
  ["node"],
  "record --bundle makes a recording that needs no program, and bundle takes one from a pipe",
  () =>
    withFolder(async (folder) => {
      const [file, piped] = [`${folder}/perf.data`, `${folder}/piped`];
      const args = ["-g", "--", "node", "--perf-basic-prof", "-e", NODE_SCRIPT];
      const ran = await pmuctl(["record", "--bundle", "-o", file, ...args], { cwd: folder });
      assertEquals(ran.status, 0, ran.stderr);
      assertStringIncludes(ran.stderr, `${file} has names of `);
      const both = `"$0" record -q "$@" | "$0" bundle -q -o ${piped}`;
      assertEquals((await run("sh", ["-ec", both, PMUCTL, ...args], { cwd: folder })).status, 0);
      for (const path of [file, piped]) {
        assert((await Deno.stat(path)).mode! % 0o100 === 0, "others may read it");
        assertStringIncludes(await pmuctlOk(["report", "-i", path]), "fib");
      }
    }),
);

testNeeding(
  ["perf", "cxx"],
  "a bundle carries the stacks that were unwound from perf's copies",
  () =>
    withFolder(async (folder) => {
      const shapes = await buildShapes(folder), file = `${folder}/perf.data`, bundle = `${folder}/bundle`;
      await perfOk([
        "record",
        "-q",
        "-e",
        "cpu-clock",
        "--call-graph",
        "dwarf,8192",
        "-F",
        "499",
        "-o",
        file,
        shapes,
      ]);
      await pmuctlOk(["bundle", "-q", file, "-o", bundle]);
      const report = (path: string, ...more: string[]) =>
        pmuctlOk(["report", "-g", "--percent-limit", "0", ...more, path]);
      const filters = [[], ["--json"], ["--no-unwind"], ["--time", "30%-60%"]];
      const before = await Promise.all(filters.map((filter) => report(file, ...filter)));
      await Deno.remove(shapes);
      assertEquals(await Promise.all(filters.map((filter) => report(bundle, ...filter))), before);
      assertStringIncludes(before[0], "__libc_start_main");
      assert(await report(file) !== before[0], "the program is still there");
    }),
);

const NODE_SCRIPT = `
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
const end = Date.now() + 500;
let x = 0;
while (Date.now() < end) x += fib(20);
`;

Deno.test("bundle says in one line what it cannot do, and leaves the output as it was", () =>
  withFolder(async (folder) => {
    const file = `${folder}/perf.data`, output = `${folder}/out`;
    const work = `${folder}/work`;
    await Deno.copyFile(program("loop"), work);
    await pmuctlOk(["record", "-q", "-o", file, "--", work, "200000000"]);
    await Deno.writeTextFile(output, "as it was");
    const refusals: [args: string[], status: number, said: string][] = [
      [[file], 2, "name the file to write with -o"],
      [[file, "-o", file], 2, "would overwrite the recording"],
      [["-i", file, file, "-o", output], 2, "are two files"],
      [[work, "-o", output], 4, "a program or library (ELF)"],
      [[`${folder}/none`, "-o", output], 4, "no such file"],
      [[file, "-o", `${folder}/none/out`], 3, "no such folder"],
      [[file, "-o", "/dev/full"], 3, "no space left on device"],
    ];
    for (const [args, status, said] of refusals) {
      const ran = await pmuctl(["bundle", ...args]);
      assertEquals([ran.status, ran.stderr.trim().split("\n").length], [status, 1], ran.stderr);
      assertStringIncludes(ran.stderr, said);
    }
    const before = [...Deno.readDirSync(folder)].length;
    const damaged = `(head -c 16 ${PIPED}; cat /dev/zero) | "$@"`;
    for (
      const endless of [damaged, 'exec "$@" -i /dev/zero', 'yes | "$@"', 'yes >pipe & exec "$@" -i pipe']
    ) {
      const script = `mkfifo pipe; TMPDIR=$PWD; export TMPDIR; ulimit -f 64; ${endless}`;
      const ran = await run("bash", ["-c", script, "sh", PMUCTL, "bundle", "-o", output], { cwd: folder });
      assertEquals([ran.status, ran.stderr.trim().split("\n").length], [4, 1], ran.stderr);
      const said = endless === damaged ? "a record gives its size as 0 bytes" : "it is not a perf.data file";
      assertStringIncludes(ran.stderr, said);
      await Deno.remove(`${folder}/pipe`);
    }
    assertEquals([...Deno.readDirSync(folder)].length, before, "copies are left behind");
    assertEquals(await Deno.readTextFile(output), "as it was");
    await Deno.remove(work);
    const { status, stderr } = await pmuctl(["bundle", file, "-o", output]);
    assertEquals(status, 0, stderr);
    assertMatch(
      stderr,
      /warning: without names of work \([0-9.]+% of the samples\): no file: bundle on the recorded machine/,
    );
    assertStringIncludes(await pmuctlOk(["report", "-i", output]), "no file");
  }));

Deno.test("bundle leaves nothing of the copy of a pipe, however it ends", () =>
  withFolder(async (folder) => {
    const child = new Deno.Command(PMUCTL, {
      args: ["bundle", "-o", "/dev/null"],
      env: { TMPDIR: folder },
      stdin: "piped",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(Deno.readFileSync(PIPED).subarray(0, 10_000));
    const fds = `/proc/${child.pid}/fd`;
    await eventually(
      () => [...Deno.readDirSync(fds)].some(({ name }) => linkOf(`${fds}/${name}`).startsWith(folder)),
      "bundle to have begun the copy",
    );
    await eventually(() => [...Deno.readDirSync(folder)].length === 0, "the copy to have no name");
    child.kill("SIGKILL");
    await child.status;
    await writer.close().catch(() => {});
  }));

function linkOf(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return ""; // it has been closed meanwhile
  }
}
