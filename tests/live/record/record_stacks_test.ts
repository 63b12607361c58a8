/** `pmuctl record -g`: stacks unwound while they are recorded, of programs without frame pointers. */

import { END, END_WORDS } from "../../../lib/unwind/ends.ts";
import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../../eventually.ts";
import { hasCommand, type Need, NEEDS, NOBODY, testUnless } from "../../needs.ts";
import {
  asNobody,
  foldedSamples,
  ledgerSamples,
  perfOk,
  PMUCTL,
  pmuctl,
  pmuctlOk,
  type Ran,
  run,
  withFolder,
} from "../harness.ts";
import { exists, sizeOf } from "../watching.ts";

const SOURCE = new URL("../../programs/deep.c", import.meta.url).pathname;
const STEPS = Array.from({ length: 10 }, (_, i) => `step_${9 - i}`).join(";");
/** Stack of `deep`, and with a library, from main on. */
const DEEP = `main;${STEPS};work`, DEEPER = `main;${STEPS};enter;${STEPS};work`;

const OTHER_ARCH = !["x86_64", "aarch64"].includes(Deno.build.arch) && "it needs x86_64 or aarch64";

/** Runs `body` where all that it needs is here, with a folder, which others may write to if they are needed, and a home in it. */
function testStacks(
  needs: readonly Need[],
  name: string,
  body: (folder: string, env: Record<string, string>) => Promise<void>,
): void {
  const lacking = [!hasCommand("cc") && "cc", ...needs.map((need) => NEEDS[need]())].find((what) =>
    what !== false
  );
  testUnless(
    OTHER_ARCH || (lacking !== undefined && `it needs ${lacking}`),
    name,
    () =>
      withFolder(async (folder) => {
        if (needs.includes("otherUser")) Deno.chmodSync(folder, 0o777);
        Deno.mkdirSync(`${folder}/home`);
        await body(folder, { HOME: `${folder}/home` });
      }),
  );
}

/** Builds `deep` as distributions build programs: optimized, without frame pointers and debug information. */
async function build(path: string, ...options: string[]): Promise<string> {
  const { status, stderr } = await run("cc", [
    "-O2",
    "-fomit-frame-pointer",
    "-Wl,--build-id",
    ...options,
    "-o",
    path,
    SOURCE,
  ]);
  assertEquals(status, 0, stderr);
  return path;
}

interface Stacks {
  unwound: number;
  whole: number;
  cut: { reason: string; frame: string; object: string | null; samples: number }[];
}

/** Frame of the samples that are written without their callers where the recorder is late. */
const LATE = "[stack not unwound in time]";

/** Results of unwinding, by a file's report. */
async function stacksIn(file: string, env?: Record<string, string>): Promise<Stacks> {
  return inTime(JSON.parse(await pmuctlOk(["report", "--json", "-i", file], { env })).meta.stacks);
}

/** Leaves out what a busy machine does: a recorder that is late leaves out callers rather than samples. */
function inTime(stacks: Stacks): Stacks {
  const isLate = ({ reason }: Stacks["cut"][number]) => reason === END_WORDS[END.NO_TIME];
  const late = stacks.cut.filter(isLate).reduce((sum, { samples }) => sum + samples, 0);
  assertGreater(stacks.unwound, 2 * late);
  return { ...stacks, unwound: stacks.unwound - late, cut: stacks.cut.filter((cut) => !isLate(cut)) };
}

/** Number of samples by stack, from the command on; of one event, where given. */
function foldedStacks(
  file: string,
  env?: Record<string, string>,
  ...more: string[]
): Promise<Map<string, number>> {
  return foldedSamples(file, { env, more: ["--no-demangle", ...more] });
}

/**
 * Checks that nearly all stacks of a file are whole, and that all samples in `work` have this stack, of which there have
 * to be at least `least`.
 */
async function expectWhole(
  file: string,
  { stack = DEEP, least = 100, share = 0.99, env }: {
    stack?: string;
    least?: number;
    share?: number;
    env?: Record<string, string>;
  } = {},
): Promise<Stacks> {
  const stacks = await stacksIn(file, env);
  const told = JSON.stringify(stacks);
  assert(stacks.whole >= share * stacks.unwound, told);
  let found = 0;
  for (const [path, count] of await foldedStacks(file, env)) {
    if (!path.includes(";work") || path.includes(LATE)) continue;
    assertStringIncludes(path, stack);
    found += count;
  }
  assertGreater(found, least, told);
  return stacks;
}

testStacks(
  ["perf"],
  "stacks of a program without frame pointers are whole, and perf reads the same ones",
  async (folder) => {
    const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
    const ran = await pmuctl(["record", "-g", "-F", "4000", "-o", file, "--", program, "700"]);
    assertEquals(ran.status, 0, ran.stderr);
    const { unwound } = await expectWhole(file, { least: 1000 });
    assertGreater(unwound, 0.95 * ledgerSamples(ran.stderr));
    const ours = await foldedStacks(file), theirs = await perfStacks(file);
    // perf makes up a frame for a mark, and has other names for code without symbols
    const known = (stacks: Map<string, number>) =>
      new Map([...stacks].filter(([path]) => !/\[|\+0x|^[^;]*$/.test(path)).sort());
    assertEquals(known(ours), known(theirs));
    const samples = (stacks: Map<string, number>) =>
      [...stacks.values()].reduce((sum, count) => sum + count, 0);
    assertGreater(samples(known(ours)), 0.9 * samples(ours));
    assertEquals(samples(ours), samples(theirs));
  },
);

/** Samples by stack as perf script tells them, folded. */
async function perfStacks(file: string): Promise<Map<string, number>> {
  const script = await perfOk(["script", "-i", file, "-F", "comm,ip,sym", "--no-inline", "--no-demangle"]);
  const stacks = new Map<string, number>();
  for (const sample of script.split("\n\n").filter((text) => text.trim() !== "")) {
    const [comm, ...frames] = sample.trim().split("\n").map((line) => line.trim());
    const path = [comm, ...frames.map((frame) => frame.replace(/^[0-9a-f]+ /, "")).reverse()].join(";");
    stacks.set(path, (stacks.get(path) ?? 0) + 1);
  }
  return stacks;
}

testStacks([], "stacks through a library that a program loads are whole", async (folder) => {
  const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
  const library = await build(`${folder}/libdeep.so`, "-shared", "-fPIC", "-DLIBRARY");
  await pmuctlOk(["record", "-q", "-g", "-F", "2000", "-o", file, "--", program, "400", library]);
  await expectWhole(file, { stack: DEEPER });
});

testStacks([], "stacks of static and position-independent programs are whole", async (folder) => {
  for (const options of [["-static"], ["-static-pie"], ["-no-pie"], ["-pie", "-s"]]) {
    const file = `${folder}/perf.data`, program = await build(`${folder}/deep`, ...options);
    await pmuctlOk(["record", "-q", "-g", "-F", "2000", "-o", file, "--", program, "200"]);
    // a stripped one has no names
    if (!options.includes("-s")) await expectWhole(file, { least: 50 });
    else assertGreater((await stacksIn(file)).whole, 50);
  }
});

testStacks(
  [],
  "stacks of a program that is deleted and replaced as it starts are whole",
  async (folder, env) => {
    const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
    const other = await build(`${folder}/other`, "-O0");
    const script =
      `${program} 400 & until [ /proc/$!/exe -ef ${program} ]; do :; done; mv ${other} ${program}; wait`;
    await pmuctlOk(["record", "-q", "-g", "-F", "2000", "-o", file, "--", "sh", "-c", script], { env });
    const { cut } = await expectWhole(file, { env, share: 0.97 });
    assertEquals(cut.filter(({ object }) => object?.startsWith("deep")), []);
  },
);

testStacks(["root"], "stacks of a program that was deleted before are whole", async (folder, env) => {
  const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
  await whileRunning([program, "100000"], async (pid) => {
    Deno.removeSync(program);
    await pmuctlOk(["record", "-q", "-g", "-F", "2000", "-o", file, "-p", `${pid}`, "--duration", "0.5"], {
      env,
    });
  });
  await expectWhole(file, { env, least: 20 });
});

/** Calls `body` while a command runs, which is then killed. */
async function whileRunning(
  [command, ...args]: string[],
  body: (pid: number) => Promise<void>,
): Promise<void> {
  const child = new Deno.Command(command, { args, stdout: "null" }).spawn();
  try {
    await eventually(() => Deno.readTextFileSync(`/proc/${child.pid}/stat`).includes(") R"), "it to run");
    await body(child.pid);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

testStacks(
  [],
  "stacks of a shell that starts many programs are whole, and none of them is lost",
  async (folder) => {
    const file = `${folder}/perf.data`,
      script = "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i + 1)); done";
    const ran = await pmuctl(["record", "-g", "-F", "4000", "-o", file, "--", "sh", "-c", script]);
    assertEquals(ran.status, 0, ran.stderr);
    assertStringIncludes(ran.stderr, "none lost");
    const { unwound, whole, cut } = await stacksIn(file);
    assertGreater(unwound, 200);
    assert(whole >= 0.99 * unwound, JSON.stringify({ unwound, whole, cut }));
  },
);

/** Programs that the test of many starts; PMUCTL_JOBS=10000 for more. */
const PROGRAMS = Number(Deno.env.get("PMUCTL_JOBS") ?? 2000);

testStacks(
  [],
  "a recorder keeps no more descriptors and little more memory, however many programs start",
  async (folder) => {
    const file = `${folder}/perf.data`;
    const starts = (count: number) => `i=0; while [ $i -lt ${count} ]; do /bin/true; i=$((i + 1)); done`;
    const waits = (name: string) => `: >${folder}/${name}; read line`;
    const script = `${starts(300)}; ${waits("warm")}; ${starts(PROGRAMS)}; ${waits("done")}`;
    const recorder = new Deno.Command(PMUCTL, {
      args: ["record", "-g", "-F", "4000", "-o", file, "--", "sh", "-c", script],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const ended = recorder.output(), input = recorder.stdin.getWriter();
    const use = async (name: string) => {
      await eventually(() => exists(`${folder}/${name}`), name);
      const descriptors = [...Deno.readDirSync(`/proc/${recorder.pid}/fd`)].length;
      const status = Deno.readTextFileSync(`/proc/${recorder.pid}/status`);
      await input.write(new TextEncoder().encode("\n"));
      return { descriptors, kilobytes: Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)![1]) };
    };
    const before = await use("warm"), after = await use("done");
    await input.close();
    const { code, stderr } = await ended, talk = new TextDecoder().decode(stderr);
    assertEquals(code, 0, talk);
    assertStringIncludes(talk, "none lost");
    assert(after.descriptors <= before.descriptors + 20, JSON.stringify({ before, after }));
    // V8 collects when it likes
    assert(after.kilobytes <= before.kilobytes + 40_000, JSON.stringify({ before, after }));
    const { unwound, whole } = await stacksIn(file);
    assertGreater(whole, 0.99 * unwound);
  },
);

testStacks(["root"], "each of several events has whole stacks", async (folder) => {
  const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
  const events = { "cpu-clock": DEEP, "page-faults": ";_dl_start;", "sched:sched_switch": ";schedule" };
  const options = [...Object.keys(events).flatMap((event) => ["-e", event]), "-g", "-F", "2000"];
  const script = `${program} 300; i=0; while [ $i -lt 50 ]; do sleep 0.001; i=$((i + 1)); done`;
  await pmuctlOk(["record", "-q", ...options, "-o", file, "--", "sh", "-c", script]);
  const { unwound, whole, cut } = await stacksIn(file);
  // nothing is copied where a stack's own page is missing, as at some of the faults
  const others = cut.filter(({ frame }) => frame !== "[no stack copied]");
  assertEquals(others, []);
  assertGreater(whole, 0.9 * unwound);
  for (const [event, expected] of Object.entries(events)) {
    const stacks = [...(await foldedStacks(file, undefined, "--event", event)).keys()];
    const found = stacks.filter((path) => path.includes(expected) && path.includes(";_start"));
    assertGreater(found.length, 0, `${event}: ${stacks.join("\n")}`);
    for (const path of stacks) if (path.includes(";work")) assertStringIncludes(path, DEEP);
  }
});

testStacks(
  ["perf"],
  "files of one recording go on with whole stacks, and no sample is lost or in two",
  async (folder) => {
    const program = await build(`${folder}/deep`);
    Deno.mkdirSync(`${folder}/parts`);
    const options = ["-g", "-F", "4000", "--switch-output=1s", "-o", `${folder}/parts/p.data`];
    const ran = await pmuctl(["record", ...options, "--", program, "3500"]);
    assertEquals(ran.status, 0, ran.stderr);
    const files = Array.from(Deno.readDirSync(`${folder}/parts`), ({ name }) => `${folder}/parts/${name}`)
      .sort();
    assertGreater(files.length, 2);
    const times: string[] = [];
    for (const [i, file] of files.entries()) {
      const script = await perfOk(["script", "-i", file, "-F", "tid,time,ip", "--ns"]);
      times.push(...[...script.matchAll(/^\s*(\d+ +[\d.]+):/gm)].map(([, time]) => time));
      const stacks = await foldedStacks(file);
      for (const path of stacks.keys()) if (path.includes(";work")) assertStringIncludes(path, DEEP);
      if (i > 0 && i < files.length - 1) {
        assertGreater(
          [...stacks.keys()].filter((path) => path.includes(DEEP)).length,
          0,
        );
      }
    }
    assertEquals(new Set(times).size, times.length, "a sample is in two files");
    assertEquals(times.length, ledgerSamples(ran.stderr));
    assertStringIncludes(ran.stderr, "none lost");
  },
);

testStacks([], "a recording into a pipe has whole stacks", async (folder) => {
  const program = await build(`${folder}/deep`), out = `${folder}/report.json`;
  const pipe = `"$1" record -q -g -F 2000 -o - -- "$2" 300 | "$1" report --json -i - >${out}`;
  const { status, stderr } = await run("sh", ["-c", pipe, "sh", PMUCTL, program]);
  assertEquals([status, stderr], [0, ""]);
  const { meta, events: [{ rows }] } = JSON.parse(Deno.readTextFileSync(out));
  assertGreater(meta.stacks.whole, 100);
  const { unwound, whole } = inTime(meta.stacks);
  assertGreater(whole, 0.98 * unwound);
  const total = (symbol: string) => rows.find((row: { symbol: string }) => row.symbol === symbol).total.count;
  assert(total("step_0") >= total("work") && total("main") >= total("step_9"), JSON.stringify(rows));
});

testStacks(["otherUser"], "stacks that an ordinary user records are whole", async (folder) => {
  const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
  const ran: Ran = await asNobody(["record", "-g", "-F", "4000", "-o", file, "--", program, "500"]);
  assertEquals(ran.status, 0, ran.stderr);
  await expectWhole(file, { least: 500 });
});

testStacks(
  ["otherUser"],
  "where a user may lock little, rings and copies are small, and that is said",
  async (folder) => {
    const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
    const limited = `ulimit -l 64; exec setpriv ${NOBODY.options.join(" ")}`;
    const options = ["record", "-g", "-F", "997", "-m", "64", "-o", file, "--", program, "600"];
    const ran = await run("sh", ["-c", `${limited} "$@"`, "sh", "--", PMUCTL, ...options]);
    assertEquals(ran.status, 0, ran.stderr);
    assertMatch(ran.stderr, /stacks are copied up to \d+ KiB; longer ones are cut/);
    const { unwound, whole } = await stacksIn(file);
    assertGreater(whole, 0.5 * unwound); // small rings are full soon, and then there is no time
    for (const path of (await foldedStacks(file)).keys()) {
      if (/;work/.test(path) && !path.includes("[")) assertStringIncludes(path, DEEP);
    }
  },
);

testStacks(
  ["otherUser"],
  "stacks through many files are whole, though a user may have few descriptors",
  async (folder) => {
    const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
    // which are gone when the recording ends
    const each = `cp ${program} ${folder}/p$i; ${folder}/p$i 2; [ $i -lt 50 ] || rm ${folder}/p$((i - 50))`;
    const script = `i=0; while [ $i -lt 400 ]; do ${each}; i=$((i + 1)); done`;
    const options = ["record", "-N", "-g", "-F", "4000", "-o", file, "--", "sh", "-c", script];
    const ran = await run("sh", [
      "-c",
      'ulimit -n 400; exec "$@"',
      "sh",
      "setpriv",
      ...NOBODY.options,
      PMUCTL,
      ...options,
    ]);
    assertEquals(ran.status, 0, ran.stderr);
    const { unwound, whole, cut } = await stacksIn(file);
    assertGreater(unwound, 400);
    assert(whole >= 0.98 * unwound, JSON.stringify({ unwound, whole, cut: cut.slice(0, 5) }));
  },
);

testStacks(
  ["mountNamespace", "mounts"],
  "stacks of a program that only a mount namespace can see are whole",
  async (folder, env) => {
    const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
    Deno.mkdirSync(`${folder}/mount`);
    Deno.writeTextFileSync(`${folder}/mount/deep`, "another file, where the recorder looks");
    const script =
      `mount -t tmpfs none ${folder}/mount && cp ${program} ${folder}/mount/deep && ${folder}/mount/deep 400`;
    const command = ["unshare", "-m", "sh", "-c", script];
    await pmuctlOk(["record", "-q", "-g", "-F", "2000", "-o", file, "--", ...command], { env });
    await expectWhole(file, { env, share: 0.97 });
  },
);

testStacks(["root"], "stacks of a program that only a chroot can see are whole", async (folder, env) => {
  const file = `${folder}/perf.data`;
  Deno.mkdirSync(`${folder}/root/bin`, { recursive: true });
  await build(`${folder}/root/bin/deep`, "-static");
  const command = ["chroot", `${folder}/root`, "/bin/deep", "300"];
  await pmuctlOk(["record", "-q", "-g", "-F", "2000", "-o", file, "--", ...command], { env });
  await expectWhole(file, { env });
});

testStacks([], "stacks are whole though sampling begins after the program", async (folder) => {
  const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
  const library = await build(`${folder}/libdeep.so`, "-shared", "-fPIC", "-DLIBRARY");
  await pmuctlOk([
    "record",
    "-q",
    "-g",
    "-D",
    "100",
    "-F",
    "2000",
    "-o",
    file,
    "--",
    program,
    "500",
    library,
  ]);
  await expectWhole(file, { stack: DEEPER });
});

testStacks([], "stacks of a process that ran before are whole", async (folder) => {
  const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
  const library = await build(`${folder}/libdeep.so`, "-shared", "-fPIC", "-DLIBRARY");
  await whileRunning([program, "100000", library], async (pid) => {
    await pmuctlOk(["record", "-q", "-g", "-F", "2000", "-o", file, "-p", `${pid}`, "--duration", "0.5"]);
  });
  await expectWhole(file, { stack: DEEPER, least: 20 });
});

testStacks(
  ["root"],
  "stacks of all processes are whole, of those that ran before and of those that come",
  async (folder) => {
    const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
    const later = await build(`${folder}/later`);
    await whileRunning([program, "100000"], async () => {
      const command = ["sh", "-c", `sleep 0.2; ${later} 200; sleep 0.2`];
      await pmuctlOk([
        "record",
        "-q",
        "-g",
        "-F",
        "2000",
        "-a",
        "--duration",
        "20",
        "-o",
        file,
        "--",
        ...command,
      ]);
    });
    for (const name of ["deep", "later"]) {
      const stacks = [...await foldedStacks(file, undefined, "-c", name)].filter(([path]) =>
        path.includes(";work") && !path.includes(LATE)
      );
      assertGreater(stacks.length, 0, name);
      for (const [path] of stacks) assertStringIncludes(path, DEEP);
    }
  },
);

/** Returns data.size in the header of a recording: struct perf_file_header of tools/perf/util/header.h. */
function dataSize(file: string): number {
  return Number(new DataView(Deno.readFileSync(file).buffer).getBigUint64(48, true));
}

testStacks([], "a recording that is killed has whole stacks up to then", async (folder) => {
  const file = `${folder}/perf.data`, program = await build(`${folder}/deep`);
  await whileRunning([program, "100000"], async (pid) => {
    const recorder = new Deno.Command(PMUCTL, {
      args: ["record", "-q", "-g", "-F", "2000", "-o", file, "-p", `${pid}`],
      stdout: "null",
      stderr: "null",
    }).spawn();
    // data.size of the header is renewed five times a second, and tells readers how far to read
    await eventually(() => sizeOf(file) > 100_000 && dataSize(file) > 50_000, "samples that a reader finds");
    recorder.kill("SIGKILL");
    await recorder.status;
  });
  await expectWhole(file, { least: 50 });
  assertStringIncludes(await pmuctlOk(["report", "-i", file]), "not finished: loss unknown");
});
