import { assertEquals } from "@std/assert";
import type { KernelFiles } from "../../lib/events/files.ts";
import { parseWrittenCpus } from "../../lib/base/text/cpu_list.ts";
import { onlineCpus } from "../../lib/events/sysfs.ts";

const filesOf = (online: string | undefined): KernelFiles => ({
  read: (path) => path === "/sys/devices/system/cpu/online" ? online : undefined,
  list: () => undefined,
});

Deno.test("onlineCpus() is never empty", () => {
  assertEquals(onlineCpus(filesOf("0-1,3")), [0, 1, 3]);
  assertEquals(onlineCpus(filesOf(undefined)), [0]);
});

Deno.test("parseWrittenCpus() gives each CPU once, and takes nothing else for a list", () => {
  assertEquals(parseWrittenCpus("3,0-1,0"), [0, 1, 3]);
  for (const text of ["", "x", "0-", "1,,2", "0-9999999999", "-1"]) {
    assertEquals(parseWrittenCpus(text), undefined);
  }
});
