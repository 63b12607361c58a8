/** Named sets on real programs: `bind --detach` and the commands that act on what it bound. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { NOBODY, testNeeding } from "../../needs.ts";
import { eventually } from "../../eventually.ts";
import { asNobody, PMUCTL, program, type Ran, run, type RunOptions, withFolder } from "../harness.ts";

/** Calls of `sample` in a row, and rounds of bind, kill, sample and unbind: a minute each; CI takes fewer. */
const SAMPLES = Number(Deno.env.get("PMUCTL_TEST_SAMPLES") ?? (Deno.env.get("CI") ? 200 : 1000));
const ROUNDS = Number(Deno.env.get("PMUCTL_TEST_ROUNDS") ?? (Deno.env.get("CI") ? 40 : 200));
/** No call takes longer than this, in seconds: more is a hang. */
const LIMIT = "30";

let named = 0;

/** A name that no other test, nor another run of the tests, has. */
function newName(): string {
  return `test-${Deno.pid}-${named++}`;
}

/** Runs pmuctl, which must neither hang nor find a bug in itself. */
async function pmuctl(args: string[], options: RunOptions = {}): Promise<Ran> {
  const ran = await run("timeout", ["-k", "1", LIMIT, PMUCTL, ...args], options);
  assert(ran.status !== 124, `pmuctl ${args.join(" ")} hangs`);
  assert(ran.status !== 70, `pmuctl ${args.join(" ")}: ${ran.stderr}`);
  return ran;
}

async function ok(...args: string[]): Promise<string> {
  const ran = await pmuctl(args);
  assertEquals(ran.status, 0, `pmuctl ${args.join(" ")} ended with ${ran.status}: ${ran.stderr}`);
  return ran.stdout;
}

/** Status and last error line of a command that is refused. */
async function refused(...args: string[]): Promise<string> {
  const ran = await pmuctl(args);
  return `${ran.status} ${ran.stderr.trimEnd().split("\n").at(-1)}`;
}

interface Sample {
  state: string;
  hrtime: number;
  tick: number;
  counts: { name: string; count: number }[];
  places?: { place: string; tick: number; counts: { name: string; count: number }[] }[];
}

async function sample(name: string, ...options: string[]): Promise<Sample> {
  return JSON.parse(await ok("sample", name, "--json", ...options));
}

function countsOf({ counts }: Pick<Sample, "counts">): number[] {
  return counts.map(({ count }) => count);
}

interface ListedSet {
  name: string;
  state: string;
  holder: number;
  target: unknown;
}

async function listed(name: string): Promise<ListedSet | undefined> {
  const lines = (await ok("sets", "--json")).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line)).find((set) => set.name === name);
}

function isThere(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

/** Runs `script` in a shell while `body` lasts. */
async function whileRunning(script: string, body: (pid: number) => Promise<void>): Promise<void> {
  const child = new Deno.Command("sh", { args: ["-c", script], stdin: "null", stdout: "null" }).spawn();
  try {
    await body(child.pid);
  } finally {
    end(child);
    await child.status;
  }
}

function end(child: Deno.ChildProcess, signal: Deno.Signal = "SIGKILL"): void {
  try {
    child.kill(signal);
  } catch {
    // it has ended
  }
}

const IDLE = "exec sleep 600";
/** Starts a process every few hundredths of a second. */
const BUSY = "while :; do sleep 0.02; done";

Deno.test("a set is bound to a command, which runs on its own, and counts it from its exec to its end", async () => {
  const name = newName();
  const ran = await pmuctl([
    "bind",
    "--detach",
    name,
    "-e",
    "page-faults,task-clock",
    "--",
    "sh",
    "-c",
    "echo here",
  ]);
  assertEquals(ran.status, 0, ran.stderr);
  assertStringIncludes(ran.stderr, `set '${name}' is bound to pid `);
  await eventually(async () => (await listed(name))?.state === "ended", "the command's end");
  const first = await pmuctl(["sample", name]);
  assertMatch(first.stderr, /has ended: these counts are final/);
  const final = await sample(name, "--each");
  assert(final.counts[0].count > 20 && final.tick > 0, JSON.stringify(final));
  assertEquals(countsOf(final.places![0]), countsOf(final));
  assertEquals(countsOf(await sample(name)), countsOf(final));
  assertMatch(
    await refused("disable", name),
    /^2 pmuctl: cannot disable .* its target has ended.* \(EINVAL\)$/,
  );
  assertEquals(countsOf(JSON.parse(await ok("unbind", name, "--json"))), countsOf(final));
  assertMatch(await refused("sample", name), /^2 .* there is no set of that name.* \(EINVAL\)$/);
});

testNeeding(["cc"], "a set on a command counts the page faults that bind counts", async () => {
  const name = newName();
  const command = ["--", program("faults"), "5000"];
  await ok("bind", "--detach", name, "-e", "page-faults", ...command);
  await eventually(async () => (await listed(name))?.state === "ended", "the command's end");
  const [ours] = countsOf(await sample(name));
  await ok("unbind", name);
  const row = JSON.parse(
    (await ok("bind", "--json", "-e", "page-faults", ...command)).trimEnd().split("\n").at(-1)!,
  );
  assert(ours >= 5000 && Math.abs(ours - row.counts[0].count) <= 10, `${ours}, ${JSON.stringify(row)}`);
});

Deno.test("a set keeps to its states, and refuses what they do not allow", () =>
  whileRunning(BUSY, async (pid) => {
    const name = newName();
    await ok("bind", "--detach", name, "-e", "page-faults", "-p", String(pid));
    try {
      assertMatch(await refused("bind", "--detach", name, "-e", "page-faults", "-a"), /^2 .* \(EEXIST\)$/);
      assertMatch(await refused("enable", name), /^2 .* \(EINVAL\)$/);
      await ok("disable", name);
      assertMatch(await refused("disable", name), /^2 .* \(EINVAL\)$/);
      const frozen = await sample(name);
      assertEquals(frozen.state, "frozen");
      assertEquals(countsOf(await sample(name)), countsOf(frozen));
      await ok("enable", name);
      await eventually(
        async () => countsOf(await sample(name))[0] > countsOf(frozen)[0],
        "the set to count again",
      );
      await ok("preset", name, "0", "1000000");
      const preset = countsOf(await sample(name))[0];
      assert(preset >= 1000000 && preset < 1100000, String(preset));
      assertMatch(await refused("preset", name, "1", "0"), /^2 .* there is no request 1.* \(EINVAL\)$/);
      await ok("preset", name, "0", "0");
      await ok("restart", name);
      const since = await sample(name, "--since");
      assert(countsOf(since)[0] < 100000 && since.tick >= 0, JSON.stringify(since));
    } finally {
      await ok("unbind", name);
    }
    assertEquals(await listed(name), undefined);
  }));

Deno.test("the samples of a set since the previous one add up to all of it", () =>
  whileRunning(BUSY, async (pid) => {
    const name = newName();
    await ok("bind", "--detach", name, "-e", "page-faults", "-p", String(pid));
    let sum = 0;
    for (let i = 0; i < 5; i++) sum += countsOf(await sample(name, "--since"))[0];
    await ok("disable", name);
    sum += countsOf(await sample(name, "--since"))[0];
    assertEquals(countsOf(await sample(name)), [sum]);
    await ok("unbind", name);
  }));

Deno.test("a thread has one set: binding it again unbinds the first, and says so", () =>
  whileRunning(IDLE, async (pid) => {
    const [first, second] = [newName(), newName()];
    await ok("bind", "--detach", first, "-e", "page-faults", "-p", String(pid));
    const ran = await pmuctl(["bind", "--detach", second, "-e", "task-clock", "--tid", String(pid)]);
    assertEquals(ran.status, 0, ran.stderr);
    assertStringIncludes(
      ran.stderr,
      `thread ${pid} was bound to set '${first}', which is unbound first: its last counts are page-faults `,
    );
    assertEquals([(await listed(first))?.state, (await listed(second))?.state], [undefined, "counting"]);
    await ok("unbind", second);
  }));

testNeeding(
  ["root"],
  "a set on CPUs counts on each of them, beside other sets of software events",
  async () => {
    const [first, second] = [newName(), newName()];
    await ok("bind", "--detach", first, "-e", "page-faults,context-switches", "-a");
    await ok("bind", "--detach", second, "-e", "page-faults", "-C", "0");
    const { places, counts } = await sample(first, "--each");
    assertEquals(places!.length, navigator.hardwareConcurrency);
    counts.forEach(({ count }, i) =>
      assertEquals(count, places!.reduce((sum, p) => sum + p.counts[i].count, 0))
    );
    assertEquals((await sample(second, "--each")).places!.map(({ place }) => place), ["CPU 0"]);
    await ok("unbind", first);
    await ok("unbind", second);
  },
);

Deno.test("a command that cannot be run leaves no set behind", async () => {
  const name = newName();
  assertMatch(await refused("bind", "--detach", name, "-e", "page-faults", "--", "no-such-command"), /^127 /);
  assertEquals(await listed(name), undefined);
});

Deno.test("the holder keeps nothing of the caller's: not its pipes, not its folder", async () => {
  const name = newName();
  await whileRunning(IDLE, async (pid) => {
    // would not end if anybody kept the pipe behind it open
    const script = `"$0" bind --detach ${name} -e page-faults -p ${pid} 5>&1 | cat`;
    const ran = await run("timeout", [LIMIT, "sh", "-c", script, PMUCTL]);
    assertEquals(ran.status, 0, ran.stderr);
    const { holder } = (await listed(name))!;
    assertEquals(Deno.readLinkSync(`/proc/${holder}/cwd`), "/");
    await ok("unbind", name);
    await eventually(() => !isThere(holder), "the holder's end");
  });
});

Deno.test("a set whose target has ended goes by itself after the time that --keep gives", () =>
  whileRunning("exec sleep 3", async (pid) => {
    const name = newName();
    await ok("bind", "--detach", name, "--keep", "1", "-e", "page-faults", "-p", String(pid));
    const { holder } = (await listed(name))!;
    await eventually(() => !isThere(holder), "the holder's end");
    assertMatch(await refused("sample", name), /^2 .* there is no set of that name/);
  }));

Deno.test("--detach refuses what makes no sense with it", async () => {
  const bind = ["bind", "-e", "page-faults"];
  assertMatch(await refused(...bind, "--detach", "a/b", "-a"), /^2 .* cannot be a set's name/);
  assertMatch(
    await refused(...bind, "--detach", "x", "-i", "1", "-a"),
    /^2 .* --interval conflicts with --detach/,
  );
  assertMatch(await refused(...bind, "--detach", "x"), /^2 /);
  assertMatch(await refused(...bind, "--detach", "x", "-p", "999999999"), /^3 .* there is no such process/);
  assertMatch(await refused("sample"), /^2 .* NAME is missing/);
});

Deno.test(`${SAMPLES} samples in a row from a script: none fails, and no count goes back`, () =>
  whileRunning(BUSY, async (pid) => {
    const name = newName();
    await ok("bind", "--detach", name, "-e", "page-faults,task-clock", "-p", String(pid));
    const script =
      `i=0; while [ $i -lt ${SAMPLES} ]; do "$0" sample ${name} --json || exit 1; i=$((i+1)); done`;
    const ran = await run("sh", ["-c", script, PMUCTL]);
    assertEquals([ran.status, ran.stderr], [0, ""]);
    const samples = ran.stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as Sample);
    assertEquals(samples.length, SAMPLES);
    for (let i = 1; i < SAMPLES; i++) {
      const [before, after] = [samples[i - 1], samples[i]].map((s) => [s.hrtime, s.tick, ...countsOf(s)]);
      assert(before.every((value, k) => after[k] >= value), `sample ${i}: ${before} before ${after}`);
    }
    assert(countsOf(samples.at(-1)!)[0] > countsOf(samples[0])[0]);
    await ok("unbind", name);
  }));

/** The process that holds the set of this name, also while it starts. */
function holderOf(name: string): number | undefined {
  for (const { name: pid } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      if (Deno.readTextFileSync(`/proc/${pid}/cmdline`).endsWith(`\0hold-set\0${name}\0`)) return Number(pid);
    } catch {
      // it has ended
    }
  }
}

function folder(): string {
  if (Deno.uid() === 0) return "/run/pmuctl";
  const runtime = Deno.env.get("XDG_RUNTIME_DIR");
  return runtime ? `${runtime}/pmuctl` : `/tmp/pmuctl-${Deno.uid()}`;
}

type Victim = "the target" | "the holder";

/** One round; what was killed when, and what pmuctl said, for the message of an assertion. */
async function round(victim: Victim, delayMs: number): Promise<void> {
  const name = newName();
  const target = new Deno.Command("sleep", { args: ["600"] }).spawn();
  let log = `${victim} killed after ${delayMs.toFixed(1)} ms`;
  const step = async (...args: string[]): Promise<Ran> => {
    const ran = await pmuctl(args);
    log += `\n${args[0]}: ${ran.status} ${ran.stdout}${ran.stderr}`;
    return ran;
  };
  let killed = false;
  const kill = async () => {
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (victim === "the target") return end(target);
    const pid = holderOf(name);
    if (pid === undefined) return; // it has not started yet, or has been unbound
    try {
      Deno.kill(pid, "SIGKILL");
      killed = true;
    } catch {
      // it has just ended
    }
  };
  const killing = kill();
  try {
    const bound = await step(
      "bind",
      "--detach",
      name,
      "-e",
      "page-faults,task-clock",
      "-p",
      String(target.pid),
    );
    const sampled = await step("sample", name, "--json");
    const unbound = await step("unbind", name, "--json");
    await killing;
    const died = (ran: Ran) => ran.status === 3 && ran.stderr.includes("its holder died");
    const unknown = (ran: Ran) => ran.status === 2 && ran.stderr.includes("there is no set of that name");
    if (bound.status !== 0) {
      assertEquals(bound.status, 3, log);
      assertMatch(
        bound.stderr,
        /there is no such (process|thread)|its holder process ended/,
        log,
      );
      assert(unknown(sampled) && unknown(unbound), log);
    } else if (sampled.status !== 0) {
      assert(killed && died(sampled) && unknown(unbound), log);
    } else {
      assert(countsOf(JSON.parse(sampled.stdout)).every((count) => count >= 0), log);
      assert(unbound.status === 0 || killed && died(unbound), log);
    }
    const left = Array.from(Deno.readDirSync(folder()), (entry) => entry.name).filter((file) =>
      file.includes(name)
    );
    assertEquals(left, [], log);
    await eventually(() => holderOf(name) === undefined, `the holder's end: ${log}`);
  } finally {
    end(target);
    await target.status;
  }
}

Deno.test(`${ROUNDS} rounds of bind, kill the holder or the target at some moment, sample, unbind: a right answer each time`, async () => {
  for (let i = 0; i < ROUNDS; i++) {
    await round(i % 2 === 0 ? "the holder" : "the target", Math.random() * 500);
  }
});

testNeeding(
  ["root", "setpriv", "perl"],
  "another user cannot reach a set, however it tries",
  () =>
    whileRunning(IDLE, async (pid) => {
      const name = newName();
      await ok("bind", "--detach", name, "-e", "page-faults", "-p", String(pid));
      const script = 'socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un($ARGV[0])) or die "$!\\n"';
      const connect = ["perl", "-MSocket", "-e", script, `${folder()}/${name}.sock`];
      assertEquals((await run(connect[0], connect.slice(1))).status, 0);
      const other = await run("setpriv", [...NOBODY.options, ...connect]);
      assertMatch(other.stderr, /^Permission denied/);
      await ok("unbind", name);
    }),
);

testNeeding(
  ["otherUser"],
  "a folder that is not the user's alone is refused, in a line",
  () =>
    withFolder(async (runtime) => {
      const nobody = async (...args: string[]) => {
        const ran = await asNobody(args, { env: { HOME: runtime, XDG_RUNTIME_DIR: runtime } });
        return `${ran.status} ${ran.stderr.trimEnd()}`;
      };
      await Deno.chown(runtime, NOBODY.uid, NOBODY.uid);
      await Deno.mkdir(`${runtime}/pmuctl`, { mode: 0o700 });
      assertMatch(
        await nobody("sets"),
        /^3 pmuctl: cannot use \S+ .*: it belongs to user 0, not to user 65534: [^\n]*$/,
      );
      await Deno.chown(`${runtime}/pmuctl`, NOBODY.uid, NOBODY.uid);
      await Deno.chmod(`${runtime}/pmuctl`, 0o755);
      assertMatch(
        await nobody("sample", "x"),
        /^3 pmuctl: cannot use \S+ .*: its mode is 0755, not 0700: [^\n]*$/,
      );
      const bind = ["bind", "--detach", "x", "-e", "page-faults", "--", "true"];
      assertMatch(await nobody(...bind), /^3 pmuctl: cannot use [^\n]*$/);
      await Deno.chmod(`${runtime}/pmuctl`, 0o700);
      assertMatch(await nobody("sample", "x"), /^2 .* there is no set of that name/);
      assertMatch(await nobody(...bind), /^0 .*set 'x' is bound to pid/s);
      assertMatch(await nobody("unbind", "x"), /^0 /);
    }),
);

testNeeding(
  ["cc"],
  "a set that notifies stands still at its overflow, says where it was, and goes on with restart",
  async () => {
    const busy = new Deno.Command(program("ratio"), { args: ["1000000"], stdout: "null" }).spawn();
    const name = newName();
    // 100 ms of running before the overflow
    const preset = (1n << 64n) - 100_000_000n;
    try {
      const spec = `pic0=task-clock,preset0=${preset},notify0,pic1=page-faults`;
      await ok("bind", "--detach", name, "-c", spec, "-p", `${busy.pid}`);
      const overflowed = () =>
        eventually(async () => (await listed(name))?.state === "overflowed", "an overflow");
      await overflowed();
      const ran = await pmuctl(["sample", name]);
      assertMatch(
        ran.stderr,
        /stopped at an overflow of task-clock in thread \d+ at \S+ \(\S+\): 'pmuctl restart/,
      );
      const first = await sample(name);
      assertEquals(countsOf(first), countsOf(await sample(name)), "it stands still");
      assertEquals(
        await refused("enable", name),
        `2 pmuctl: cannot enable set '${name}': it stopped at an ` +
          "overflow: 'pmuctl restart' resumes it (EINVAL)",
      );
      await ok("restart", name);
      await overflowed();
      assert((await sample(name)).tick > first.tick, "it went on");
      const { overflow } = JSON.parse(await ok("sample", name, "--json"));
      assertEquals([overflow.pid, overflow.counter], [busy.pid, 0]);
      assertMatch(overflow.pc, /^0x[0-9a-f]+$/);
    } finally {
      busy.kill("SIGKILL");
      await busy.status;
      await pmuctl(["unbind", name]);
    }
  },
);

Deno.test("the completion of shells is told the names of sets", async () => {
  const name = newName();
  await ok("bind", "--detach", name, "-e", "task-clock", "-p", String(Deno.pid));
  assertEquals(await ok("complete", "set", name), `${name}\tnamed set\n`);
  await ok("unbind", name);
  assertEquals(await ok("complete", "set", name), "");
});
