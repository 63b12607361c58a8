/** Stacks unwound from rings in memory, through programs on disk. */

import { assert, assertEquals } from "@std/assert";
import { PERF_CONTEXT, PERF_RECORD_MISC } from "../../../lib/base/system/abi.ts";
import { concat } from "../../../lib/base/bytes/bytes.ts";
import { describeEvent, EventTable } from "../../../lib/perfdata/format/events.ts";
import { type EventOnCpus, fileEvents } from "../../../lib/record/open/open_on_cpus.ts";
import { LiveFiles } from "../../../lib/record/stacks/live_files.ts";
import { LiveStacks } from "../../../lib/record/stacks/live_stacks.ts";
import type { ObjectInfo } from "../../../lib/symbols/object/objects.ts";
import { testUnless } from "../../needs.ts";
import {
  chainsIn,
  FUNCTIONS,
  MadeMachine,
  MAPPED,
  OTHER_FUNCTIONS,
  STACK,
  unwoundEvent,
  WHOLE,
  WHOLE_CHAIN,
  writeProgram,
} from "./made_machine.ts";
import { MadePass, MadeRing } from "./made_rings.ts";

const OTHER_ARCH = Deno.build.arch !== "x86_64" && "it needs x86_64";
const KERNEL_CODE = -0x7eff0000;
/** Chain of a sample in a process that maps nothing there. */
const NOWHERE = "u 1050 [its return address is in no code]";
/** Pids that no process has: beyond the largest pid_max. */
const PID = 5_000_001, CHILD = 5_000_002, RECORDER = 5_000_003;

interface Setting {
  folder: string;
  machine: MadeMachine;
  opened: EventOnCpus[];
  stacks: LiveStacks;
  /** Two rings. */
  pass: MadePass;
  rings: MadeRing[];
  /** Takes what is in the rings, and returns the chains of all samples so far. */
  chains(): string[];
}

function testLive(name: string, body: (setting: Setting) => void, more: readonly EventOnCpus[] = []): void {
  testUnless(OTHER_ARCH, name, () => {
    const folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" });
    const machine = new MadeMachine(unwoundEvent("cpu-clock:u", [7n, 8n])), opened = [machine.event, ...more];
    const stacks = new LiveStacks(opened, machine.places, { ownPid: RECORDER });
    const rings = [new MadeRing(), new MadeRing()], pass = new MadePass(...rings);
    const chains = () => {
      assert(stacks.take(pass));
      return chainsIn(pass.records, opened);
    };
    try {
      writeProgram(`${folder}/program`);
      writeProgram(`${folder}/other`, OTHER_FUNCTIONS);
      body({ folder, machine, opened, stacks, pass, rings, chains });
    } finally {
      stacks.close();
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

/** Open descriptors of this process. */
function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

testLive("a sample is written with its callers, and all other records as they are", (s) => {
  const { machine, rings, pass, folder } = s;
  const others = [
    machine.mmap(1, PID, `${folder}/program`),
    machine.exec(2, PID, "program"),
    machine.exit(9, PID),
  ];
  rings[0].put(others[0], others[1], machine.sample(3, PID), others[2]);
  assertEquals(s.chains(), [WHOLE_CHAIN]);
  assertEquals(pass.records.filter((_, i) => i !== 2), others.map((record) => new Uint8Array(record)));
  assertEquals(s.stacks.counts, { unwound: 1, whole: 1 });
  assertEquals(rings[0].tail, rings[0].head);
});

testLive(
  "what ran already is known from the records in front",
  ({ machine, stacks, rings, folder, chains }) => {
    stacks.see([machine.fork(0, PID, 1), machine.mmap(0, PID, `${folder}/program`)]);
    stacks.see([machine.fork(0, CHILD, PID), machine.exec(0, CHILD, "a-name-that-makes-it-longer")]);
    rings[1].put(machine.sample(3, PID), machine.sample(4, CHILD));
    assertEquals(chains(), [WHOLE_CHAIN, WHOLE_CHAIN]);
  },
);

testLive("records of several CPUs are followed in the order of their times", (s) => {
  const { machine, rings: [first, second], folder } = s;
  // on CPU 1 the process is sampled before and after it maps, forks and ends on CPU 0
  first.put(machine.mmap(20, PID, `${folder}/program`), machine.fork(40, CHILD, PID), machine.exit(60, PID));
  second.put(machine.sample(10, PID), machine.sample(30, PID), machine.sample(35, CHILD));
  second.put(machine.sample(50, CHILD), machine.sample(55, PID));
  assertEquals(s.chains(), [NOWHERE, WHOLE_CHAIN, NOWHERE, WHOLE_CHAIN, WHOLE_CHAIN]);
});

testLive("a pass takes each ring's records in their order, whatever their times", (s) => {
  const { machine, rings: [first, second], pass, opened } = s;
  first.put(machine.sample(10, PID), machine.sample(30, PID));
  second.put(machine.sample(20, PID), machine.sample(20, PID), machine.sample(5, PID));
  s.chains();
  const [{ layout }] = fileEvents(opened).map(({ attr, ids }) => describeEvent(attr, ids));
  const timesOf = (ring: number) => {
    const bytes = concat(pass.given.filter((given) => given.ring === ring).map(({ bytes }) => bytes));
    const view = new DataView(bytes.buffer), times = [];
    for (let at = 0; at < bytes.length; at += view.getUint16(at + 6, true)) {
      times.push(Number(view.getBigUint64(at + layout.time, true)));
    }
    return times;
  };
  assertEquals([timesOf(0), timesOf(1)], [[10, 30], [20, 20, 5]]);
});

testLive("an exec brings other code to the same addresses", (s) => {
  const { machine, rings: [ring], folder } = s;
  const twice = { words: [1, 2, 3, 4, MAPPED + 0x1180, 5, 6, MAPPED + 0x1280] };
  ring.put(machine.mmap(1, PID, `${folder}/program`), machine.sample(2, PID));
  ring.put(machine.exec(3, PID, "other"), machine.mmap(4, PID, `${folder}/other`, { ino: 78n }));
  ring.put(machine.sample(5, PID, twice), machine.sample(6, PID));
  // the last stack looks as the one before the exec did
  assertEquals(s.chains(), [WHOLE_CHAIN, WHOLE_CHAIN, "u 1050 [the stack is corrupt]"]);
});

testLive("a pid that is used again has the maps of its new process", (s) => {
  const { machine, rings: [ring], folder } = s;
  const twice = { words: [1, 2, 3, 4, MAPPED + 0x1180, 5, 6, MAPPED + 0x1280] };
  ring.put(
    machine.fork(1, CHILD, PID),
    machine.mmap(2, CHILD, `${folder}/program`),
    machine.sample(3, CHILD),
  );
  ring.put(machine.exit(4, CHILD), machine.mmap(5, PID, `${folder}/other`, { ino: 78n }));
  ring.put(machine.fork(6, CHILD, PID), machine.sample(7, CHILD, twice));
  // and from a parent that maps nothing
  ring.put(machine.exit(8, CHILD), machine.fork(9, CHILD, PID + 5), machine.sample(10, CHILD, twice));
  assertEquals(s.chains(), [WHOLE_CHAIN, WHOLE_CHAIN, NOWHERE]);
});

testLive("a thread has the maps of its process", (s) => {
  const { machine, rings: [ring], folder } = s;
  ring.put(machine.mmap(1, PID, `${folder}/program`), machine.fork(2, PID, PID, CHILD));
  ring.put(machine.sample(3, PID, { tid: CHILD }), machine.exit(4, PID, CHILD), machine.sample(5, PID));
  assertEquals(s.chains(), [WHOLE_CHAIN, WHOLE_CHAIN]);
});

testLive("a file that is replaced or deleted while it runs is read as it was mapped", (s) => {
  const { machine, rings: [ring], folder } = s;
  const path = `${folder}/program`;
  ring.put(machine.mmap(1, Deno.pid, path), machine.sample(2, PID));
  assertEquals(s.chains(), [NOWHERE]);
  Deno.removeSync(path);
  writeProgram(path, OTHER_FUNCTIONS);
  ring.put(machine.sample(3, Deno.pid));
  assertEquals(s.chains().slice(1), [WHOLE_CHAIN]);
});

testLive("a file that its first process could not show is opened once another maps it", (s) => {
  const { machine, rings: [ring], folder } = s;
  const path = `${folder}/late`;
  ring.put(machine.mmap(1, PID, path), machine.sample(2, PID));
  assertEquals(s.chains(), ["u 1050 [the object cannot be read]"]);
  writeProgram(path, FUNCTIONS);
  ring.put(machine.mmap(3, Deno.pid, path), machine.sample(4, Deno.pid), machine.sample(5, PID));
  assertEquals(s.chains().slice(1), [WHOLE_CHAIN, WHOLE_CHAIN]);
});

testLive("files are held, read and closed: no descriptor is left", (s) => {
  const { machine, rings: [ring], pass, folder, stacks } = s, before = descriptors();
  for (let i = 0; i < 600; i++) {
    Deno.linkSync(`${folder}/program`, `${folder}/program-${i}`);
    ring.put(machine.mmap(10 * i, Deno.pid, `${folder}/program-${i}`, { ino: BigInt(100 + i) }));
    if (i % 3 === 0) ring.put(machine.sample(10 * i + 1, Deno.pid));
    if (i % 10 === 9) assert(stacks.take(pass)); // opening takes little time in each pass
  }
  const chains = s.chains();
  assertEquals(chains.filter((chain) => chain !== WHOLE_CHAIN), []);
  assertEquals(chains.length, 200);
  const held = descriptors() - before;
  assert(held >= 200 && held <= 256 + 256, `${held} descriptors`);
  stacks.close();
  assertEquals(descriptors(), before);
});

testLive("an event that came with a CPU is known by its id, and an unknown one is written as it is", (s) => {
  const { machine, rings: [ring], folder, opened, pass } = s;
  const unknown = machine.sample(3, PID, { id: 99n });
  ring.put(machine.mmap(1, PID, `${folder}/program`), machine.sample(2, PID, { id: 8n }), unknown);
  assert(s.stacks.take(pass));
  assertEquals(pass.records.at(-1), new Uint8Array(unknown));
  opened[0].places.push({ tid: -1, cpu: 2, fd: -1, id: 99n });
  ring.put(machine.sample(4, PID, { id: 99n }), machine.sample(5, PID, { id: 98n }));
  assert(s.stacks.take(pass));
  assertEquals(chainsIn(pass.records.slice(1, 2), opened), [WHOLE_CHAIN]);
  assertEquals(chainsIn(pass.records.slice(3, 4), opened), [WHOLE_CHAIN]);
  assertEquals(pass.records.at(-1), new Uint8Array(machine.sample(5, PID, { id: 98n })));
}, [unwoundEvent("page-faults:u", [17n, 18n])]);

/** An event whose samples have other registers, and one that has no stacks. */
const SMALL = unwoundEvent("page-faults:u", [17n], 0x180n);
const PLAIN: EventOnCpus = { ...unwoundEvent("context-switches:u", [27n]), unwound: undefined };
PLAIN.attr = { ...fileEvents([{ ...PLAIN, unwound: true }])[0].attr, flags: new Set(["sampleIdAll"]) };

testLive("each event's samples are read by its own layout", (s) => {
  const { machine, rings: [ring], folder, opened, pass } = s;
  const small = new MadeMachine(SMALL), plain = new MadeMachine(PLAIN);
  ring.put(machine.mmap(1, PID, `${folder}/program`));
  ring.put(
    small.sample(2, PID),
    plain.sample(3, PID, { chain: [PERF_CONTEXT.USER, 5, 6] }),
    machine.sample(4, PID),
  );
  assertEquals(s.chains(), [WHOLE_CHAIN, "u 5 6", WHOLE_CHAIN]);
  const table = new EventTable();
  for (const { attr, ids } of fileEvents(opened)) table.add(describeEvent(attr, ids));
  const events = pass.records.slice(1).map((record) =>
    table.ofSample(new Uint32Array(record.buffer), 0, record.length)
  );
  assertEquals(events, [1, 2, 0]);
}, [SMALL, PLAIN]);

testLive("callers in the kernel come first, and kernel threads have no others", (s) => {
  const { machine, rings: [ring], folder } = s;
  const inKernel = { ip: KERNEL_CODE, chain: [PERF_CONTEXT.KERNEL, KERNEL_CODE, KERNEL_CODE + 5] };
  const kernel = "k ffffffff81010000 ffffffff81010005";
  ring.put(machine.mmap(1, PID, `${folder}/program`), machine.sample(2, PID, inKernel));
  ring.put(machine.sample(3, PID, { ...inKernel, words: undefined, registers: undefined })); // PERF_SAMPLE_REGS_ABI_NONE
  ring.put(machine.sample(4, PID, { ...inKernel, registers: {} })); // about to start a program
  ring.put(
    machine.sample(5, PID, { mode: PERF_RECORD_MISC.GUEST_KERNEL }),
    machine.sample(6, PID, { mode: 0 }),
  );
  assertEquals(s.chains(), [`${kernel} ${WHOLE_CHAIN}`, kernel, kernel, "", ""]);
  assertEquals(s.stacks.counts, { unwound: 1, whole: 1 });
});

testLive("a stack that ends early says why", (s) => {
  const { machine, rings: [ring], folder } = s;
  ring.put(machine.mmap(1, PID, `${folder}/program`));
  const cut: Parameters<MadeMachine["sample"]>[2][] = [
    { words: WHOLE.slice(0, 4) },
    { words: [] },
    { words: WHOLE, abi: 1 }, // 32 bits
    { registers: { 8: MAPPED + 0x1050, 7: STACK + 2 ** 40 }, words: [9, 9, 9] },
    { registers: { 8: 5, 7: STACK } },
    { registers: { 8: MAPPED + 0x1850, 7: STACK, 6: 5 } },
  ];
  cut.forEach((fields, i) => ring.put(machine.sample(2 + i, PID, fields)));
  assertEquals(s.chains(), [
    "u 1050 117f [the stack copy is too short]",
    "u 1050 [no stack was copied]",
    "u [other machine]",
    "u 1050 [the stack is corrupt]",
    "u [the stack is corrupt]",
    "u 1850 [no unwind information]",
  ]);
  assertEquals(s.stacks.counts, { unwound: 6, whole: 0 });
});

testLive("code of processes outside the pid namespace is not known", (s) => {
  const { machine, rings: [ring], folder } = s, before = descriptors();
  ring.put(
    machine.mmap(1, 0, `${folder}/program`),
    machine.mmap(2, -1, "[kernel]", { misc: 1 }),
    machine.sample(3, 0),
  );
  assertEquals(s.chains(), [NOWHERE]);
  assertEquals(descriptors(), before);
});

testLive("a drain without room gets all of it later, and nothing twice", (s) => {
  const { machine, pass, folder, opened } = s;
  const rings = [new MadeRing(1 << 18, 2 ** 33), new MadeRing(1 << 18)];
  pass.rings.splice(0, 2, ...rings);
  pass.isLast = true;
  s.stacks.see([machine.mmap(0, PID, `${folder}/program`)]);
  let samples = 0;
  while (rings[0].head - rings[0].tail < 200_000) rings[samples % 2].put(machine.sample(++samples, PID));
  const given = new Set<number>();
  pass.room = 0;
  for (let passes = 0; !s.stacks.take(pass); passes++) {
    given.add(pass.given.length);
    pass.room = passes % 3 === 2 ? 40_000 : 100;
    assert(passes < 10_000);
  }
  assert(given.size > 3, "there was room all the time");
  const chains = chainsIn(pass.records, opened);
  assertEquals(chains.filter((chain) => chain !== WHOLE_CHAIN), []);
  assertEquals(chains.length, samples);
  assertEquals(rings.map(({ tail, head }) => head - tail), [0, 0]);
});

testLive("records of any size fit behind what a drain had no room for", (s) => {
  const { machine, pass } = s, ring = new MadeRing(1 << 20);
  pass.rings.splice(0, 2, ring);
  pass.room = 0;
  const large = machine.exec(1, PID, "x".repeat(65_000));
  for (let i = 0; i < 15; i++) ring.put(large);
  for (let i = 0; i < 10; i++) assertEquals(s.stacks.take(pass), false);
  pass.room = Infinity;
  assert(s.stacks.take(pass));
  assertEquals(pass.records, Array.from({ length: 15 }, () => new Uint8Array(large)));
});

testLive("a ring with a header that is none is refused, and the others are read", (s) => {
  const { machine, rings: [first, second], pass, folder } = s;
  const broken = machine.sample(5, PID);
  new DataView(broken.buffer).setUint16(6, 12, true);
  first.put(
    machine.mmap(1, PID, `${folder}/program`),
    machine.sample(2, PID),
    broken,
    machine.sample(6, PID),
  );
  second.put(machine.sample(3, PID), machine.sample(7, PID));
  assertEquals(s.chains(), [WHOLE_CHAIN, WHOLE_CHAIN, WHOLE_CHAIN]);
  assertEquals(pass.refused, [0]);
  const { tail } = first;
  assertEquals(first.head - tail, broken.length + machine.sample(6, PID).length);
  second.put(machine.sample(8, PID));
  assertEquals(s.chains().length, 4);
  assertEquals([pass.refused, first.tail], [[0, 0], tail]);
});

testLive("records about processes that are damaged change nothing", (s) => {
  const { machine, rings: [ring], folder } = s;
  ring.put(machine.mmap(1, PID, `${folder}/program`));
  for (const record of [machine.mmap(2, PID, "/x"), machine.fork(3, PID, 1), machine.exit(4, PID)]) {
    for (const size of [8, 16, 24]) {
      const damaged = record.slice(0, size);
      new DataView(damaged.buffer).setUint16(6, size, true);
      ring.put(damaged);
    }
  }
  ring.put(machine.sample(9, PID));
  assertEquals(s.chains(), [WHOLE_CHAIN]);
});

testLive("a drain that goes on from the same rings, mapped elsewhere, gets what has come since", (s) => {
  const { machine, rings, pass, folder, stacks, opened } = s;
  rings[0].put(machine.mmap(1, PID, `${folder}/program`), machine.sample(2, PID));
  assertEquals(s.chains(), [WHOLE_CHAIN]);
  const again = rings.map(({ memory, head }) => {
    const copy = new MadeRing(memory.byteLength, head);
    new Uint8Array(copy.memory).set(new Uint8Array(memory));
    return copy;
  });
  const next = new MadePass(...again);
  again[0].put(machine.sample(3, PID));
  again[1].put(machine.sample(4, PID));
  assert(stacks.take(next));
  assertEquals(chainsIn(next.records, opened), [WHOLE_CHAIN, WHOLE_CHAIN]);
  assertEquals(chainsIn(pass.records, opened).length, 1);
});

testLive("a chain that is cut off goes on with what the kernel found by frame pointers", (s) => {
  const { machine, rings: [ring], folder } = s;
  const user = (
    ...addresses: number[]
  ) => [PERF_CONTEXT.USER, ...addresses.map((address) => MAPPED + address)];
  const cut = { words: WHOLE.slice(0, 3), stack: 24 };
  const callers = (...addresses: number[]) => machine.sample(3, PID, { ...cut, chain: user(...addresses) });
  ring.put(machine.mmap(1, PID, `${folder}/program`));
  ring.put(callers(0x1050, 0x1180, 0x1190, 0x1280)); // to the root
  ring.put(callers(0x1050, 0x1180, 0x1190)); // not to the root
  ring.put(callers(0x1050, 0x1180, 0x1190, 0x9000)); // into nowhere
  ring.put(callers(0x1050, 0x1190, 0x1280)); // another caller: frame pointers are not kept here
  ring.put(callers(0x1060, 0x1050, 0x1180, 0x1280)); // the kernel's chain begins elsewhere
  ring.put(callers(0x1050, 0x1180)); // nothing behind
  const short = "[the stack copy is too short]";
  assertEquals(s.chains(), [
    "u 1050 117f 118f 127f",
    `u 1050 117f 118f ${short}`,
    `u 1050 117f 118f ${short}`,
    `u 1050 117f ${short}`,
    "u 1050 117f 127f",
    `u 1050 117f ${short}`,
  ]);
});

testLive("what the kernel found by frame pointers is left out where the stack tells", (s) => {
  const { machine, rings: [ring], folder } = s;
  ring.put(machine.mmap(1, PID, `${folder}/program`));
  ring.put(machine.sample(2, PID, { chain: [PERF_CONTEXT.USER, MAPPED + 0x1050, MAPPED + 0x1190] }));
  ring.put(machine.sample(3, PID, {
    ip: KERNEL_CODE,
    chain: [PERF_CONTEXT.KERNEL, KERNEL_CODE, PERF_CONTEXT.USER, MAPPED + 0x1050, 0x17],
  }));
  const [first, second] = s.chains();
  assertEquals(first, WHOLE_CHAIN);
  assert(second.endsWith(WHOLE_CHAIN) && second.startsWith("k "), second);
});

testLive("a thread between two programs, or behind its last, has the kernel's callers alone", (s) => {
  const { machine, rings: [ring], folder } = s;
  const inKernel = { ip: KERNEL_CODE, chain: [PERF_CONTEXT.KERNEL, KERNEL_CODE] };
  ring.put(machine.mmap(1, PID, `${folder}/program`));
  ring.put(machine.sample(2, PID, { ...inKernel, words: [], stack: 0 }));
  ring.put(machine.sample(3, PID, { ...inKernel, registers: {} }));
  const chains = s.chains();
  assert(chains.every((chain) => !chain.includes("u ")), chains.join());
  assertEquals(s.stacks.counts, { unwound: 0, whole: 0 });
});

/** Chains of samples in three programs, each of which takes 20 ms to open, from a ring of so many bytes. */
function chainsOfSlowFiles(folder: string, ringBytes: number): string[] {
  const machine = new MadeMachine(unwoundEvent("cpu-clock:u", [7n])), opened = [machine.event];
  class SlowFiles extends LiveFiles {
    override open(object: ObjectInfo): ReturnType<LiveFiles["open"]> {
      for (const until = performance.now() + 20; performance.now() < until;);
      return super.open(object);
    }
  }
  const stacks = new LiveStacks(opened, machine.places, { files: new SlowFiles(), openingMs: 1 });
  const ring = new MadeRing(ringBytes), pass = new MadePass(ring);
  try {
    assert(stacks.take(pass)); // the time from here on counts
    for (const [i, name] of ["program", "second", "third"].entries()) {
      ring.put(machine.mmap(1, PID + i, `${folder}/${name}`, { ino: BigInt(i) }), machine.sample(2, PID + i));
    }
    assert(stacks.take(pass));
    return chainsIn(pass.records, opened);
  } finally {
    stacks.close();
  }
}

testLive("objects are opened as long as the rings have room, and the rest in the next pass", ({ folder }) => {
  for (const name of ["second", "third"]) writeProgram(`${folder}/${name}`);
  assertEquals(chainsOfSlowFiles(folder, 1 << 26), [WHOLE_CHAIN, WHOLE_CHAIN, WHOLE_CHAIN]);
  const late = "u 1050 [the object was not read in time]";
  assertEquals(chainsOfSlowFiles(folder, 2048), [WHOLE_CHAIN, late, late]);
});

testLive("the recorder's own samples are written without their callers, and not counted", (s) => {
  const { machine, rings, folder, stacks, chains } = s;
  rings[0].put(
    machine.mmap(1, PID, `${folder}/program`),
    machine.mmap(2, RECORDER, `${folder}/program`),
    machine.sample(3, RECORDER),
    machine.sample(4, PID),
  );
  assertEquals(chains(), ["u 1050 [the recorder does not unwind its own]", WHOLE_CHAIN]);
  assertEquals(stacks.counts, { unwound: 1, whole: 1 });
});

testLive(
  "samples of a ring that is about to overflow are written without their callers, until the last pass",
  (s) => {
    const { machine, pass, folder, opened, stacks } = s, ring = new MadeRing(1 << 18);
    pass.rings.splice(0, 2, ring);
    stacks.see([machine.mmap(0, PID, `${folder}/program`)]);
    const fill = () => {
      let samples = 0;
      while (ring.head - ring.tail < 210_000) ring.put(machine.sample(++samples, PID));
      return samples;
    };
    const behind = fill();
    assert(stacks.take(pass));
    const chains = chainsIn(pass.records, opened);
    assertEquals(new Set(chains), new Set(["u 1050 [the recorder had no time to unwind it]"]));
    assertEquals([chains.length, stacks.counts], [behind, { unwound: behind, whole: 0 }]);
    pass.isLast = true;
    const last = fill();
    assert(stacks.take(pass));
    assertEquals(chainsIn(pass.records, opened).slice(behind), new Array(last).fill(WHOLE_CHAIN));
  },
);
