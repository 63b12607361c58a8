import { assertEquals } from "@std/assert";
import { completeEvent } from "../../lib/events/complete.ts";
import { hostWorld } from "../../lib/events/resolve.ts";

/** Names alone. */
function complete(text: string): string[] {
  return completeEvent(text, hostWorld()).map(([name]) => name);
}

Deno.test("an event is completed to each name that starts as it does, and its aliases", () => {
  assertEquals(complete("cyc"), ["cycles"]);
  assertEquals(complete("context-sw"), ["context-switches"]);
  assertEquals(complete("PAPI_TOT"), ["PAPI_TOT_CYC", "PAPI_TOT_INS"]);
  assertEquals(complete("no-such-event"), []);
});

Deno.test("of a list the last event is completed, behind the others as they are", () => {
  assertEquals(complete("{cycles:u,instruc"), ["{cycles:u,instructions"]);
  assertEquals(complete("pic0=instruc"), ["pic0=instructions"]);
  assertEquals(complete("cpu/event=1,umask=2/,instruc"), ["cpu/event=1,umask=2/,instructions"]);
  assertEquals(complete("cpu/event=1,instruc"), []);
});

Deno.test("a long list of events takes no longer for its length", () => {
  assertEquals(complete(`${"a,".repeat(50_000)}instruc`).length, 1);
  assertEquals(complete("/".repeat(100_000)), []);
});
