import { assertEquals } from "@std/assert";
import { fingerprintDifferences, readFingerprint } from "../../../lib/check/baseline/fingerprint.ts";

function filesOf(files: Record<string, string>) {
  return { read: (path: string) => files[path], list: () => undefined };
}

const HOST = { arch: "x86_64", tool: "pmuctl 0.1.0" };

Deno.test("readFingerprint() reads a virtual machine with a container in it", () => {
  const files = filesOf({
    "/proc/cpuinfo": "processor\t: 0\nmodel name\t: AMD EPYC 7763\nflags\t\t: fpu hypervisor lahf_lm",
    "/sys/devices/system/cpu/online": "0-3",
    "/proc/sys/kernel/osrelease": "6.5.0-azure",
    "/sys/class/dmi/id/sys_vendor": "Microsoft Corporation",
    "/sys/class/dmi/id/product_name": "Virtual Machine",
    "/.dockerenv": " ",
  });
  assertEquals(readFingerprint(files, HOST), {
    arch: "x86_64",
    cores: "4",
    cpu: "AMD EPYC 7763",
    governor: "none",
    kernel: "6.5.0-azure",
    tool: "pmuctl 0.1.0",
    virtualization: "Microsoft Corporation Virtual Machine, docker",
  });
});

Deno.test("readFingerprint() reads governors, and says what is not known", () => {
  const files = filesOf({
    "/sys/devices/system/cpu/online": "0-1",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave",
    "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance",
    "/proc/cpuinfo": "CPU implementer\t: 0x41\nCPU part\t: 0xd0c",
  });
  const { governor, cpu, kernel, virtualization } = readFingerprint(files, HOST);
  assertEquals([governor, cpu, kernel, virtualization], [
    "performance,powersave",
    "0x41 0xd0c",
    "unknown",
    "none",
  ]);
});

Deno.test("fingerprintDifferences() names what differs, with both values", () => {
  const a = readFingerprint(filesOf({ "/proc/sys/kernel/osrelease": "6.1" }), HOST);
  const b = readFingerprint(filesOf({ "/proc/sys/kernel/osrelease": "6.12" }), HOST);
  assertEquals(fingerprintDifferences(a, a), []);
  assertEquals(fingerprintDifferences(a, b), ["kernel: 6.1 in the baseline, 6.12 here"]);
});
