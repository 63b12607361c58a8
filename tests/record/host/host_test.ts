import { assertEquals } from "@std/assert";
import { readHost } from "../../../lib/record/host/host.ts";

const FILES: Record<string, string> = {
  "/proc/cpuinfo": "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n" +
    "model name\t: AMD EPYC\nstepping\t: 1\n",
  "/proc/sys/kernel/hostname": "box\n",
  "/proc/sys/kernel/osrelease": "6.1.0\n",
  "/proc/meminfo": "MemTotal:       24684096 kB\nMemFree: 1 kB\n",
  "/sys/devices/system/cpu/online": "0-1,3\n",
  "/sys/devices/system/cpu/present": "0-3\n",
};

Deno.test("readHost() reads an x86 machine as perf describes it", () => {
  assertEquals(readHost((path) => FILES[path], "x86_64"), {
    hostname: "box",
    osrelease: "6.1.0",
    arch: "x86_64",
    cpusOnline: 3,
    cpusAvailable: 4,
    cpudesc: "AMD EPYC",
    cpuid: "AuthenticAMD,25,1,1",
    totalMemoryKb: 24684096,
  });
});

Deno.test("readHost() reads an arm64 machine, which names no model, and one that tells nothing", () => {
  const midr = "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1";
  const arm = readHost((path) => path === midr ? "0x00000000410fd083\n" : undefined, "aarch64");
  assertEquals([arm.cpuid, arm.cpudesc, arm.hostname, arm.cpusOnline], ["0x00000000410fd083", "", "", 0]);
});
