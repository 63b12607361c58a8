import { assertEquals } from "@std/assert";
import { RowWriter } from "../../../lib/counters/rows/row_sink.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";

/** An output that notes what is done to it, in order. */
function recorded() {
  const calls: string[] = [];
  return {
    calls,
    write: (text: string) => calls.push(text.trim().split(/ +/)[0]),
    flush: () => calls.push("flush"),
  };
}

const groups = resolveEvents("page-faults:u").map(({ events }) => events);

Deno.test("RowWriter shows the titles as soon as counting begins, and rows when it is flushed", () => {
  const output = recorded();
  const rows = new RowWriter({ kind: "cpus", json: false, stamps: false }, output);
  rows.begin([{ text: "page-faults", groups }], 0n);
  assertEquals(output.calls, ["time", "flush"]);
  rows.emit({ event: "tick", timeNs: 1_500_000_000n, cpu: 0, counts: [{ value: 3n }] });
  rows.flush();
  assertEquals(output.calls.slice(2), ["1.500", "flush"]);
});

Deno.test("RowWriter has no titles in JSON", () => {
  const output = recorded();
  const rows = new RowWriter({ kind: "cpus", json: true, stamps: false }, output);
  rows.begin([{ text: "page-faults", groups }], 0n);
  assertEquals(output.calls, ["flush"]);
});
