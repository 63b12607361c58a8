import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { NOBODY, testNeeding } from "../needs.ts";
import { asNobody, pmuctlOk, run } from "./harness.ts";

interface Check {
  what: string;
  ok: boolean;
  detail?: string;
  fix?: string;
}

interface Info {
  kernel: string;
  implementation: string[];
  npic: number;
  pmus: { name: string; type: number; core: boolean; pics?: { general: number; fixed: number } }[];
  privilege: { user: string; capable: boolean };
  limits: Record<string, number>;
  preflight: Check[];
}

const text = (path: string) => Deno.readTextFileSync(path).trim();
const info = async () => JSON.parse(await pmuctlOk(["info", "--json"])) as Info;

function check({ preflight }: Info, part: string): Check {
  const found = preflight.find(({ what }) => what.includes(part));
  assert(found, `no check of '${part}'`);
  return found;
}

/** info --json as a user without any capability. */
async function infoOfNobody(): Promise<Info> {
  const ran = await asNobody(["info", "--json"]);
  assertEquals(ran.status, 0, ran.stderr);
  return JSON.parse(ran.stdout);
}

Deno.test("info gives the kernel, its limits and its PMUs as the kernel's files have them", async () => {
  const { kernel, limits, pmus } = await info();
  assertEquals(kernel, text("/proc/sys/kernel/osrelease"));
  assertEquals(limits["kernel.perf_event_paranoid"], Number(text("/proc/sys/kernel/perf_event_paranoid")));
  assertEquals(limits["kernel.perf_event_mlock_kb"], Number(text("/proc/sys/kernel/perf_event_mlock_kb")));
  const root = "/sys/bus/event_source/devices";
  assertEquals(pmus.map((pmu) => pmu.name), Array.from(Deno.readDirSync(root), (d) => d.name).sort());
  for (const { name, type } of pmus) assertEquals(type, Number(text(`${root}/${name}/type`)));
});

Deno.test("info counts PICs where there is a hardware PMU, and says so where there is none", async () => {
  const { implementation, npic, pmus } = await info();
  const cores = pmus.filter((pmu) => pmu.core);
  assertEquals(implementation, cores.map((pmu) => pmu.name));
  assertEquals(npic > 0, cores.length > 0);
  assertEquals(
    (await pmuctlOk(["info"])).includes("no hardware PMU in this machine"),
    cores.length === 0,
  );
});

Deno.test("info gives a cause and a remedy for everything that does not work", async () => {
  for (const { what, ok, detail, fix } of (await info()).preflight) {
    if (!ok) assert(detail && fix, `${what}: cause ${detail}, remedy ${fix}`);
  }
});

testNeeding(["perf"], "info says of hardware events and the timer what perf stat finds", async () => {
  const all = await info();
  const supported = async (event: string) => {
    const { stderr } = await run("perf", ["stat", "-x,", "-e", event, "true"], { env: { LC_ALL: "C" } });
    return !stderr.includes("<not supported>");
  };
  assertEquals(check(all, "count hardware events").ok, await supported("cycles"));
  assertEquals(check(all, "count own processes").ok, await supported("task-clock"));
});

testNeeding(["root"], "info says that root can count, sample, see symbols and lock memory", async () => {
  const all = await info();
  const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(text("/proc/self/status"))!;
  if (!((BigInt(`0x${effective}`) >> 38n) & 1n)) return; // root of a container, without CAP_PERFMON
  assertEquals(all.privilege, { user: "root", capable: true });
  for (const part of ["count own", "count system-wide", "on a timer", "sample system-wide", "lock a ring"]) {
    assertEquals(check(all, part).ok, true, part);
  }
  assertEquals(check(all, "kernel symbols").ok, Number(text("/proc/sys/kernel/kptr_restrict")) < 2);
});

testNeeding(
  ["otherUser"],
  "info tells an unprivileged user what he cannot do and what mends it",
  async () => {
    const all = await infoOfNobody();
    assertEquals(all.privilege, { user: `uid ${NOBODY.uid}`, capable: false });
    const paranoid = Number(text("/proc/sys/kernel/perf_event_paranoid"));
    if (paranoid <= 2) assertEquals(check(all, "count own").ok, true); // of 3 some kernels make more, some not
    assertEquals(check(all, "count system-wide").ok, paranoid <= 0);
    assertEquals(
      check(all, "kernel symbols").ok,
      paranoid <= 1 && text("/proc/sys/kernel/kptr_restrict") === "0",
    );
    if (paranoid > 0) {
      assertEquals(check(all, "count system-wide").fix, "sudo sysctl kernel.perf_event_paranoid=0");
    }
    if (paranoid === 2) {
      assertStringIncludes(check(all, "count own").detail!, "user space only");
      assertMatch(check(all, "kernel symbols").fix!, /^sudo sysctl .*kernel.perf_event_paranoid=1$/);
    }
    const tracefs = check(all, "tracepoints");
    assertEquals(tracefs.ok, false);
    assertMatch(tracefs.fix!, /^sudo mount /);
  },
);
