/**
 * Fresh recordings of this machine, made by perf and read by both: the reader must return what `perf script` prints,
 * sample by sample.
 */

import { assert, assertEquals } from "@std/assert";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { testNeeding } from "../needs.ts";
import { assertLikeScript, collect, stream } from "./read_recording.ts";

/** Shells that fork, exec and keep two CPUs busy for a moment. */
const LOAD = [
  "sh",
  "-c",
  "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done & ls -R /etc >/dev/null 2>&1; wait",
];

const decoder = new TextDecoder();

/** Runs `perf record ARGS -o FILE -- LOAD`, or with `-o -`, and reads the file. */
async function record(
  args: string[],
  dir: string,
  pipe = false,
): Promise<{ path: string; bytes: Uint8Array }> {
  const path = `${dir}/${pipe ? "pipe" : "file"}.data`;
  // -B: perf would read every object of the machine for its build id, and some end it
  const output = await new Deno.Command("perf", {
    args: ["record", "-q", "-B", ...args, "-o", pipe ? "-" : path, "--", ...LOAD],
    stdin: "null",
  }).output();
  assertEquals(output.code, 0, decoder.decode(output.stderr));
  if (pipe) await Deno.writeFile(path, output.stdout);
  return { path, bytes: await Deno.readFile(path) };
}

async function perfScript(path: string, cpu: boolean): Promise<string> {
  const fields = `comm,pid,tid,${cpu ? "cpu," : ""}time,period,event,ip`;
  const output = await new Deno.Command("perf", {
    args: ["script", "-i", path, "--ns", "-F", fields],
    stdin: "null",
  }).output();
  assertEquals(output.code, 0, decoder.decode(output.stderr));
  return decoder.decode(output.stdout);
}

/** Name, arguments, whether samples have a CPU, and whether it is a pipe. */
const RECORDINGS: [string, string[], boolean, boolean][] = [
  ["call chains of all CPUs", ["-a", "-g", "-F", "5000"], true, false],
  ["two events of all CPUs", ["-a", "-e", "cpu-clock/freq=3000/,page-faults/period=10/"], true, false],
  ["one event of a command", ["-e", "page-faults", "-c", "1"], false, false],
  ["a tiny ring that loses samples", ["-a", "-g", "-F", "10000", "-m", "1"], true, false],
  ["zstd", ["-a", "-g", "-F", "5000", "-z"], true, false],
  ["a pipe", ["-a", "-F", "5000", "-e", "cpu-clock,context-switches"], true, true],
];

for (const [name, args, cpu, pipe] of RECORDINGS) {
  testNeeding(["perf", "root"], `reader() gives what perf script prints of ${name}`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      const { path, bytes } = await record(args, dir, pipe);
      const text = await perfScript(path, cpu);
      const reading = await collect(new MemoryBytes(bytes));
      assertLikeScript(reading, text);
      assertEquals(reading.stats.truncatedAt, -1);
      assert(reading.samples.length > 0);
      const again = await collect(stream(bytes, 4093), { window: 4096 });
      assertEquals(again.samples, reading.samples);
      assertEquals(again.stats, reading.stats);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}
