import { assertEquals, assertRejects } from "@std/assert";
import type { Exit } from "../../ffi/pmu.ts";
import { ERRNO, PmuError } from "../../lib/base/system/errno.ts";
import { waitForStop } from "../../lib/record/stop_conditions.ts";
import type { Target } from "../../lib/record/request/target.ts";

const NEVER = new Promise<never>(() => {});
const stopper = { first: NEVER, second: NEVER, commandGetsSignals: false };
const outputs = { bytes: 0, error: undefined, failed: NEVER };
const cpus: Target = { kind: "cpus", argv: [] };

/** A process that ends when its standard input does. */
function child(): { pid: number; end: () => Promise<void> } {
  const process = new Deno.Command("cat", { stdin: "piped", stdout: "null" }).spawn();
  const end = async () => {
    await process.stdin.close();
    await process.status;
  };
  return { pid: process.pid, end };
}

Deno.test("waitForStop() ends with the last of its processes, or threads", async () => {
  for (const kind of ["processes", "threads"] as const) {
    const { pid, end } = child();
    const target: Target = kind === "processes" ? { kind, pids: [pid] } : { kind, tids: [pid] };
    let over = false;
    const stopped = waitForStop(undefined, { target }, outputs, stopper).then((reason) => {
      over = true;
      return reason;
    });
    assertEquals(over, false);
    await end();
    const { limit, exit } = await stopped;
    assertEquals([limit, await exit], [undefined, undefined]);
  }
});

Deno.test("waitForStop() ends when the output takes nothing any more, unless a command runs", async () => {
  const broken = { ...outputs, error: new PmuError("drain", ERRNO.EPIPE) };
  assertEquals((await waitForStop(undefined, { target: cpus }, broken, stopper)).limit, undefined);
  const exit = Promise.withResolvers<Exit | undefined>();
  const command = { untilDone: () => exit.promise };
  const stopped = waitForStop(command, { target: cpus }, broken, stopper);
  exit.resolve({ code: 4 } as Exit);
  assertEquals((await (await stopped).exit)?.code, 4);
});

Deno.test("waitForStop() names the limit that was reached, and leaves the command's end to come", async () => {
  const command = { untilDone: () => NEVER };
  const { limit } = await waitForStop(command, { target: cpus, seconds: 0.001 }, outputs, stopper);
  assertEquals(limit, "time");
  const full = { ...outputs, bytes: 10 };
  assertEquals((await waitForStop(command, { target: cpus, maxBytes: 10 }, full, stopper)).limit, "size");
});

Deno.test("waitForStop() ends at the user's word, and fails when a switch has failed", async () => {
  const told = { ...stopper, first: Promise.resolve(2) };
  assertEquals((await waitForStop(undefined, { target: cpus }, outputs, told)).limit, undefined);
  const failed = Promise.reject(new Error("unforeseen"));
  await assertRejects(() => waitForStop(undefined, { target: cpus }, { ...outputs, failed }, stopper), Error);
});
