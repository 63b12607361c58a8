import { assertEquals } from "@std/assert";
import { refusalOf, type SetAction, SetError, type SetState } from "../../../lib/counters/open/states.ts";

const ACTIONS: SetAction[] = ["sample", "preset", "restart", "enable", "disable", "unbind"];

/** errno of each action in a state; "" where it is allowed. */
function row(state: SetState): string[] {
  return ACTIONS.map((action) => refusalOf(action, state)?.errno ?? "");
}

Deno.test("each state refuses what cpc refuses, with its errno", () => {
  //                               sample    preset    restart   enable    disable   unbind
  assertEquals(row("counting"), ["", "", "", "EINVAL", "", ""]);
  assertEquals(row("frozen"), ["", "", "", "", "EINVAL", ""]);
  assertEquals(row("invalid"), ["EAGAIN", "EAGAIN", "EAGAIN", "EAGAIN", "EAGAIN", ""]);
  assertEquals(row("ended"), ["", "EINVAL", "EINVAL", "EINVAL", "EINVAL", ""]);
});

Deno.test("a SetError is a sentence that ends with the errno; 2 is the caller's mistake, 3 the machine's refusal", () => {
  const mistake = new SetError("enable set 'web'", refusalOf("enable", "counting")!);
  assertEquals(mistake.message, "cannot enable set 'web': it is enabled already (EINVAL)");
  assertEquals(mistake.status, 2);
  const refused = new SetError("sample set 'web'", refusalOf("sample", "invalid")!);
  assertEquals(
    refused.message,
    "cannot sample set 'web': it is invalid: its counters were taken by another user of the PMU: " +
      "unbind it, and bind it again (EAGAIN)",
  );
  assertEquals(refused.status, 3);
});
