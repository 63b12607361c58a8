import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ERRNO } from "../../../lib/base/system/errno.ts";
import { UnsupportedError, UsageError } from "../../../lib/base/system/errors.ts";
import type { EventAttr } from "../../../lib/events/attr.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";
import { allBackends } from "../../../lib/record/backends/all.ts";
import { BACKEND_VERSION, type Operations } from "../../../lib/record/backends/backend.ts";
import { clockBackend, perfBackend } from "../../../lib/record/backends/perf_event_backends.ts";
import { BackendRegistry } from "../../../lib/record/backends/registry.ts";
import { INTEL_SERVER, worldOf } from "../../events/trees.ts";

const event = (text: string) => resolveEvents(text, worldOf(INTEL_SERVER))[0].events[0];
const wanted = (text: string) => ({ event: event(text), attrOf: (e: { attr: EventAttr }) => e.attr });
const options = {
  where: { tids: [1], cpus: [0], target: "pid 1" },
  standing: { privilege: { paranoid: 2, capable: true, seccomp: false }, hasCorePmu: false },
};

/** A registry of `perf` and `clock` whose opening is refused with these errnos, 0 for not. */
function registryOf(refusals: { perf: number; clock: number }) {
  const calls: string[] = [];
  const fake = (name: "perf" | "clock", real: Operations): Operations => ({
    ...real,
    open({ event }) {
      calls.push(`${name} open ${event.name}`);
      if (refusals[name]) {
        throw new UnsupportedError({ attempt: `sample ${event.name}`, cause: name }, refusals[name]);
      }
      return { event, attr: event.attr, places: [] };
    },
    start: (opened) => calls.push(`${name} start ${opened.event.name}`),
    stop: (opened) => calls.push(`${name} stop ${opened.event.name}`),
  });
  const registry = new BackendRegistry();
  registry.register("perf", BACKEND_VERSION, fake("perf", perfBackend));
  registry.register("clock", BACKEND_VERSION, fake("clock", clockBackend));
  const owner = registry.open();
  const notes: string[] = [];
  const open = (text: string, insist?: string) =>
    owner.openEvent(wanted(text), { ...options, insist }, (line) => notes.push(line));
  return { registry, owner, open, calls, notes };
}

function errnoOf(body: () => unknown): number {
  const error = assertThrows(body, UnsupportedError);
  assertMatch(error.message, /^cannot \w/);
  return error.errno;
}

Deno.test("a registry refuses another version, a name taken, and to lose what it does not have", () => {
  const registry = allBackends();
  assertEquals(registry.all().map(({ name }) => name), ["perf", "clock"]);
  assertEquals(errnoOf(() => registry.register("third", BACKEND_VERSION + 1, clockBackend)), ERRNO.EINVAL);
  assertEquals(errnoOf(() => registry.register("clock", BACKEND_VERSION, clockBackend)), ERRNO.EEXIST);
  assertEquals(errnoOf(() => registry.unregister("third")), ERRNO.ENOENT);
  registry.unregister("perf");
  assertEquals(registry.all().map(({ name }) => name), ["clock"]);
});

Deno.test("backends have one owner, and one that is in use stays", () => {
  const { registry, owner, open } = registryOf({ perf: 0, clock: 0 });
  open("cycles");
  assertEquals(errnoOf(() => registry.open()), ERRNO.EBUSY);
  assertEquals(errnoOf(() => registry.unregister("perf")), ERRNO.EBUSY);
  registry.unregister("clock");
  owner.close();
  registry.unregister("perf");
  assertEquals(errnoOf(() => registry.open().openEvent(wanted("cycles"), options, () => {})), ERRNO.ENOENT);
});

Deno.test("an owner starts what it has open, once, and not what the kernel starts at exec", () => {
  const { owner, open, calls } = registryOf({ perf: 0, clock: 0 });
  assertEquals(errnoOf(() => owner.start()), ERRNO.ENOENT);
  open("cycles");
  open("cpu-clock");
  owner.start({ onExec: true });
  assertEquals(errnoOf(() => owner.start()), ERRNO.EBUSY);
  owner.stop();
  owner.start();
  owner.stop();
  owner.stop();
  assertEquals(calls.slice(2), [
    "perf stop cycles",
    "clock stop cpu-clock",
    "perf start cycles",
    "clock start cpu-clock",
    "perf stop cycles",
    "clock stop cpu-clock",
  ]);
});

Deno.test("the timer stands in for cycles where there is no PMU, and that is said", () => {
  const { open, notes } = registryOf({ perf: ERRNO.ENOENT, clock: 0 });
  const { event, choice } = open("cycles:upp");
  assertEquals([event.name, event.attr.preciseIp, event.attr.flags.has("excludeKernel")], [
    "cpu-clock:u",
    0,
    true,
  ]);
  assertEquals(choice, { backend: "clock", insteadOf: "cycles:upp" });
  assertEquals(notes, ["cycles:upp is not supported here (no hardware PMU for it); using cpu-clock:u"]);
});

Deno.test("nothing stands in for another event, or where the refusal is about something else", () => {
  const { open } = registryOf({ perf: ERRNO.ENOENT, clock: 0 });
  for (const text of ["instructions", "page-faults"]) assertEquals(errnoOf(() => open(text)), ERRNO.ENOENT);
  assertEquals(errnoOf(() => registryOf({ perf: ERRNO.EACCES, clock: 0 }).open("cycles")), ERRNO.EACCES);
  const imprecise = registryOf({ perf: ERRNO.EOPNOTSUPP, clock: 0 });
  assertEquals(errnoOf(() => imprecise.open("cycles:pp")), ERRNO.EOPNOTSUPP);
  assertEquals(imprecise.open("cycles").event.name, "cpu-clock");
  // what mends it is what the timer says, not that there is no PMU
  assertEquals(
    errnoOf(() => registryOf({ perf: ERRNO.ENOENT, clock: ERRNO.EMFILE }).open("cycles")),
    ERRNO.EMFILE,
  );
});

Deno.test("a backend that is insisted on is the only one tried", () => {
  const { open, calls, notes } = registryOf({ perf: ERRNO.ENOENT, clock: 0 });
  assertMatch(assertThrows(() => open("cycles", "perf"), UnsupportedError).message, /leave --backend out/);
  assertEquals(open("cycles", "clock").choice, { backend: "clock", insteadOf: "cycles" });
  assertEquals(calls, ["perf open cycles", "clock open cpu-clock"]);
  assertEquals(notes, []); // as asked
  assertThrows(() => open("page-faults", "clock"), UsageError, "use --backend perf");
  assertThrows(() => open("cpu-clock", "perf"), UsageError, "use --backend clock");
  assertThrows(() => open("cycles", "pebs"), UsageError, "there are perf, clock");
});
