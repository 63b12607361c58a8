import { assertEquals } from "@std/assert";
import type { KernelFiles } from "../../../lib/events/files.ts";
import { FEATURE } from "../../../lib/perfdata/format/features.ts";
import { encodeFeatures } from "../../../lib/perfdata/format/feature_encoders.ts";
import { readMachine } from "../../../lib/record/host/machine.ts";

/** A tree of files by path; directories are what their paths say. */
function tree(files: Record<string, string>): KernelFiles {
  return {
    read: (path) => files[path],
    list: (path) => {
      const inside = Object.keys(files).filter((file) => file.startsWith(`${path}/`));
      const names = inside.map((file) => file.slice(path.length + 1).split("/")[0]);
      return names.length > 0 ? [...new Set(names)].sort() : undefined;
    },
  };
}

const CPU = "/sys/devices/system/cpu";
const PMU = "/sys/bus/event_source/devices";

/** Four CPUs, the last of them off; two threads a core. */
const FILES: Record<string, string> = {
  [`${CPU}/online`]: "0-2",
  [`${CPU}/present`]: "0-3",
  "/sys/devices/system/node/online": "0",
  "/sys/devices/system/node/node0/cpulist": "0-2",
  "/sys/devices/system/node/node0/meminfo": "Node 0 MemTotal:  1000 kB\nNode 0 MemFree:   400 kB",
  "/sys/devices/system/node/node0/memory0/state": "online",
  "/sys/devices/system/node/node0/memory65/state": "online",
  "/sys/devices/system/memory/block_size_bytes": "8000000",
  [`${PMU}/cpu/type`]: "4",
  [`${PMU}/cpu/caps/max_precise`]: "3",
  [`${PMU}/software/type`]: "1",
};
for (const [cpu, core, siblings] of [[0, 0, "0-1"], [1, 0, "0-1"], [2, 1, "2"]] as const) {
  const topology = `${CPU}/cpu${cpu}/topology`;
  FILES[`${topology}/core_id`] = `${core}`;
  FILES[`${topology}/physical_package_id`] = "0";
  FILES[`${topology}/die_id`] = "0";
  FILES[`${topology}/core_siblings_list`] = "0-2"; // an older kernel's name
  FILES[`${topology}/core_cpus_list`] = siblings;
  const cache = { level: "1", coherency_line_size: "64", number_of_sets: "64", ways_of_associativity: "8" };
  for (
    const [name, value] of Object.entries({ ...cache, type: "Data", size: "32K", shared_cpu_list: siblings })
  ) {
    FILES[`${CPU}/cpu${cpu}/cache/index0/${name}`] = value;
  }
}

Deno.test("readMachine() reads CPUs, caches, memory and PMUs, each sharing told once", () => {
  const machine = readMachine(tree(FILES));
  assertEquals(machine.cpuTopology, {
    coreSiblings: ["0-2"],
    threadSiblings: ["0-1", "2"],
    dieSiblings: [],
    cpus: [
      { core: 0, socket: 0, die: 0 },
      { core: 0, socket: 0, die: 0 },
      { core: 1, socket: 0, die: 0 },
      { core: 0xffffffff, socket: 0xffffffff, die: 0xffffffff },
    ],
  });
  assertEquals(machine.numaTopology, [{ node: 0, totalKb: 1000, freeKb: 400, cpus: "0-2" }]);
  assertEquals(machine.caches?.map(({ level, type, cpus }) => [level, type, cpus]), [
    [1, "Data", "0-1"],
    [1, "Data", "2"],
  ]);
  assertEquals(machine.memoryTopology, { blockBytes: 0x8000000n, nodes: [{ node: 0, blocks: [0, 65] }] });
  assertEquals(machine.pmuMappings, new Map([[4, "cpu"], [1, "software"]]));
  assertEquals(machine.cpuPmuCaps, new Map([["max_precise", "3"]]));
});

Deno.test("readMachine() leaves out what a machine does not tell", () => {
  assertEquals(readMachine(tree({})), {});
  const denied: KernelFiles = {
    read: () => {
      throw new Deno.errors.PermissionDenied();
    },
    list: () => {
      throw new Deno.errors.PermissionDenied();
    },
  };
  assertEquals(readMachine(denied), {});
});

Deno.test("encodeFeatures() puts memory blocks into 64-bit words, their size twice as perf reads it", () => {
  const memoryTopology = { blockBytes: 0x8000000n, nodes: [{ node: 3, blocks: [0, 65] }] };
  const [{ number, payload }] = encodeFeatures({ memoryTopology });
  assertEquals(number, FEATURE.MEM_TOPOLOGY);
  assertEquals([...new BigUint64Array(payload.slice().buffer)], [1n, 0x8000000n, 1n, 3n, 66n, 66n, 1n, 2n]);
});
