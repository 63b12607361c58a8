import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type GroupsOpen, prepareSets, readSets } from "../../lib/counters/bind_sets.ts";
import { CpcError } from "../../lib/counters/verify/cpc_error.ts";
import { machineModel } from "../../lib/counters/verify/machine.ts";
import { hostWorld } from "../../lib/events/resolve.ts";

const PRIVILEGE = { paranoid: -1, capable: true, seccomp: false };
/** This machine's software events on counters that the tests make up. */
const MACHINE = machineModel(hostWorld(), new Map(), { privilege: PRIVILEGE });
const TASK = { kind: "task" } as const;
const EXACT = { multiplex: false, split: false };

function sets(...events: string[]) {
  return readSets({ specs: [], events, files: [] }, MACHINE);
}

/** A machine on which so many of these events count at once, beside any number of others. */
function roomFor(most: number, names: string[]): GroupsOpen {
  return (groups) => groups.flat().filter(({ event }) => names.includes(event.name)).length <= most;
}

function prepare(asked: ReturnType<typeof sets>, options: Partial<typeof EXACT>, opens: GroupsOpen) {
  const notes: string[] = [];
  const prepared = prepareSets(
    asked,
    MACHINE,
    TASK,
    { ...EXACT, ...options },
    opens,
    (line) => notes.push(line),
  );
  return {
    notes,
    sets: prepared.map(({ text, groups }) => ({
      text,
      groups: groups.map((group) => group.map((counter) => counter.event.name)),
    })),
  };
}

Deno.test("prepareSets() makes one set of each -e, its braces groups", () => {
  const { sets: prepared } = prepare(
    sets("{page-faults,minor-faults},task-clock", "cpu-clock"),
    {},
    () => true,
  );
  assertEquals(prepared.map((set) => set.groups), [
    [["page-faults", "minor-faults"], ["task-clock"]],
    [["cpu-clock"]],
  ]);
});

Deno.test("prepareSets() names the events that the kernel has no counters for at the same time, and no others", () => {
  const opens = roomFor(1, ["page-faults", "task-clock"]);
  const error = assertThrows(
    () => prepare(sets("minor-faults,page-faults,cpu-clock,task-clock"), {}, opens),
    CpcError,
  );
  assertEquals([error.subcodeName, error.status], ["CPC_RESOURCE_UNAVAIL", 3]);
  assertStringIncludes(error.message, "no counters for page-faults and task-clock at the same time");
  assertStringIncludes(error.message, "--split");
});

Deno.test("prepareSets() splits such a set into the fewest passes, which say what they are", () => {
  const opens = roomFor(2, ["page-faults", "task-clock", "minor-faults"]);
  const { sets: prepared, notes } = prepare(
    sets("minor-faults,page-faults,cpu-clock,task-clock"),
    { split: true },
    opens,
  );
  assertEquals(prepared.map((set) => set.groups.flat().length), [3, 1]);
  assertEquals(prepared[1].text, "task-clock, pass 2 of 2");
  assertStringIncludes(notes.join("\n"), "in 2 passes");
});

Deno.test("prepareSets() leaves the sharing of counters to the kernel when that is wanted", () => {
  const { sets: prepared } = prepare(sets("page-faults,task-clock"), { multiplex: true }, () => false);
  assertEquals(prepared.map((set) => set.groups.length), [2]);
});

Deno.test("prepareSets() leaves what does not even open alone to the one who opens it", () => {
  const { sets: prepared } = prepare(sets("page-faults,task-clock"), {}, roomFor(0, ["task-clock"]));
  assertEquals(prepared.length, 1);
});
