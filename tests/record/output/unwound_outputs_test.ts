/** Files of recordings whose stacks are unwound before they are written, by real drains from rings made by hand. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import type { Sampler } from "../../../lib/record/backends/registry.ts";
import type { EventOnCpus } from "../../../lib/record/open/open_on_cpus.ts";
import { OutputSequence } from "../../../lib/record/output/output_sequence.ts";
import type { RecordRequest } from "../../../lib/record/request/request.ts";
import { eventually } from "../../eventually.ts";
import { RingFile } from "../../ffi/ring_file.ts";
import { testUnless } from "../../needs.ts";
import { collect } from "../../perfdata/read_recording.ts";
import { fakeRequest } from "../fake_rings.ts";
import { MadeMachine, MAPPED, unwoundEvent, writeProgram } from "../stacks/made_machine.ts";

const OTHER_ARCH = Deno.build.arch !== "x86_64" && "it needs x86_64";
/** Never: nobody asks for an end a second time. */
const NEVER = new Promise<never>(() => {});
const PID = 5_000_001;
/** The chain of a whole stack, as addresses. */
const CHAIN = [0x1050, 0x117f, 0x127f].map((address) => MAPPED + address);

interface Setting {
  outputs: OutputSequence;
  opened: EventOnCpus[];
  machine: MadeMachine;
  rings: RingFile[];
  path: string;
  notes: string[];
}

function testOutputs(
  name: string,
  changes: Partial<RecordRequest>,
  body: (setting: Setting) => Promise<void>,
): void {
  testUnless(OTHER_ARCH, name, async () => {
    const folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" }), path = `${folder}/out`;
    const rings = [new RingFile(), new RingFile()], notes: string[] = [];
    const sampler: Sampler = { ...unwoundEvent("cpu-clock:u", [7n, 8n]), choice: { backend: "clock" } };
    sampler.places.forEach((place, i) => place.fd = rings[i].fd);
    const events: EventOnCpus[] = [sampler, unwoundEvent("page-faults:u", [])];
    const outputs = new OutputSequence(fakeRequest(path, { ringPages: 1, ...changes }), events, {
      note: (line) => void notes.push(line),
      happened: { rateChanges: [], cpuChanges: [] },
    });
    const machine = new MadeMachine(events[0]);
    try {
      writeProgram(`${folder}/program`);
      rings[0].put(machine.mmap(1, PID, `${folder}/program`));
      await body({ outputs, opened: events, machine, rings, path, notes });
    } finally {
      outputs.free();
      for (const ring of rings) ring.close();
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

/** The times of the samples in a file, whose stacks all have to be whole. */
async function timesIn(path: string): Promise<number[]> {
  const { samples, header } = await collect(new MemoryBytes(Deno.readFileSync(path)));
  for (const { attr } of header.events) {
    assertEquals(attr.sampleType & (PERF_SAMPLE.STACK_USER | PERF_SAMPLE.REGS_USER), 0);
  }
  for (const { chain } of samples) assertEquals(chain, CHAIN);
  return samples.map(({ time }) => Number(time)).sort((a, b) => a - b);
}

testOutputs("a file has chains in place of stacks, and a ledger of its samples", {}, async (s) => {
  const { outputs, machine, rings, path } = s;
  outputs.begin();
  rings[1].put(machine.sample(20, PID, { id: 8n }), machine.sample(40, PID, { id: 8n }));
  rings[0].put(machine.sample(10, PID), machine.sample(30, PID));
  const { ledger, paths, writeError } = await outputs.end(NEVER);
  assertEquals([ledger.total.sample, paths, writeError], [4, [path], undefined]);
  assertEquals(await timesIn(path), [10, 20, 30, 40]);
});

const SWITCHING: Partial<RecordRequest> = { switching: { when: { kind: "signal" } } };

testOutputs(
  "stacks are unwound on from file to file, and no sample is lost or in two",
  SWITCHING,
  async (s) => {
    const { outputs, machine, rings } = s;
    outputs.begin();
    let time = 10;
    const put = () => {
      for (const ring of rings) if (ring.head - ring.tail < 2000) ring.put(machine.sample(time++, PID));
    };
    // the rings fill all the time, in the drains and between them
    const timer = setInterval(put, 0);
    try {
      for (let files = 1; files <= 4; files++) {
        const from = time;
        await eventually(() => time > from + 20, "samples");
        await outputs.switch();
      }
    } finally {
      clearInterval(timer);
    }
    const { ledger, paths } = await outputs.end(NEVER);
    const times = await Promise.all(paths.map(timesIn));
    assertEquals([paths.length, ledger.total.sample], [5, time - 10]);
    assertEquals(times.flat().sort((a, b) => a - b), Array.from({ length: time - 10 }, (_, i) => 10 + i));
    assert(times.slice(0, 4).every((each) => each.length >= 20), "a file has few samples");
  },
);

testOutputs("a fault in the unwinding ends the recording, whose file is complete", {}, async (s) => {
  const { outputs, opened, machine, rings, path } = s;
  outputs.begin();
  rings[0].put(machine.sample(10, PID));
  await eventually(() => outputs.progress.samples === 1, "the first sample");
  // an event without places, which is looked for because of an unknown id
  opened.push({} as EventOnCpus);
  rings[0].put(machine.sample(20, PID), machine.sample(30, PID, { id: 99n }));
  await assertRejects(() => outputs.failed, TypeError);
  opened.pop();
  await assertRejects(() => outputs.end(NEVER), TypeError);
  const { samples, stats, header } = await collect(new MemoryBytes(Deno.readFileSync(path)));
  assertEquals(samples.map(({ time }) => Number(time)), [10]);
  assertEquals([stats.truncatedAt, header.features.hostname], [-1, "testhost"]);
});
