/** What signals do to pmuctl, and to the commands it runs. */

import { assert, assertEquals } from "@std/assert";
import { eventually } from "../eventually.ts";
import { testNeeding } from "../needs.ts";
import { PMUCTL, pmuctlOk, program, run, withFolder } from "./harness.ts";

/** SIGUSR1's bit in the masks of /proc/PID/status. */
const USR1_BIT = 1n << 9n;
/** Signals sent to each process, over this many milliseconds: the runtime would listen to them from 500 on. */
const SIGNALS = 20, SPAN_MS = 2000;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function isCaught(pid: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1];
  return (BigInt(`0x${mask}`) & USR1_BIT) !== 0n;
}

/** The TCP ports that a process listens on. */
function listeningPorts(pid: number): number[] {
  const ports = new Map<string, number>();
  for (const table of ["tcp", "tcp6"]) {
    for (const line of Deno.readTextFileSync(`/proc/${pid}/net/${table}`).trim().split("\n").slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === "0A") ports.set(`socket:[${inode}]`, parseInt(local.split(":")[1], 16));
    }
  }
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      return ports.get(Deno.readLinkSync(`/proc/${pid}/fd/${name}`)) ?? [];
    } catch {
      return []; // it has been closed
    }
  });
}

/** Asserts that SIGUSR1 at random moments, from when it is caught on, neither ends the process nor opens a port. */
async function assertNoDebugger(pid: number) {
  await eventually(() => isCaught(pid), `process ${pid} to catch SIGUSR1`);
  for (let i = 0; i < SIGNALS; i++) {
    await sleep(2 * Math.random() * SPAN_MS / SIGNALS);
    Deno.kill(pid, "SIGUSR1");
  }
  assertEquals(listeningPorts(pid), []);
}

/** Starts pmuctl with these arguments, its standard input left open, for as long as `body` takes. */
async function whileRunning(args: string[], body: (child: Deno.ChildProcess) => Promise<void>) {
  const child = new Deno.Command(PMUCTL, { args, stdin: "piped", stdout: "null", stderr: "piped" }).spawn();
  try {
    await body(child);
  } finally {
    await child.stdin.close();
    child.kill("SIGINT");
    const { stderr } = await child.output();
    assert(!new TextDecoder().decode(stderr).includes("Debugger"), "a debugger was opened");
  }
}

for (
  const [name, args] of Object.entries({
    "a recording": ["record", "-q", "-e", "cpu-clock", "-F", "100", "-o", "-", "--duration", "60", "-a"],
    "a report that waits for its input": ["report", "-i", "-"],
    "a binding": ["bind", "-e", "task-clock", "--", "sleep", "60"],
    "a series of runs": ["stat", "-r", "100000", "--", "true"],
  })
) {
  testNeeding(["root"], `SIGUSR1 opens no debugger in ${name}`, async () => {
    await whileRunning(args, (child) => assertNoDebugger(child.pid));
  });
}

testNeeding(["root"], "SIGUSR1 opens no debugger in the process that holds a set", async () => {
  const name = `test-usr1-${Deno.pid}`;
  await pmuctlOk(["bind", "--detach", name, "-e", "task-clock", "-p", `${Deno.pid}`]);
  try {
    const lines = (await pmuctlOk(["sets", "--json"])).trim().split("\n");
    const set = lines.map((line) => JSON.parse(line)).find((set) => set.name === name);
    await assertNoDebugger(set.holder);
  } finally {
    await pmuctlOk(["unbind", name]);
  }
});

/** SIGCANCEL and SIGSETXID: glibc keeps them for itself, and exec resets them. */
const OF_THE_C_LIBRARY = 3n << 31n;
const MASKS = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"];

/** The lines of `text` with masks of signals, less the C library's. */
function masksIn(text: string): string[] {
  return [...text.matchAll(/^(Sig\w+):\s*([0-9a-f]+)$/gm)].map(([, name, mask]) =>
    `${name} ${(BigInt(`0x${mask}`) & ~OF_THE_C_LIBRARY).toString(16)}`
  );
}

/** What the commands that pmuctl runs block and ignore, when `prefix` starts it or them alone. */
async function masks(prefix: string[]): Promise<{ direct: string[]; measured: string[][] }> {
  const [first, ...rest] = [...prefix, ...MASKS];
  const direct = masksIn((await run(first, rest)).stdout);
  const measured = [];
  for (
    const command of [["record", "-q", "-e", "cpu-clock", "-o", "/dev/null"], ["bind", "-e", "task-clock"]]
  ) {
    const [first, ...rest] = [...prefix, PMUCTL, ...command, "--", ...MASKS];
    const { stdout } = await run(first, rest);
    measured.push(masksIn(stdout));
  }
  return { direct, measured };
}

testNeeding(
  [],
  "a command has the signals blocked and ignored that it would have without pmuctl",
  async () => {
    for (const prefix of [["env"], ["env", "--ignore-signal=HUP,USR1,INT", "--block-signal=USR1,ALRM"]]) {
      const { direct, measured } = await masks(prefix);
      assertEquals(direct.length, 2);
      assertEquals(measured, [direct, direct], prefix.join(" "));
    }
  },
);

testNeeding(
  ["cc"],
  "started to ignore SIGHUP, it goes on when one comes",
  () =>
    withFolder(async (folder) => {
      const { status, stderr } = await run("env", [
        "--ignore-signal=HUP",
        PMUCTL,
        ...["record", "-q", "-e", "cpu-clock", "-o", `${folder}/x.data`, "--"],
        ...["sh", "-c", 'sleep 1; kill -HUP $PPID; exec "$1" 100', "sh", program("ratio")],
      ]);
      assertEquals([status, stderr], [0, ""]);
    }),
);

testNeeding(
  ["root"], // for whom tracepoints make it large
  "a result larger than ulimit -f allows is an error to tell",
  () =>
    withFolder(async (folder) => {
      const { status, stderr } = await run("sh", [
        "-c",
        'ulimit -f 200; exec "$1" list-events --json >"$2"',
        "sh",
        PMUCTL,
        `${folder}/out`,
      ]);
      assertEquals([status, stderr], [
        3,
        "pmuctl: cannot write to standard output: file too large: " +
        "raise the limit (ulimit -f), or write to another place\n",
      ]);
    }),
);
