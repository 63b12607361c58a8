/** What happens when a CPU goes and comes back while it is measured. It is this machine's: it is away for a moment. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../eventually.ts";
import { testNeeding } from "../needs.ts";
import { jsonReport, perfSampleCount, PMUCTL, program, withFolder } from "./harness.ts";
import { sizeOf } from "./watching.ts";

const SWITCH = "/sys/devices/system/cpu/cpu1/online";

const isOnline = () => Deno.readTextFileSync(SWITCH).trim() === "1";

/** Whether this user may take the second CPU away, and it is there. */
function canSwitch(): boolean {
  try {
    Deno.openSync(SWITCH, { write: true }).close();
    return isOnline();
  } catch {
    return false; // there is one CPU, or its switch is somebody else's
  }
}

/** Runs pmuctl with the second CPU away for a moment once `file` has `bytes`, until it has as many more afterwards. */
async function withCpuAway(
  args: string[],
  file: string,
  bytes: number,
): Promise<{ stdout: string; stderr: string }> {
  const child = new Deno.Command(PMUCTL, { args, stdout: "piped", stderr: "piped" }).spawn();
  const [stdout, stderr] = [new Response(child.stdout).text(), gathered(child.stderr)];
  const busy = [0, 1].map(() =>
    new Deno.Command(program("ratio"), { args: ["100000"], stdout: "null" }).spawn()
  );
  try {
    await eventually(() => sizeOf(file) > bytes, `${args[0]} to begin`);
    try {
      Deno.writeTextFileSync(SWITCH, "0");
      await eventually(() => /CPU 1 went offline/.test(stderr.text), "word of the CPU that went");
    } finally {
      Deno.writeTextFileSync(SWITCH, "1");
    }
    await eventually(() => /CPU 1 came online/.test(stderr.text), "word of the CPU that came");
    const then = sizeOf(file);
    await eventually(() => sizeOf(file) > then + bytes, "more");
    child.kill("SIGINT");
    assertEquals((await child.status).code, 0, stderr.text);
    await stderr.done;
    return { stdout: await stdout, stderr: stderr.text };
  } finally {
    for (const each of busy) each.kill("SIGKILL");
    await Promise.all(busy.map((each) => each.status));
  }
}

/** A stream's text as it comes. */
function gathered(stream: ReadableStream<Uint8Array<ArrayBuffer>>): { text: string; done: Promise<void> } {
  const it = { text: "", done: Promise.resolve() };
  it.done = (async () => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) it.text += part;
  })();
  return it;
}

if (!canSwitch()) {
  console.error("SKIP a CPU that goes and comes back: there is no second one that this user may switch off");
} else {
  testNeeding(
    ["root", "cc"],
    "bind -a counts on when a CPU goes and comes back, and says so",
    () =>
      withFolder(async (folder) => {
        const file = `${folder}/rows`;
        const args = ["bind", "-a", "-i", "0.1", "--json", "-o", file, "-e", "task-clock,context-switches"];
        const { stderr } = await withCpuAway(args, file, 1000);
        assertMatch(stderr, /CPU 1 came online after \d+\.\d s and is counted from then on/);
        const rows = Deno.readTextFileSync(file).trim().split("\n").map((line) => JSON.parse(line));
        const ticks = rows.filter((row) => row.event === "tick" && row.cpu === 1);
        const [total] = rows.filter((row) => row.event === "total");
        assertStringIncludes(total.remark, "CPU 1 went offline");
        const went = ticks.findIndex(({ remark }) => remark?.includes("went offline"));
        const came = ticks.findIndex(({ remark }) => remark?.includes("came online"));
        assert(went >= 0 && came >= went, JSON.stringify(ticks));
        const clock = (some: typeof ticks) => some.reduce((sum, { counts }) => sum + counts[0].count, 0);
        assert(clock(ticks.slice(came + 1)) > 0, "nothing was counted when it was back");
        // what it had counted before it went is in the total, and nothing twice
        const all = clock(rows.filter((row) => row.event === "tick"));
        assert(
          total.counts[0].count >= all && total.counts[0].count < 1.5 * all,
          `${total.counts[0].count} of ${all}`,
        );
      }),
  );

  testNeeding(
    ["root", "perf", "cc"],
    "record -a records a CPU that goes and comes back, and says so in the file",
    () =>
      withFolder(async (folder) => {
        const file = `${folder}/hotplug.data`;
        const args = ["record", "-a", "-F", "500", "-e", "cpu-clock", "-e", "context-switches", "-o", file];
        const { stderr } = await withCpuAway(args, file, 60_000);
        assertMatch(stderr, /CPU 1 came online after \d+\.\d s: what runs there is recorded from then on/);
        const { meta, events } = await jsonReport(file);
        const about = meta.warnings.filter((line) => line.startsWith("CPU 1 "));
        assertEquals(about.map((line) => line.replace(/\d+\.\d s/, "N s")), [
          "CPU 1 went offline after N s: nothing is recorded there while it is",
          "CPU 1 came online after N s: what runs there is recorded from then on",
        ]);
        const back = Number(/online after (\S+) s/.exec(about[1])![1]);
        const samples = events.reduce((sum, event) => sum + event.samples, 0);
        assertEquals(meta.ledger.total.sample, samples);
        assertEquals(await perfSampleCount(file), samples);
        const times = await cpuTimes(file);
        assert(
          times.at(-1)! - times[0] > back,
          `the last sample of CPU 1 came ${times.at(-1)! - times[0]} s after the first`,
        );
      }),
  );
}

/** Times of the samples of CPU 1, in seconds, by perf. */
async function cpuTimes(file: string): Promise<number[]> {
  const { stdout } = await new Deno.Command("perf", { args: ["script", "-i", file, "-C", "1", "-F", "time"] })
    .output();
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => parseFloat(line));
}
