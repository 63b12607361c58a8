/** What a pid namespace of one's own looks like from inside; this process and its /proc are of one namespace. */

import { assertEquals } from "@std/assert";
import {
  isForeignProc,
  isNestedPidNamespace,
  missingTask,
  processFolder,
} from "../../../lib/base/files/pid_namespace.ts";

Deno.test("every pid namespace but the machine's first is a nested one", () => {
  assertEquals(isNestedPidNamespace("pid:[4026531836]"), false);
  assertEquals(isNestedPidNamespace("pid:[4026532190]"), true);
  assertEquals(isNestedPidNamespace(undefined), false); // no /proc, or a kernel without them
});

Deno.test("where /proc is of this pid namespace, a process is looked for under its pid", () => {
  assertEquals([isForeignProc(), processFolder(12), processFolder("self")], [
    false,
    "/proc/12",
    "/proc/self",
  ]);
  assertEquals(missingTask("thread").cause, "there is no such thread");
});
