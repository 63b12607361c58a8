import { assertEquals, assertThrows } from "@std/assert";
import { CpcError } from "../../../lib/counters/verify/cpc_error.ts";
import { eventsOfPic } from "../../../lib/counters/verify/pic_events.ts";
import { listEvents } from "../../../lib/events/list.ts";
import { arm, intel, virtual } from "../machines.ts";

const names = (machine: ReturnType<typeof intel>, pic: number) =>
  eventsOfPic(listEvents(machine.world), pic, machine).map((event) => event.name);

Deno.test("eventsOfPic() gives a general counter all but what has a counter of its own alone", () => {
  const general = names(intel(), 0);
  assertEquals([general.includes("cycles"), general.includes("branch-misses")], [true, true]);
  assertEquals(general.includes("ref-cycles"), false);
  assertEquals(general.includes("page-faults"), false);
});

Deno.test("eventsOfPic() gives a fixed counter its one event", () => {
  assertEquals(names(intel(), 4).filter((name) => !name.includes("/")), ["ref-cycles"]);
  assertEquals(names(arm(), 31).filter((name) => !name.includes("/")), ["cycles"]);
});

Deno.test("eventsOfPic() refuses a counter that is not there, with EINVAL and status 2", () => {
  const error = assertThrows(() => names(arm(), 7), CpcError, "no such counter; this machine has");
  assertEquals([error.errno, error.status], ["EINVAL", 2]);
  assertThrows(() => names(virtual(), 0), CpcError, "no hardware PMU");
});
