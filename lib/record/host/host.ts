/** Reads the description of the machine that a perf.data file was made on. */

import { parseCpuList } from "../../base/text/cpu_list.ts";
import { procField } from "../../base/text/proc_text.ts";
import type { ReadText } from "./procfs.ts";

/** Machine and kernel, as the header of a perf.data file describes them. */
export interface Host {
  hostname: string;
  osrelease: string;
  /** Architecture as uname -m prints it: `x86_64`, `aarch64`. */
  arch: string;
  cpusOnline: number;
  cpusAvailable: number;
  /** Marketing name of the CPU, or "" when unknown. */
  cpudesc: string;
  /** CPU as perf's event tables name it: `GenuineIntel,6,158,10`, `0x00000000410fd083`; or "". */
  cpuid: string;
  /** MemTotal, in kilobytes. */
  totalMemoryKb: number;
}

/** Reads the host from /proc and /sys; what cannot be read is empty or 0. */
export function readHost(text: ReadText, arch: string): Host {
  const cpuinfo = text("/proc/cpuinfo") ?? "";
  const field = (name: string) => procField(cpuinfo, name) ?? "";
  const x86 = [field("vendor_id"), field("cpu family"), field("model"), field("stepping")];
  const midr = text("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1")?.trim() ?? "";
  return {
    hostname: text("/proc/sys/kernel/hostname")?.trim() ?? "",
    osrelease: text("/proc/sys/kernel/osrelease")?.trim() ?? "",
    arch,
    cpusOnline: parseCpuList(text("/sys/devices/system/cpu/online") ?? "").length,
    cpusAvailable: parseCpuList(text("/sys/devices/system/cpu/present") ?? "").length,
    cpudesc: field("model name") || field("Processor"),
    cpuid: x86[0] ? x86.join(",") : midr,
    totalMemoryKb: parseInt(procField(text("/proc/meminfo") ?? "", "MemTotal") ?? "0"),
  };
}
