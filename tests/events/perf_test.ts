/** perf as the oracle: for each event string, the attrs that perf opens are those that resolveEvents() makes. */

import { assertEquals, assertNotEquals } from "@std/assert";
import { resolveEvents } from "../../lib/events/resolve.ts";
import { testNeeding } from "../needs.ts";

const TEXTS = [
  ...["", "u", "k", "h", "uk", "G", "H", "GH", "uG", "kH", "I", "p", "upp", "ppp", "S", "D", "e", "ukh"]
    .map((modifiers) => modifiers ? `cpu-clock:${modifiers}` : "cpu-clock"),
  "cycles:upp",
  "instructions,branches,branch-misses,ref-cycles,bus-cycles",
  "cache-references,cache-misses,stalled-cycles-frontend,idle-cycles-backend",
  "task-clock,faults,cs,migrations,minor-faults,major-faults,alignment-faults,emulation-faults,cgroup-switches",
  "L1-dcache-loads,L1-dcache-load-misses,LLC-misses-load,dTLB-stores,iTLB,bpu-misses,node-prefetches",
  "r1A8:u,rffffffffffffffff",
  "{cpu-clock:k,task-clock}:u,{cpu-clock:k,task-clock:u}:p,{cpu-clock,dummy}:S,dummy",
  "cpu-clock , dummy",
  "mem:0x1000,mem:0x1000/8,mem:0x1000:x:u,mem:0x1000:rw:k,mem:0x1000/1:w",
  "software/config=2/k,software/r1/,cpu-clock//,cpu-clock//u,cpu-clock/name=mine/u",
];
const TRACEPOINTS = ["sched:sched_switch:k", "sched:sched_wak*:u", "syscalls:sys_enter_open*"];

/** The fields of an attr that an event string decides, under perf's names for them. */
type Fields = Record<string, bigint>;

/** The first attempt for each event of `perf stat -vv`, which prints an attr's fields that are not 0. */
async function attrsOfPerf(text: string): Promise<Fields[]> {
  const { stderr } = await new Deno.Command("perf", {
    args: ["stat", "-vv", "-e", text, "true"],
    stdout: "null",
    stderr: "piped",
    env: { LC_ALL: "C" },
  }).output();
  const blocks = new TextDecoder().decode(stderr).split(/^perf_event_attr:$/m).slice(1);
  return blocks.map((block) => {
    const fields: Fields = {};
    for (const line of block.split(/^-{20,}$/m)[0].split("\n")) {
      const match = /^\s+(?:\{ \w+, (\w+) \}|(\w+))\s+(0x[0-9a-f]+|\d+)$/.exec(line);
      const name = match?.[1] ?? match?.[2];
      if (name && COMPARED.includes(name)) fields[name] = BigInt(match![3]);
    }
    return fields;
  });
}

const FLAGS = {
  excludeUser: "exclude_user",
  excludeKernel: "exclude_kernel",
  excludeHv: "exclude_hv",
  excludeIdle: "exclude_idle",
  excludeHost: "exclude_host",
  excludeGuest: "exclude_guest",
  pinned: "pinned",
  exclusive: "exclusive",
} as const;
const COMPARED: string[] = [
  "type",
  "config",
  "config1",
  "config2",
  "precise_ip",
  "bp_type",
  ...Object.values(FLAGS),
];

function attrsOfOurs(text: string): Fields[] {
  return resolveEvents(text).flatMap((group) => group.events).map(({ attr }) => {
    const all: Fields = {
      type: BigInt(attr.type),
      config: attr.config,
      config1: attr.config1,
      config2: attr.config2,
      precise_ip: BigInt(attr.preciseIp),
      bp_type: BigInt(attr.bpType),
    };
    for (const [flag, name] of Object.entries(FLAGS)) {
      if (attr.flags.has(flag as keyof typeof FLAGS)) all[name] = 1n;
    }
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== 0n));
  });
}

for (const text of TEXTS) {
  // where events of the kernel are refused, perf tries each again without them
  testNeeding(["perf", "kernelEvents"], `resolveEvents() makes of '${text}' what perf opens`, async () => {
    assertEquals(attrsOfOurs(text), await attrsOfPerf(text));
  });
}

for (const text of TRACEPOINTS) {
  // root, so that perf can mount tracefs where it is not mounted
  testNeeding(["perf", "root"], `resolveEvents() makes of tracepoint '${text}' what perf opens`, async () => {
    const theirs = await attrsOfPerf(text);
    assertNotEquals(theirs, []);
    // perf takes the directory's order, we the names'
    const byId = (attrs: Fields[]) => attrs.sort((a, b) => Number(a.config - b.config));
    assertEquals(byId(attrsOfOurs(text)), byId(theirs));
  });
}
