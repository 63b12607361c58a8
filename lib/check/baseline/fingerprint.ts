/**
 * Fingerprint of a machine: its properties that affect measurements. Baselines from machines with another one are not
 * comparable.
 */

import { procField } from "../../base/text/proc_text.ts";
import { parseCpuList } from "../../base/text/cpu_list.ts";
import { type KernelFiles, readIfAllowed } from "../../events/files.ts";

/**
 * Properties by name, in the order in which they are shown and stored. Every value is a text, `none` or `unknown` if
 * need be.
 */
export interface Fingerprint {
  arch: string;
  cores: string;
  cpu: string;
  governor: string;
  kernel: string;
  tool: string;
  virtualization: string;
}

/** Names of the properties, in order. */
export const FINGERPRINT_KEYS = [
  "arch",
  "cores",
  "cpu",
  "governor",
  "kernel",
  "tool",
  "virtualization",
] as const satisfies readonly (keyof Fingerprint)[];

/** Properties on which counts under valgrind depend: it has a CPU of its own, and counts nothing in the kernel. */
export const VALGRIND_KEYS = ["arch", "tool"] as const satisfies readonly (keyof Fingerprint)[];

/** Files that exist in containers of these kinds. */
const CONTAINER_MARKS = [["docker", "/.dockerenv"], ["podman", "/run/.containerenv"]] as const;

/** Reads the fingerprint from /proc and /sys. `tool` is this program with its version. */
export function readFingerprint(
  files: KernelFiles,
  { arch, tool }: { arch: string; tool: string },
): Fingerprint {
  const read = (path: string) => readIfAllowed(files, path) || undefined;
  const cpuinfo = read("/proc/cpuinfo") ?? "";
  const field = (name: string) => procField(cpuinfo, name) || undefined;
  // ARM's cpuinfo has only numbers
  const armParts = ["CPU implementer", "CPU part"].map(field).filter((part) => part !== undefined);
  const online = parseCpuList(read("/sys/devices/system/cpu/online") ?? "");
  return {
    arch,
    cores: online.length ? `${online.length}` : "unknown",
    cpu: field("model name") ?? (armParts.join(" ") || "unknown"),
    governor: governors(read, online),
    kernel: read("/proc/sys/kernel/osrelease") ?? "unknown",
    tool,
    virtualization: virtualization(read, / hypervisor\b/.test(cpuinfo)),
  };
}

type Read = (path: string) => string | undefined;

/** Returns the governors of all CPUs: one name when they agree. */
function governors(read: Read, cpus: readonly number[]): string {
  const names = cpus.map((cpu) =>
    read(`/sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_governor`) ?? "none"
  );
  return [...new Set(names)].sort().join(",") || "none";
}

/** Returns the hypervisor, by the firmware's name for the machine, and the kind of container in it. */
function virtualization(read: Read, hasHypervisor: boolean): string {
  const vendor = [read("/sys/class/dmi/id/sys_vendor"), read("/sys/class/dmi/id/product_name")]
    .filter((name) => name !== undefined).join(" ");
  const machine = hasHypervisor ? read("/sys/hypervisor/type") ?? (vendor || "hypervisor") : undefined;
  const container = CONTAINER_MARKS.find(([, mark]) => read(mark) !== undefined)?.[0];
  return [machine, container].filter((name) => name !== undefined).join(", ") || "none";
}

/**
 * Returns the differences between two machines: `kernel: 6.1.0 in the baseline, 6.12.0 here`. Empty when there are
 * none.
 * @param keys properties that matter.
 */
export function fingerprintDifferences(
  baseline: Fingerprint,
  here: Fingerprint,
  keys: readonly (keyof Fingerprint)[] = FINGERPRINT_KEYS,
): string[] {
  return keys.filter((key) => baseline[key] !== here[key])
    .map((key) => `${key}: ${baseline[key]} in the baseline, ${here[key]} here`);
}
