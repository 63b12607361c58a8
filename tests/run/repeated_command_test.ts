import { assert, assertEquals, assertRejects } from "@std/assert";
import { RepeatedCommand } from "../../lib/run/repeated_command.ts";
import { exists } from "../../lib/base/files/exists.ts";

/** Runs `sh -c SCRIPT` repeatedly. `$1` is a file that it and its preparation write to; returns its contents. */
async function log(
  script: string,
  { count, prepare }: { count: number; prepare: (write: (text: string) => void) => Promise<boolean> },
): Promise<string> {
  const path = await Deno.makeTempFile();
  const write = (text: string) => Deno.writeTextFileSync(path, text, { append: true });
  try {
    const repeated = RepeatedCommand.open({
      argv: ["sh", "-c", script, "sh", path],
      count,
      prepare: () => prepare(write),
    });
    const [command, ...args] = repeated.argv;
    const { stdout } = await new Deno.Command(command, { args }).output();
    assertEquals(stdout.length, 0);
    await repeated.close();
    return await Deno.readTextFile(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("a repeated command is prepared before each of its runs", async () => {
  const prepare = (write: (text: string) => void) => {
    write("p");
    return Promise.resolve(true);
  };
  assertEquals(await log("printf r >>$1; echo said", { count: 3, prepare }), "prprpr");
});

Deno.test("a repeated command goes on after a run that fails, and ends when nothing prepares the next", async () => {
  let left = 3;
  const prepare = () => Promise.resolve(left-- > 0);
  assertEquals(await log("printf r >>$1; exit 3", { count: 10, prepare }), "rrr");
});

Deno.test("a repeated command ends when what prepares a run throws, which close() throws again", async () => {
  let runs = 0;
  const prepare = () => runs++ < 1 ? Promise.resolve(true) : Promise.reject(new Error("no more input"));
  await assertRejects(() => log("printf r >>$1", { count: 10, prepare }), Error, "no more input");
  assertEquals(runs, 2);
});

Deno.test("close() ends a repeated command whose shell never asked, or is gone", async () => {
  const runs = { argv: ["true"], count: 5, prepare: () => Promise.resolve(true) };
  const unasked = RepeatedCommand.open(runs);
  await unasked.close();
  const gone = RepeatedCommand.open({ ...runs, argv: ["sh", "-c", "kill -KILL $PPID"] });
  const [command, ...args] = gone.argv;
  const { signal } = await new Deno.Command(command, { args }).output();
  assertEquals(signal, "SIGKILL");
  await gone.close();
  assert(!gone.argv.some((word) => word.includes("pmuctl-runs-") && exists(word)), "the FIFOs are left");
});
