import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { CommandError, UnsupportedError } from "../../lib/base/system/errors.ts";
import { CommandMeter, type RequestedEvent } from "../../lib/run/measured_run.ts";
import type { Standing } from "../../lib/events/open.ts";
import { readPrivilege } from "../../lib/events/privilege.ts";
import { resolveEvents } from "../../lib/events/resolve.ts";
import { testWithEvents } from "../ffi/software_events.ts";

const STANDING: Standing = { privilege: readPrivilege(), hasCorePmu: false };
const INHERIT = [-1, -1, -1] as const;

function meter(events: string, optional = false) {
  const notes: string[] = [];
  const requestedEvents: RequestedEvent[] = resolveEvents(events).flatMap((group) => group.events).map((
    event,
  ) => ({
    event,
    optional,
  }));
  return { meter: new CommandMeter(requestedEvents, STANDING, (line) => notes.push(line)), notes };
}

testWithEvents("a run counts over the command and what it starts", async () => {
  const { meter: one } = meter("page-faults:u,task-clock:u");
  const small = await one.run({ argv: ["sh", "-c", ":"], stdio: INHERIT });
  const big = await one.run({ argv: ["sh", "-c", "sh -c 'sh -c :; exit'; exit 3"], stdio: INHERIT });
  assertEquals([small.code, big.code, big.signal], [0, 3, 0]);
  const faults = (run: typeof small) => run.counts.get("page-faults:u")!.value;
  assertGreater(faults(small), 0);
  assertGreater(faults(big), 2 * faults(small));
  assertGreater(big.counts.get("task-clock:u")!.value, 0);
  assertEquals(big.counts.get("page-faults:u")!.running, 1);
  one.close();
});

testWithEvents("a meter holds the counters of one run, until it is closed", async () => {
  const before = openEvents();
  const { meter: one } = meter("page-faults:u,task-clock:u");
  for (let i = 0; i < 3; i++) {
    await one.run({ argv: ["true"], stdio: INHERIT });
    assertEquals(openEvents() - before, 2);
  }
  one.close();
  assertEquals(openEvents(), before);
});

/** Counts the perf events that this process has open. */
function openEvents(): number {
  const names = Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      return ""; // of the listing itself
    }
  });
  return names.filter((name) => name === "anon_inode:[perf_event]").length;
}

testWithEvents("a run's wall time is the command's, its peak memory its own", async () => {
  const { meter: one } = meter("task-clock");
  const run = await one.run({ argv: ["sleep", "0.05"], stdio: INHERIT });
  assert(run.wallNs >= 50e6);
  assert(run.ownMemory);
  assertLess(run.usage.maxrssBytes, 16 << 20);
  one.close();
});

Deno.test("an event that cannot be counted is an error, or absent with its cause, and never a zero", async () => {
  const bogus = "breakpoint"; // a breakpoint at an address that is not aligned, which every kernel refuses
  const wanted = "mem:0x1:w";
  const strict = meter(wanted).meter;
  await assertRejects(() => strict.run({ argv: ["true"], stdio: INHERIT }), UnsupportedError, bogus);
  const lenient = meter(wanted, true).meter;
  for (let i = 0; i < 2; i++) {
    const run = await lenient.run({ argv: ["true"], stdio: INHERIT });
    assertEquals(run.counts.size, 0);
  }
  assertEquals([...lenient.absent.keys()], [wanted]);
  assertGreater(lenient.absent.get(wanted)!.length, 10);
});

Deno.test("a command that cannot be run is a CommandError, one that is killed has its signal", async () => {
  const { meter: one } = meter("page-faults:u", true);
  const missing = await assertRejects(() => one.run({ argv: ["/no/such"], stdio: INHERIT }), CommandError);
  assertEquals(missing.status, 127);
  assertStringIncludes(missing.message, "/no/such");
  const sleeping = one.run({ argv: ["sleep", "60"], stdio: INHERIT });
  const killer = setInterval(() => one.kill(15), 10);
  const killed = await sleeping;
  clearInterval(killer);
  assertEquals([killed.code, killed.signal], [143, 15]);
  one.close();
});
