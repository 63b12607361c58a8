import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UnsupportedError, UsageError } from "../../lib/base/system/errors.ts";
import { bindTarget, type BindTargetOptions } from "../../lib/counters/bind_target.ts";
import { CpcError } from "../../lib/counters/verify/cpc_error.ts";
import type { KernelFiles } from "../../lib/events/files.ts";

/** CPUs 0 to 2, and process 9 with thread 10. */
const FILES: KernelFiles = {
  read: (path) => {
    if (path === "/sys/devices/system/cpu/online") return "0-2";
    return /^\/proc\/(?:9|10)\/status$/.test(path) ? "Name:\tx\nTgid:\t9" : undefined;
  },
  list: (path) => path === "/proc/9/task" ? ["10", "9"] : undefined,
};

const target = (options: Partial<BindTargetOptions>) =>
  bindTarget({ command: [], allCpus: false, ...options }, FILES);

Deno.test("sets are bound to a command, a process with all its threads, a thread alone, or CPUs", () => {
  const online = [0, 1, 2];
  assertEquals(target({ command: ["make", "-j2"] }), {
    kind: "tasks",
    tasks: { kind: "command", argv: ["make", "-j2"] },
    online,
  });
  const threads = [{ pid: 9, tid: 9 }, { pid: 9, tid: 10 }];
  assertEquals(target({ pids: "9" }), {
    kind: "tasks",
    tasks: { kind: "threads", threads, alone: false },
    online,
  });
  assertEquals(target({ tids: "10" }), {
    kind: "tasks",
    tasks: { kind: "threads", threads: [{ pid: 9, tid: 10 }], alone: true },
    online,
  });
  assertEquals(target({ cpus: "0,2" }), { kind: "cpus", cpus: [0, 2] });
  assertEquals(target({ allCpus: true }), { kind: "cpus", cpus: online, all: true });
});

Deno.test("CPUs may be counted while a command runs", () => {
  assertEquals(target({ cpus: "1", command: ["make"] }), { kind: "cpus", cpus: [1] });
  assertEquals(target({ allCpus: true, command: ["make"] }).kind, "cpus");
});

Deno.test("no target, several, and lists that are none are refused as wrong usage", () => {
  const cases: [options: Partial<BindTargetOptions>, text: string][] = [
    [{}, "no target: give -- COMMAND, -p PID, --tid TID, -C CPULIST or -a"],
    [{ pids: "9", cpus: "0" }, "-p and -C exclude each other"],
    [{ tids: "9", allCpus: true }, "--tid and -a exclude each other"],
    [{ pids: "9", command: ["make"] }, "-p and a command exclude each other"],
    [{ tids: "9", command: ["make"] }, "--tid and a command exclude each other"],
    [{ pids: "9;10" }, "-p '9;10': expected numbers separated by commas"],
    [{ tids: "" }, "--tid '': expected numbers separated by commas"],
    [{ cpus: "0-" }, "-C '0-': expected a list of CPUs such as 0-3,6"],
  ];
  for (const [options, text] of cases) assertThrows(() => target(options), UsageError, text);
});

Deno.test("a process, thread or CPU that is not there is told with what there is", () => {
  assertThrows(
    () => target({ pids: "9,7" }),
    UnsupportedError,
    "cannot count on pid 7: there is no such process",
  );
  assertThrows(
    () => target({ tids: "7" }),
    UnsupportedError,
    "cannot count on thread 7: there is no such thread",
  );
  const error = assertThrows(
    () => target({ cpus: "1-3" }),
    CpcError,
    "cannot count on CPU 3: it does not exist",
  );
  assertStringIncludes(error.message, "(0,1,2)");
});
