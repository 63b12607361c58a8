/** The line that says why a recording has no samples. */

import { assertEquals } from "@std/assert";
import { makeLedger } from "../../lib/perfdata/format/ledger.ts";
import { noSamplesLine, TargetTime } from "../../lib/record/no_samples.ts";
import type { Target } from "../../lib/record/request/target.ts";

const row = {
  cpu: 0,
  sample: 0,
  overflow: 0,
  buf: 0,
  emptybuf: 0,
  dropbuf: 0,
  dropbuf_sample: 0,
  throttle: 0,
};
const command: Target = { kind: "command", argv: ["sleep", "3"] };

function line(
  name: string,
  { rate = "4000 Hz", target = command, cpuTime, filter, delayMs, lost = 0, cutShort = false }: {
    rate?: string;
    target?: Target;
    cpuTime?: { userNs: number; kernelNs: number };
    filter?: string;
    delayMs?: number;
    lost?: number;
    cutShort?: boolean;
  } = {},
) {
  const ledger = makeLedger([{ ...row, overflow: lost }]);
  const events = [{ name, rate, backend: "perf" }];
  return noSamplesLine({ ledger, events, seconds: 3, cpuTime, cutShort }, { target, filter, delayMs });
}

const REMEDY = ": record for longer, sample more often (-F max), or record where it gives up the CPU " +
  "(-e sched:sched_switch -g)";

Deno.test("a target that slept is told with its CPU time", () => {
  const cpuTime = { userNs: 0.4e6, kernelNs: 0.8e6 };
  const kept = "no samples: sleep was on a CPU for 1.2 ms of the 3.000 s, and";
  assertEquals(line("cpu-clock", { cpuTime }), `${kept} cpu-clock counts only while it runs${REMEDY}`);
  assertEquals(line("cycles", { cpuTime }), `${kept} cycles counts only while it runs${REMEDY}`);
  const pids: Target = { kind: "processes", pids: [7] };
  assertEquals(
    line("cpu-clock", { target: pids, cpuTime: { userNs: 0, kernelNs: 0 } }),
    `no samples: pid 7 was on a CPU for less than 10 ms of the 3.000 s, and cpu-clock counts only while it runs${REMEDY}`,
  );
});

Deno.test("where only user mode is sampled, the time in the kernel is told apart", () => {
  const cpuTime = { userNs: 0.1e6, kernelNs: 900e6 };
  assertEquals(
    line("cpu-clock:u", { cpuTime }),
    "no samples: sleep was on a CPU for 900.1 ms (900.0 ms of that in the kernel) of the 3.000 s, and cpu-clock:u counts " +
      `only while it runs in user mode${REMEDY}`,
  );
});

Deno.test("an event that did not happen is told with how often it is sampled, and a filter", () => {
  const missed = "no samples: page-faults did not happen";
  assertEquals(
    line("page-faults", { rate: "every 1000" }),
    `${missed} 1000 times in what was recorded: -c 1 samples each one`,
  );
  assertEquals(line("page-faults"), `${missed} in what was recorded: -c 1 samples each one`);
  assertEquals(
    line("page-faults", { rate: "every 1", filter: "x > 1" }),
    `${missed} in what was recorded: check whether --filter excludes them all`,
  );
});

Deno.test("a recording that was over before --delay says so", () => {
  assertEquals(
    line("cpu-clock", { delayMs: 5000 }),
    "no samples: the recording ended after 3.000 s, before sampling began (--delay 5000)",
  );
});

Deno.test("samples that were lost, or not taken for rights, have been told of", () => {
  assertEquals([line("cycles", { lost: 1 }), line("cycles", { cutShort: true })], [undefined, undefined]);
});

Deno.test("TargetTime is what all processes took since it was made, unknown when one has ended", () => {
  const stats = new Map<string, string>();
  const stat = (pid: number, user: number, kernel: number) =>
    stats.set(`/proc/${pid}/stat`, `${pid} (a b) S 1 0 0 0 0 0 0 0 0 0 ${user} ${kernel} 0 0 20 0 1 0 500`);
  const proc = { text: (path: string) => stats.get(path), list: () => [] };
  stat(7, 10, 5);
  stat(8, 1, 1);
  const time = new TargetTime({ kind: "processes", pids: [7, 8] }, proc);
  stat(7, 12, 5);
  stat(8, 1, 2);
  assertEquals(time.spent(), { userNs: 2e7, kernelNs: 1e7 });
  stats.delete("/proc/8/stat");
  assertEquals(time.spent(), undefined);
  assertEquals(new TargetTime(command, proc).spent(), undefined);
});
