import { assertEquals, assertThrows } from "@std/assert";
import { parseControl } from "../../../lib/base/system/control_option.ts";
import { UsageError } from "../../../lib/base/system/errors.ts";

Deno.test("parseControl() takes one FIFO or two, and refuses anything else", () => {
  assertEquals(parseControl("fifo:ctl"), { commands: "ctl" });
  assertEquals(parseControl("fifo:/a b/ctl,ack"), { commands: "/a b/ctl", answers: "ack" });
  for (
    const text of ["", "ctl", "fifo:", "fifo:,ack", "fifo:ctl,", "fifo:a,b,c", "fd:3", "fd:3,4", "pipe:a"]
  ) {
    assertThrows(() => parseControl(text), UsageError, `--control '${text}': expected `);
  }
});
