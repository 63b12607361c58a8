/**
 * Reads the topology of the machine for a perf.data file: CPUs, caches, memory nodes, PMUs. All of it comes from sysfs,
 * as in perf (tools/perf/util/header.c, cputopo.c, pmus.c); what is not there is left out.
 */

import { type KernelFiles, readIfAllowed, readNumber } from "../../events/files.ts";
import { parseCpuList } from "../../base/text/cpu_list.ts";
import { PMU_ROOT } from "../../events/sysfs.ts";
import type {
  CacheLevel,
  FeatureValues,
  MemoryNode,
  NumaNode,
} from "../../perfdata/format/feature_encoders.ts";

/** Features of a perf.data file that describe the machine's topology. */
export type Machine = Pick<
  FeatureValues,
  "cpuTopology" | "numaTopology" | "caches" | "memoryTopology" | "pmuMappings" | "cpuPmuCaps"
>;

const CPUS = "/sys/devices/system/cpu";
const NODES = "/sys/devices/system/node";
const MEMORY = "/sys/devices/system/memory";

/** Reads the topology. Throws nothing. */
export function readMachine(files: KernelFiles): Machine {
  const online = parseCpuList(text(files, `${CPUS}/online`));
  return {
    ...some("cpuTopology", online.length > 0 ? cpuTopology(files, online) : undefined),
    ...some("numaTopology", orNone(numaNodes(files))),
    ...some("caches", orNone(caches(files, online))),
    ...some("memoryTopology", memoryTopology(files)),
    ...some("pmuMappings", pmuMappings(files)),
    ...some("cpuPmuCaps", pmuCaps(files)),
  };
}

function cpuTopology(files: KernelFiles, online: readonly number[]): Machine["cpuTopology"] {
  const available = parseCpuList(text(files, `${CPUS}/present`)).length || online.length;
  const topology = (cpu: number, file: string) => text(files, `${CPUS}/cpu${cpu}/topology/${file}`);
  // Linux 5.3 renamed the lists: the newer name first
  const lists = (newer: string, older: string) =>
    distinct(online.map((cpu) => topology(cpu, newer) || topology(cpu, older)));
  const id = (cpu: number, file: string) => Number(topology(cpu, file) || -1) >>> 0; // -1 for a CPU that is off
  return {
    coreSiblings: lists("package_cpus_list", "core_siblings_list"),
    threadSiblings: lists("core_cpus_list", "thread_siblings_list"),
    dieSiblings: lists("die_cpus_list", "package_cpus_list"),
    cpus: Array.from({ length: available }, (_, cpu) => ({
      core: id(cpu, "core_id"),
      socket: id(cpu, "physical_package_id"),
      die: id(cpu, "die_id"),
    })),
  };
}

function numaNodes(files: KernelFiles): NumaNode[] {
  return parseCpuList(text(files, `${NODES}/online`)).map((node) => {
    const meminfo = text(files, `${NODES}/node${node}/meminfo`);
    const kB = (field: string) => Number(new RegExp(`${field}:\\s*(\\d+)`).exec(meminfo)?.[1] ?? 0);
    return {
      node,
      totalKb: kB("MemTotal"),
      freeKb: kB("MemFree"),
      cpus: text(files, `${NODES}/node${node}/cpulist`),
    };
  });
}

/** Returns each cache once, by level: CPUs that share a cache describe it alike. */
function caches(files: KernelFiles, online: readonly number[]): CacheLevel[] {
  const found = new Map<string, CacheLevel>();
  for (const cpu of online) {
    const folder = `${CPUS}/cpu${cpu}/cache`;
    for (const index of list(files, folder).filter((name) => /^index\d+$/.test(name))) {
      const file = (name: string) => text(files, `${folder}/${index}/${name}`);
      const level: CacheLevel = {
        level: Number(file("level")),
        lineSize: Number(file("coherency_line_size")),
        sets: Number(file("number_of_sets")),
        ways: Number(file("ways_of_associativity")),
        type: file("type"),
        size: file("size"),
        cpus: file("shared_cpu_list"),
      };
      found.set(JSON.stringify(level), level);
    }
  }
  return [...found.values()].sort((a, b) => a.level - b.level);
}

/** Returns the memory blocks, of equal size, on each node; undefined where the kernel has no memory hotplug. */
function memoryTopology(files: KernelFiles): Machine["memoryTopology"] {
  const size = text(files, `${MEMORY}/block_size_bytes`); // hex, without 0x
  if (!/^[0-9a-f]+$/.test(size)) return undefined;
  const nodes = parseCpuList(text(files, `${NODES}/online`)).map((node): MemoryNode => ({
    node,
    blocks: list(files, `${NODES}/node${node}`).flatMap((name) => /^memory(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number).sort((a, b) => a - b),
  }));
  return { blockBytes: BigInt(`0x${size}`), nodes };
}

function pmuMappings(files: KernelFiles): ReadonlyMap<number, string> | undefined {
  const types = new Map<number, string>();
  for (const name of list(files, PMU_ROOT)) {
    const type = readNumber(files, `${PMU_ROOT}/${name}/type`);
    if (type !== undefined) types.set(type, name);
  }
  return types.size > 0 ? types : undefined;
}

function pmuCaps(files: KernelFiles): Machine["cpuPmuCaps"] {
  const names = list(files, `${PMU_ROOT}/cpu/caps`);
  return names.length > 0
    ? new Map(names.map((name) => [name, text(files, `${PMU_ROOT}/cpu/caps/${name}`)]))
    : undefined;
}

function text(files: KernelFiles, path: string): string {
  return readIfAllowed(files, path) ?? "";
}

function list(files: KernelFiles, path: string): string[] {
  try {
    return files.list(path) ?? [];
  } catch {
    return []; // what cannot be read is left out of the description
  }
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((each) => each !== ""))];
}

function orNone<T>(items: T[]): T[] | undefined {
  return items.length > 0 ? items : undefined;
}

function some<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : { [key]: value } as { [P in K]?: V };
}
