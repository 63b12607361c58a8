/** Samples in BPF programs, which have the names that the kernel gives them, whenever they were loaded. */

import { assert, assertEquals } from "@std/assert";
import { missing, testUnless } from "../../needs.ts";
import { jsonReport, pmuctlOk, program, run, selfSamples, withFolder } from "../harness.ts";
import { compareWithPerf } from "../perf_rows.ts";

const RECORDING = ["record", "-q", "-e", "cpu-clock", "-F", "1000", "-g"];

/** Why no BPF program can be loaded here. */
async function hindrance(): Promise<string | false> {
  const lacking = missing(["cc", "perf"]);
  if (lacking) return lacking;
  const { status, stderr } = await run(program("bpf"), ["0"]);
  return status !== 0 && `it needs BPF: ${stderr.trim()}`;
}

/** Fails unless samples of the file are in the program `name`, as many as perf has. */
async function assertNamed(file: string, name: string): Promise<void> {
  const samples = selfSamples(await jsonReport(file));
  assert((samples.get(`${name} ${name}`) ?? 0) > 0, [...samples.keys()].join(", "));
  const { self, total, unresolved } = await compareWithPerf(file);
  assertEquals([self, total, unresolved], [[], [], []]);
}

const cannot = await hindrance();

testUnless(
  cannot,
  "report names a BPF program that is loaded while it is recorded",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      const name = (await pmuctlOk([...RECORDING, "-o", file, "--", program("bpf"), "100000"])).trim();
      await assertNamed(file, name);
    }),
);

testUnless(
  cannot,
  "report names a BPF program that was loaded before, also when it is gone",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      const loader = new Deno.Command(program("bpf"), { args: ["1000000000"], stdout: "piped" }).spawn();
      const reader = loader.stdout.getReader();
      try {
        const name = new TextDecoder().decode((await reader.read()).value).trim();
        await pmuctlOk([...RECORDING, "-o", file, "-p", `${loader.pid}`, "--duration", "0.4"]);
        loader.kill();
        await loader.status;
        await assertNamed(file, name);
      } finally {
        await reader.cancel();
        try {
          loader.kill();
        } catch {
          // it has ended, as it should
        }
        await loader.status;
      }
    }),
);
