import { assert, assertEquals } from "@std/assert";
import { CommandTree } from "../../ffi/command_tree.ts";
import { isSpawned, kill, spawn } from "../../ffi/child.ts";
import { SIGNAL } from "../../lib/base/system/numbers.ts";
import { hasEnded, parseStat } from "../../lib/base/text/proc_text.ts";
import { eventually } from "../eventually.ts";

function stateOf(pid: number): "runs" | "zombie" | "gone" {
  try {
    const stat = parseStat(Deno.readTextFileSync(`/proc/${pid}/stat`))!;
    return hasEnded(stat) ? "zombie" : "runs";
  } catch {
    return "gone";
  }
}

/** Files of pids that tests have made. */
const FILES: string[] = [];

/**
 * Starts a shell script as a command, waits until it has written pids as lines into the file $PIDS, and calls `body` with
 * its tree and those.
 */
async function withTree(
  script: string,
  lines: number,
  body: (tree: CommandTree, pids: number[], ended: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const file = await Deno.makeTempFile();
  FILES.push(file);
  const path = Deno.env.get("PATH")!;
  const child = spawn({ argv: ["sh", "-c", script], env: { PATH: path, PIDS: file }, ownGroup: true });
  const tree = new CommandTree(child);
  const pids = () => Deno.readTextFileSync(file).split("\n").slice(0, -1).map(Number);
  try {
    await child.release();
    await eventually(() => pids().length >= lines, `${lines} pids`);
    await body(tree, pids(), async () => void await child.wait());
  } finally {
    for (const pid of pids()) {
      try {
        kill(pid, SIGNAL.SIGKILL);
      } catch {
        // as it should be
      }
    }
    await Deno.remove(file);
  }
}

/** A program that notes its pid and sleeps. */
const SLEEPER = `sh -c 'echo $$ >>$PIDS; exec sleep 1000'`;
const STUBBORN = `sh -c 'trap "" TERM; echo $$ >>$PIDS; while :; do sleep 1000; done'`;

for (
  const [what, script] of [
    ["in a session of its own", `setsid ${SLEEPER} & wait`],
    ["whose parent has ended, in a session of its own", `(setsid ${SLEEPER} &); sleep 1000`],
    [
      "of a daemon that forks twice",
      `setsid sh -c "(setsid ${SLEEPER.replaceAll("$", "\\$")} &)"; sleep 1000`,
    ],
    ["in the group of the command", `${SLEEPER} & wait`],
    ["that does not heed SIGTERM", `(setsid ${STUBBORN} &); sleep 1000`],
  ]
) {
  Deno.test(`CommandTree ends a process ${what}`, async () => {
    await withTree(script, 1, async (tree, [pid], ended) => {
      assertEquals(stateOf(pid), "runs");
      await tree.kill();
      await ended();
      assert(stateOf(pid) !== "runs");
      tree.close();
      await eventually(() => stateOf(pid) === "gone", "the end of its zombie");
    });
  });
}

Deno.test("CommandTree ends processes that start their heir and end, each in a session of its own", async () => {
  // without $PIDS, which the test removes in the end, the chain ends by itself
  const link = '[ -e "$PIDS" ] || exit; echo $$ >>$PIDS; setsid sh -c "$1" "$1" "$1" & exit';
  await withTree(
    `link='${link}'; (setsid sh -c "$link" "$link" "$link" &); sleep 1000`,
    5,
    async (tree, _, ended) => {
      await tree.kill();
      await ended();
      tree.close();
      const size = () => Deno.statSync(FILES.at(-1)!).size;
      const last = size();
      // as long as several links of the chain take
      for (let i = 0; i < 8; i++) await new Deno.Command("setsid", { args: ["sh", "-c", ":"] }).output();
      assertEquals(size(), last);
    },
  );
});

Deno.test("CommandTree.signal() gives all of them the chance to end in their own way", async () => {
  const heeds = `sh -c 'trap "echo 0 >>$PIDS; exit" TERM; echo $$ >>$PIDS; while :; do sleep 0.05; done'`;
  await withTree(`(setsid ${heeds} &); exec sleep 1000`, 1, async (tree, [pid], ended) => {
    tree.signal(SIGNAL.SIGTERM);
    await ended();
    await eventually(() => stateOf(pid) !== "runs", "its end");
    tree.close();
  });
});

Deno.test("CommandTree leaves a daemon alone when the command just ends, and waits for it later", async () => {
  await withTree(`(setsid ${SLEEPER} &)`, 1, async (tree, [daemon], ended) => {
    await ended();
    tree.close();
    assertEquals([stateOf(daemon), isSpawned(daemon)], ["runs", false]);
    kill(daemon, SIGNAL.SIGKILL);
    await withTree(`echo 0 >>$PIDS`, 1, async (next, _pids, nextEnded) => {
      await nextEnded();
      await eventually(() => stateOf(daemon) !== "runs", "its end");
      next.close();
      assertEquals(stateOf(daemon), "gone");
    });
  });
});

Deno.test("CommandTree does not touch children that this process had before, nor those it starts itself", async () => {
  const before = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  const beside = spawn({ argv: ["sleep", "1000"], ownGroup: true });
  try {
    await beside.release();
    await withTree(`echo $$ >>$PIDS; exec sleep 1000`, 1, async (tree, [pid], ended) => {
      await tree.kill();
      await ended();
      tree.close();
      assertEquals([before.pid, beside.pid, pid].map(stateOf), ["runs", "runs", "gone"]);
    });
  } finally {
    before.kill("SIGKILL");
    await before.status;
    beside.kill(SIGNAL.SIGKILL);
    await beside.wait();
  }
});
