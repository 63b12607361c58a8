/** Captured sysfs and tracefs trees, and the KernelFiles that read them. */

import type { KernelFiles } from "../../lib/events/files.ts";
import type { EventWorld } from "../../lib/events/resolve.ts";
import { Pmus } from "../../lib/events/sysfs.ts";
import { Tracepoints } from "../../lib/events/tracepoints.ts";

/** Directories as objects, files as strings; `denied` may not be read. */
export interface Tree {
  [name: string]: Tree | string | typeof denied;
}

export const denied = Symbol("permission denied");

/** Files of a tree whose top names are absolute paths. */
export function treeFiles(tree: Tree): KernelFiles {
  const walk = (path: string): Tree | string | undefined => {
    const top = Object.keys(tree).find((root) => path === root || path.startsWith(root + "/"));
    if (top === undefined) return undefined;
    let node: Tree | string | typeof denied | undefined = tree[top];
    for (const part of path.slice(top.length + 1).split("/").filter((p) => p !== "")) {
      if (node === denied) break;
      node = typeof node === "object" ? node[part] : undefined;
    }
    if (node === denied) throw new Deno.errors.PermissionDenied(path);
    return node as Tree | string | undefined;
  };
  return {
    read: (path) => {
      const node = walk(path);
      return typeof node === "string" ? node.trim() : undefined;
    },
    list: (path) => {
      const node = walk(path);
      return typeof node === "object" ? Object.keys(node).sort() : undefined;
    },
  };
}

/** The world of a machine whose PMUs are `pmus`, with a few tracepoints. */
export function worldOf(pmus: Tree): EventWorld {
  const files = treeFiles({
    "/sys/bus/event_source/devices": pmus,
    "/sys/kernel/tracing/events": TRACEPOINTS,
    "/proc/self/mounts": "none /sys/kernel/tracing tracefs rw,relatime 0 0\n",
  });
  return { pmus: new Pmus(files), tracepoints: new Tracepoints(files) };
}

export const TRACEPOINTS: Tree = {
  enable: "0\n",
  header_event: "",
  header_page: "",
  sched: {
    enable: "0\n",
    filter: "none\n",
    sched_switch: { id: "372\n" },
    sched_wakeup: { id: "375\n" },
    sched_waking: { id: "376\n" },
  },
  syscalls: { enable: "0\n", filter: "none\n", sys_enter_openat: { id: "600\n" } },
};

/** The virtual machine without a PMU that the tests were written on. */
export const VIRTUAL_MACHINE: Tree = {
  breakpoint: { type: "5\n", perf_event_mux_interval_ms: "4\n" },
  msr: { type: "9\n", format: { event: "config:0-63\n" }, events: { tsc: "event=0x00\n" } },
  software: { type: "1\n" },
  tracepoint: { type: "2\n" },
  uprobe: { type: "8\n", format: { ref_ctr_offset: "config:32-63\n", retprobe: "config:0\n" } },
};

/** An Intel server: fields in several words, an uncore PMU for each memory channel, and RAPL. */
export const INTEL_SERVER: Tree = {
  ...VIRTUAL_MACHINE,
  cpu: {
    type: "4\n",
    caps: { branches: "32\n", max_precise: "3\n", pmu_name: "icelake\n" },
    format: {
      any: "config:21\n",
      cmask: "config:24-31\n",
      edge: "config:18\n",
      event: "config:0-7\n",
      frontend: "config1:0-23\n",
      inv: "config:23\n",
      ldlat: "config1:0-15\n",
      offcore_rsp: "config1:0-63\n",
      pc: "config:19\n",
      umask: "config:8-15\n",
    },
    events: {
      "cpu-cycles": "event=0x3c\n",
      "instructions": "event=0xc0\n",
      "mem-loads": "event=0xcd,umask=0x1,ldlat=3\n",
      "topdown-retiring": "event=0x00,umask=0x80\n",
    },
  },
  power: {
    type: "12\n",
    cpumask: "0,16\n",
    format: { event: "config:0-7\n" },
    events: {
      "energy-pkg": "event=0x02\n",
      "energy-pkg.scale": "2.3283064365386962890625e-10\n",
      "energy-pkg.unit": "Joules\n",
    },
  },
  uncore_imc_0: imc(14),
  uncore_imc_1: imc(15),
};

function imc(type: number): Tree {
  return {
    type: `${type}\n`,
    cpumask: "0,16\n",
    format: { event: "config:0-7\n", umask: "config:8-15\n", thresh: "config:24-31\n" },
    events: {
      "cas_count_read": "event=0x04,umask=0x0f\n",
      "cas_count_read.scale": "6.103515625e-5\n",
      "cas_count_read.unit": "MiB\n",
      "clockticks": "event=0x00\n",
    },
  };
}

/** An Intel hybrid: P cores 0-3, E cores 4-7. */
export const INTEL_HYBRID: Tree = {
  ...VIRTUAL_MACHINE,
  cpu_core: {
    type: "4\n",
    cpus: "0-3\n",
    format: { event: "config:0-7\n", umask: "config:8-15\n" },
    events: { "cpu-cycles": "event=0x3c\n", "mem-loads": "event=0xcd,umask=0x1\n" },
  },
  cpu_atom: {
    type: "10\n",
    cpus: "4-7\n",
    format: { event: "config:0-7\n", umask: "config:8-15\n" },
    events: { "cpu-cycles": "event=0x3c\n" },
  },
};

/** AMD: an event code of twelve bits, the upper four far from the lower eight. */
export const AMD: Tree = {
  ...VIRTUAL_MACHINE,
  cpu: {
    type: "4\n",
    format: {
      cmask: "config:24-31\n",
      event: "config:0-7,32-35\n",
      umask: "config:8-15\n",
    },
    events: { "branch-misses": "event=0xc3\n" },
  },
};

/** A one-cluster ARM machine. */
export const ARM: Tree = {
  armv8_pmuv3_0: {
    type: "8\n",
    cpus: "0-3\n",
    format: { event: "config:0-15\n", long: "config1:0\n" },
    events: { cpu_cycles: "event=0x0011\n", inst_retired: "event=0x0008\n" },
  },
  software: { type: "1\n" },
};

/** A PMU whose events take a parameter, as POWER's hv_24x7 has them. */
export const PARAMETERS: Tree = {
  hv_24x7: {
    type: "20\n",
    format: { domain: "config:0-3\n", core: "config:16-31\n", offset: "config:32-63\n" },
    events: { PM_CYC: "domain=2,offset=0xe0,core=?\n" },
  },
};
