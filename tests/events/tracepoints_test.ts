import { assertEquals, assertThrows } from "@std/assert";
import { UnsupportedError } from "../../lib/base/system/errors.ts";
import { Tracepoints } from "../../lib/events/tracepoints.ts";
import { denied, TRACEPOINTS, treeFiles } from "./trees.ts";

const MOUNTED = "none /sys/kernel/tracing tracefs rw 0 0\n";

Deno.test("Tracepoints lists systems and names without the control files between them", () => {
  const tracepoints = new Tracepoints(treeFiles({ "/sys/kernel/tracing/events": TRACEPOINTS }));
  assertEquals(tracepoints.systems(), ["sched", "syscalls"]);
  assertEquals(tracepoints.names("sched"), ["sched_switch", "sched_wakeup", "sched_waking"]);
  assertEquals(tracepoints.names("nosuch"), []);
  assertEquals(tracepoints.problem(), undefined);
});

Deno.test("Tracepoints finds ids and expands globs in the order of names", () => {
  const tracepoints = new Tracepoints(treeFiles({ "/sys/kernel/tracing/events": TRACEPOINTS }));
  assertEquals(tracepoints.find("sched", "sched_switch")?.id, 372n);
  assertEquals(tracepoints.find("sched", "nosuch"), undefined);
  assertEquals(tracepoints.expand("sched", "sched_wak*").map((t) => t.id), [375n, 376n]);
  assertEquals(tracepoints.expand("s*", "*_[s-t]*").map((t) => t.name), ["sched_switch"]);
});

Deno.test("Tracepoints finds tracefs under debugfs", () => {
  const tracepoints = new Tracepoints(treeFiles({
    "/sys/kernel/tracing": {},
    "/sys/kernel/debug/tracing/events": TRACEPOINTS,
  }));
  assertEquals(tracepoints.find("sched", "sched_switch")?.id, 372n);
});

Deno.test("Tracepoints says that tracefs is not mounted, and how to mount it", () => {
  const empty = new Tracepoints(
    treeFiles({ "/sys/kernel/tracing": {}, "/proc/self/mounts": "proc /proc proc rw 0 0\n" }),
  );
  const error = assertThrows(() => empty.systems(), UnsupportedError);
  assertEquals(
    error.message,
    "cannot look up tracepoints: tracefs is not mounted: sudo mount -t tracefs nodev /sys/kernel/tracing",
  );
  const closed = new Tracepoints(
    treeFiles({ "/sys/kernel/tracing": denied, "/proc/self/mounts": "proc /proc proc rw 0 0\n" }),
  );
  assertEquals(closed.problem()?.cause, "tracefs is not mounted");
});

Deno.test("Tracepoints says that tracefs is closed, whether at its root or at a file", () => {
  const closed = new Tracepoints(treeFiles({ "/sys/kernel/tracing": denied, "/proc/self/mounts": MOUNTED }));
  assertEquals(closed.problem()?.cause, "this user may not read tracefs (/sys/kernel/tracing)");
  const open = new Tracepoints(treeFiles({
    "/sys/kernel/tracing/events": { sched: { sched_switch: { id: denied } } },
    "/proc/self/mounts": MOUNTED,
  }));
  assertThrows(() => open.find("sched", "sched_switch"), UnsupportedError, "may not read tracefs");
});

Deno.test("Tracepoints takes ftrace's own record descriptions for no events", () => {
  const tracepoints = new Tracepoints(treeFiles({
    "/sys/kernel/tracing/events": { ftrace: { function: { id: "1\n" }, print: { format: "" } } },
  }));
  assertEquals(tracepoints.names("ftrace"), ["function"]);
});
