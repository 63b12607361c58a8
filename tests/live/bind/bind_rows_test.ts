/** The rows of `pmuctl bind`: threads, forks, execs, processes that run, CPUs. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { asNobody, PMUCTL, pmuctl, pmuctlOk, program, withFolder } from "../harness.ts";

interface Row {
  time: number;
  pid: number | null;
  lwp: number;
  cpu?: number;
  event: string;
  counts?: { name: string; count: number | null }[];
  child?: number;
  command?: string;
  spec?: string;
  remark?: string;
}

/** The rows of a run; those of other programs are passed over. */
async function rowsOf(args: string[]): Promise<Row[]> {
  return parse(await pmuctlOk(["bind", "--json", ...args]));
}

function parse(out: string): Row[] {
  return out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

const of = (rows: Row[], event: string) => rows.filter((row) => row.event === event);
const first = (row: Row) => row.counts![0].count!;
const sum = (rows: Row[]) => rows.reduce((total, row) => total + first(row), 0);

for (const [atOnce, options] of [["1", []], ["16", ["-f"]]] as const) {
  testNeeding(
    ["cc"],
    `bind loses none of 1000 threads, ${atOnce} at a time, nor a count of theirs`,
    async () => {
      const pages = 25;
      const command = [program("lwps"), "1000", atOnce, String(pages)];
      const rows = await rowsOf(["-T", "0", ...options, "-e", "page-faults,task-clock", "--", ...command]);
      const [total] = of(rows, "total");
      const exits = of(rows, "lwp_exit");
      const threads = exits.filter((row) => row.lwp !== row.pid);
      assertEquals(of(rows, "lwp_create").length, 1000);
      assertEquals(new Set(threads.map((row) => row.lwp)).size, 1000);
      assertEquals(exits.length, 1001);
      for (const row of threads) assert(first(row) >= pages && first(row) < 2 * pages, JSON.stringify(row));
      assertEquals(sum(exits), first(total));
      assertEquals(exits.reduce((ns, row) => ns + row.counts![1].count!, 0), total.counts![1].count);
      assertEquals(of(rows, "exit").map(first), [first(total)]);
      assertEquals(total.lwp, 1001);
      assertEquals(rows.filter((row) => row.remark), []);
    },
  );
}

testNeeding(["cc"], "bind -f has a row for each fork, and for the end of each child", async () => {
  const rows = await rowsOf(["-T", "0", "-f", "-e", "page-faults", "--", program("forks"), "20", "1000"]);
  const children = of(rows, "fork").map((row) => row.child);
  const [total] = of(rows, "total");
  assertEquals(new Set(children).size, 20);
  assertEquals(of(rows, "exit").map((row) => row.pid).sort(), [...children, total.pid].sort());
  assertEquals(sum(of(rows, "exit")), first(total));
});

testNeeding(["cc"], "bind without -f says what it has not counted", async () => {
  const ran = await pmuctl(["bind", "-T", "0", "-e", "page-faults", "--", program("forks"), "3", "1000"]);
  assertEquals(ran.stdout.match(/ fork /g)?.length, 3);
  assertEquals(ran.stdout.match(/ exit /g)?.length, 1);
  assertStringIncludes(ran.stderr, "3 processes that it started not counted: use -f to count them");
});

testNeeding(["cc"], "bind goes on counting a program that execs, at once or after a while", async () => {
  for (const wait of ["", "sleep 0.3; "]) {
    const script = `${wait}exec ${program("faults")} 5000`;
    for (const options of [[], ["-T", "0"], ["-x"], ["-f"], ["-i", "0.1"]]) {
      const rows = await rowsOf([...options, "-e", "page-faults", "--", "sh", "-c", script]);
      assert(first(of(rows, "total")[0]) > 5000, JSON.stringify(rows));
      if (options[0] === "-T") assertEquals(of(rows, "exec").map((row) => row.command), ["faults"]);
    }
  }
});

testNeeding(
  ["cc"],
  "bind -f counts programs that are started and exec'ed the same in every run",
  async () => {
    const script = `for i in 1 2 3 4 5; do ${program("faults")} 1000; done`;
    for (let turn = 0; turn < 5; turn++) {
      const rows = await rowsOf(["-f", "-e", "page-faults", "--", "sh", "-c", script]);
      const faults = first(of(rows, "total")[0]);
      assert(faults > 5000 && faults < 7000, `${faults}`);
    }
  },
);

testNeeding(["cc"], "bind -i has rows of what lives, whose counts add up to those at the end", async () => {
  const script = "for i in 1 2 3 4 5 6; do sleep 0.1; done";
  const rows = await rowsOf(["-i", "0.2", "-e", "page-faults,context-switches", "--", "sh", "-c", script]);
  const ticks = of(rows, "tick");
  const [total] = of(rows, "total");
  assert(ticks.length >= 2, JSON.stringify(rows));
  assert(ticks.every((row) => row.lwp === total.pid));
  assert(sum(ticks) > 0 && sum(ticks) <= first(total), JSON.stringify(rows));
});

testNeeding(
  ["cc"],
  "bind -p counts the threads of a process that runs, and those it starts, for -n ticks",
  async () => {
    const child = new Deno.Command(program("lwps"), { args: ["100000", "4", "500"] }).spawn();
    try {
      const rows = await rowsOf(["-p", String(child.pid), "-i", "0.2", "-n", "3", "-e", "page-faults"]);
      const [total] = of(rows, "total");
      const exits = of(rows, "lwp_exit").filter((row) => !row.remark);
      assert(exits.length > 4, JSON.stringify(rows));
      assertEquals(total.pid, child.pid);
      assert(first(total) >= sum(exits), JSON.stringify(total));
      assert(first(total) > 2000, JSON.stringify(total));
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
  },
);

testNeeding(["cc"], "bind -p ends with the process", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const bind = new Deno.Command(PMUCTL, {
    args: ["bind", "-T", "0", "-p", String(child.pid), "-e", "task-clock"],
    stdout: "piped",
  }).spawn();
  let text = "";
  for await (const part of bind.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    // the titles come once the process is bound
    if (text.includes("task-clock")) {
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended, and the rows of its end follow
      }
    }
  }
  await child.status;
  assertEquals((await bind.status).code, 0);
  const events = text.trimEnd().split("\n").slice(1).map((line) => /lwp_exit|exit|total/.exec(line)?.[0]);
  assertEquals(events, ["lwp_exit", "exit", "total"]);
});

Deno.test("bind --tid counts one thread alone", async () => {
  const child = new Deno.Command("sleep", { args: ["30"] }).spawn();
  try {
    const rows = await rowsOf(["--tid", String(child.pid), "-i", "0.1", "-n", "2", "-e", "page-faults"]);
    assertEquals(rows.map((row) => [row.event, row.lwp]), [
      ["tick", child.pid],
      ["tick", child.pid],
      ["total", 1],
    ]);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});

testNeeding(["cc", "root"], "bind -a sees what a command does, wherever it runs", async () => {
  const rows = await rowsOf(["-a", "-i", "0.1", "-e", "page-faults", "--", program("faults"), "20000"]);
  const [total] = of(rows, "total");
  assertEquals(total.cpu, navigator.hardwareConcurrency);
  assert(first(total) >= 20000, JSON.stringify(total));
});

testNeeding(["root"], "bind -C has rows of these CPUs, and their number in the total", async () => {
  const out = await pmuctlOk(["bind", "-C", "0", "-i", "0.1", "-n", "2", "-t", "-e", "context-switches"]);
  const lines = out.trimEnd().split("\n");
  assertMatch(lines[0], /^ +time +tsc\(ns\) cpu event context-switches$/);
  assertMatch(lines[1], /^ +0\.\d{3} +\d{9,} +0 +tick +\d+$/);
  assertMatch(lines[3], /^ +0\.\d{3} +\d{9,} +1 total +\d+$/);
});

testNeeding(["root"], "bind of several sets gives each its turn, and says for how long", async () => {
  const rows = await rowsOf(["-C", "0", "-i", "0.05", "-n", "6", "-e", "page-faults", "-e", "cpu-clock"]);
  assertEquals(of(rows, "tick").map((row) => row.spec), [
    "page-faults",
    "cpu-clock",
    "page-faults",
    "cpu-clock",
    "page-faults",
    "cpu-clock",
  ]);
  const totals = of(rows, "total");
  assertEquals(totals.length, 2);
  for (const total of totals) assertMatch(total.remark!, /^counted \d+% of the time$/);
});

testNeeding(
  ["cc"],
  "bind gives the totals when it is interrupted, and the command gets the signal",
  async () => {
    const child = new Deno.Command(PMUCTL, {
      args: ["bind", "--json", "-i", "0.1", "-e", "page-faults", "--", "sleep", "30"],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let out = "";
    while (!out.includes('"tick"')) out += (await reader.read()).value ?? "";
    child.kill("SIGINT");
    for (let part; !(part = await reader.read()).done;) out += part.value;
    assertEquals((await child.status).code, 130);
    const [total] = of(parse(out), "total");
    assert(first(total) > 0, out);
  },
);

testNeeding(
  ["cc"],
  "bind -o has the rows in the file and leaves standard output to the command",
  () =>
    withFolder(async (folder) => {
      const out = await pmuctlOk([
        "bind",
        "-o",
        `${folder}/rows`,
        "-e",
        "page-faults",
        "--",
        "echo",
        "hello",
      ]);
      assertEquals(out, "hello\n");
      assertMatch(await Deno.readTextFile(`${folder}/rows`), /^ +time .*\n.* total +\d+\n$/);
    }),
);

Deno.test("bind refuses targets that are not there with status 3, and what makes no sense with 2", async () => {
  const cases: [string[], number, string][] = [
    [["-p", "999999999", "-e", "page-faults"], 3, "there is no such process"],
    [["--tid", "999999999", "-e", "page-faults"], 3, "there is no such thread"],
    [["-C", "9999", "-e", "page-faults"], 3, "CPU 9999: it does not exist"],
    [["-C", "x", "-e", "page-faults"], 2, "a list of CPUs"],
    [["-p", "1", "-a", "-e", "page-faults"], 2, "exclude each other"],
    [["-a", "-f", "-e", "page-faults"], 2, "-f does not apply to CPUs"],
    [["-n", "3", "-e", "page-faults", "--", "true"], 2, "-n counts intervals"],
    [["-c", "page-faults,nonsense=1", "--", "true"], 2, "nonsense"],
    [["--set", "/no/such/set", "--", "true"], 4, "no such file"],
  ];
  for (const [args, status, text] of cases) {
    const ran = await pmuctl(["bind", ...args]);
    assertEquals(ran.status, status, `${args.join(" ")}: ${ran.stderr}`);
    assertStringIncludes(ran.stderr, text);
  }
});

testNeeding(
  ["otherUser", "cc"],
  "bind by an unprivileged user counts its own, and explains the rest",
  async () => {
    const nobody = (args: string[]) => asNobody(["bind", ...args]);
    const own = await nobody(["--json", "-T", "0", "-e", "task-clock:u", "--", "sleep", "0.1"]);
    assertEquals(own.status, 0, own.stderr);
    assertEquals(parse(own.stdout).map((row) => row.event), ["lwp_exit", "exit", "total"]);
    const foreign = await nobody(["-p", "1", "-e", "task-clock:u"]);
    assertEquals(foreign.status, 3);
    assertStringIncludes(foreign.stderr, "another user's");
    const cpus = await nobody(["-a", "-e", "context-switches"]);
    assertEquals(cpus.status, 3);
    assertStringIncludes(cpus.stderr, "perf_event_paranoid");
  },
);
