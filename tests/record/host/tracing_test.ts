import { assertEquals } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { encodeTracingData } from "../../../lib/perfdata/format/tracing_data.ts";
import { readTracingData, tracefsText } from "../../../lib/record/host/tracing.ts";

const FILES: Record<string, string> = {
  "/events/header_page": "\tfield: char data;\toffset:16;\tsize:16368;\tsigned:1;\n",
  "/events/header_event": "head",
  "/events/sched/sched_switch/format": "switch\n",
  "/events/sched/sched_waking/format": "waking\n",
  "/events/block/block_rq_issue/format": "issue\n",
  "/printk_formats": "0x1 : é\n",
};
const under = (root: string) => (path: string) =>
  path.startsWith(root) ? FILES[path.slice(root.length)] : undefined;
const SWITCH = { system: "sched", name: "sched_switch" };

Deno.test("readTracingData() takes the format of each tracepoint once, by system, wherever tracefs is", () => {
  const asked = [SWITCH, { system: "block", name: "block_rq_issue" }, SWITCH, {
    system: "sched",
    name: "sched_waking",
  }];
  for (const root of ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"]) {
    assertEquals(readTracingData(asked, under(root)), {
      pageSize: 16384,
      headerPage: FILES["/events/header_page"],
      headerEvent: "head",
      formats: new Map([["sched", ["switch\n", "waking\n"]], ["block", ["issue\n"]]]),
      printkFormats: "0x1 : é\n",
    });
  }
});

Deno.test("readTracingData() has nothing where there is no tracepoint, or tracefs is closed", () => {
  assertEquals(readTracingData([], under("/sys/kernel/tracing")), undefined);
  assertEquals(readTracingData([SWITCH], () => undefined), undefined);
});

Deno.test("encodeTracingData() lays the files out as perf does", () => {
  const bytes = encodeTracingData({
    pageSize: 4096,
    headerPage: "P",
    headerEvent: "EE",
    formats: new Map([["sched", ["F"]]]),
    printkFormats: "é",
  });
  const u64 = (n: number) => String.fromCharCode(n) + "\0".repeat(7);
  const u32 = (n: number) => String.fromCharCode(n & 255, n >> 8) + "\0\0";
  assertEquals(
    new TextDecoder("latin1").decode(bytes),
    "\x17\x08\x44tracing0.6\0\0\x08" + u32(4096) + "header_page\0" + u64(1) + "P" + "header_event\0" +
      u64(2) + "EE" +
      u32(0) + u32(1) + "sched\0" + u32(1) + u64(1) + "F" + u32(0) + u32(2) + "\xc3\xa9" + u64(0),
  );
});

testNeeding(["root"], "tracefsText() gives the whole of a file that can be read only once", () => {
  const text = tracefsText("/sys/kernel/tracing/events/header_page")!;
  assertEquals(text.match(/field: /g)?.length, 4);
  assertEquals(text.endsWith(";\n"), true);
  assertEquals(tracefsText("/sys/kernel/tracing/no such file"), undefined);
});
