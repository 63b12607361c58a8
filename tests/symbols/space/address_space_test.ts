import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { PERF_RECORD_MISC } from "../../../lib/base/system/abi.ts";
import { AddressSpaces } from "../../../lib/symbols/space/address_space.ts";
import { bytesKept } from "../../memory.ts";
import type { ObjectInfo } from "../../../lib/symbols/object/objects.ts";

const { USER, KERNEL, GUEST_KERNEL, GUEST_USER, HYPERVISOR } = PERF_RECORD_MISC;
const KERNEL_TEXT = -2130706432;

function mapped(
  spaces: AddressSpaces,
  pid: number,
  start: number,
  length: number,
  filename: string,
  pgoff = 0,
) {
  spaces.mmap({ pid, start, length, pgoff, filename });
}

/** `path+offset` of what is at an address, or undefined. */
function at(spaces: AddressSpaces, pid: number, address: number, cpumode: number = USER): string | undefined {
  const object = spaces.find(pid, address, cpumode);
  return object < 0 ? undefined : `${spaces.objects.rows[object].path}+${spaces.at}`;
}

/** The object at an address. */
function objectAt(spaces: AddressSpaces, pid: number, address: number, cpumode: number = USER): ObjectInfo {
  return spaces.objects.rows[spaces.find(pid, address, cpumode)];
}

Deno.test("find() gives the object and the offset in its file, inside a mapping and not at its end", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, 1, 0x1000, 0x1000, "/bin/a", 0x3000);
  assertEquals(at(spaces, 1, 0xfff), undefined);
  assertEquals(at(spaces, 1, 0x1000), `/bin/a+${0x3000}`);
  assertEquals(at(spaces, 1, 0x1fff), `/bin/a+${0x3fff}`);
  assertEquals(at(spaces, 1, 0x2000), undefined);
  assertEquals(at(spaces, 2, 0x1000), undefined);
});

Deno.test("mmap() over a part of an older mapping leaves its head and its tail, with their offsets", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, 1, 0x1000, 0x4000, "/old");
  mapped(spaces, 1, 0x2000, 0x1000, "/new");
  assertEquals(at(spaces, 1, 0x1fff), `/old+${0xfff}`);
  assertEquals(at(spaces, 1, 0x2000), "/new+0");
  assertEquals(at(spaces, 1, 0x3000), `/old+${0x2000}`);
  assertEquals(at(spaces, 1, 0x4fff), `/old+${0x3fff}`);
});

Deno.test("mmap() over several mappings takes the place of all of them", () => {
  const spaces = new AddressSpaces();
  for (const [i, name] of ["/a", "/b", "/c", "/d"].entries()) {
    mapped(spaces, 1, 0x1000 * (i + 1), 0x1000, name);
  }
  mapped(spaces, 1, 0x1800, 0x2000, "/over");
  assertEquals([0x17ff, 0x1800, 0x2800, 0x37ff, 0x3800, 0x4000].map((address) => at(spaces, 1, address)), [
    `/a+${0x7ff}`,
    "/over+0",
    `/over+${0x1000}`,
    `/over+${0x1fff}`,
    `/c+${0x800}`,
    "/d+0",
  ]);
});

Deno.test("mappings agree with a plain array of bytes after any sequence of them", () => {
  const spaces = new AddressSpaces();
  const truth: (string | undefined)[] = new Array(256);
  let state = 7;
  const random = (below: number) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % below;
  for (let i = 0; i < 400; i++) {
    const start = random(240);
    const length = random(16);
    const pgoff = random(100) * 1000;
    mapped(spaces, 1, start, length, `/f${i}`, pgoff);
    for (let k = 0; k < length; k++) truth[start + k] = `/f${i}+${pgoff + k}`;
    for (let address = 0; address < 256; address++) assertEquals(at(spaces, 1, address), truth[address]);
  }
});

Deno.test("a forked child has its parent's mappings, and each keeps later ones to itself", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, 1, 0x1000, 0x1000, "/shared");
  spaces.fork(2, 1, 2, 1);
  assertEquals(spaces.spaceOf(2, USER), spaces.spaceOf(1, USER));
  mapped(spaces, 2, 0x3000, 0x1000, "/child");
  mapped(spaces, 1, 0x5000, 0x1000, "/parent");
  assertNotEquals(spaces.spaceOf(2, USER), spaces.spaceOf(1, USER));
  assertEquals([0x1000, 0x3000, 0x5000].map((a) => at(spaces, 1, a)), ["/shared+0", undefined, "/parent+0"]);
  assertEquals([0x1000, 0x3000, 0x5000].map((a) => at(spaces, 2, a)), ["/shared+0", "/child+0", undefined]);
});

Deno.test("a fork the recorder made up for a running process copies no mappings", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, 1, 0x1000, 0x1000, "/shared");
  spaces.fork(2, 1, 2, 1, false);
  assertEquals(at(spaces, 2, 0x1000), undefined);
});

Deno.test("a new thread shares its process's mappings, now and later", () => {
  const spaces = new AddressSpaces();
  spaces.fork(1, 1, 11, 1);
  mapped(spaces, 1, 0x1000, 0x1000, "/a");
  assertEquals(at(spaces, 1, 0x1000), "/a+0");
});

Deno.test("a process number that is used again belongs to the new process", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, 1, 0x1000, 0x1000, "/shell");
  spaces.fork(2, 1, 2, 1);
  mapped(spaces, 2, 0x3000, 0x1000, "/first");
  spaces.exit(2, 2);
  assertEquals(at(spaces, 2, 0x3000), "/first+0");
  spaces.fork(2, 1, 2, 1);
  assertEquals(at(spaces, 2, 0x3000), undefined);
  assertEquals(at(spaces, 2, 0x1000), "/shell+0");
});

Deno.test("an exec keeps the old program's mappings until the new one's take their place", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, 1, 0x1000, 0x2000, "/old");
  spaces.comm(1, 1, "new", true);
  assertEquals(at(spaces, 1, 0x1000), "/old+0");
  mapped(spaces, 1, 0x1000, 0x2000, "/new");
  assertEquals(at(spaces, 1, 0x1000), "/new+0");
});

Deno.test("ten thousand forks of a process with five hundred mappings share one space", () => {
  const spaces = new AddressSpaces();
  for (let i = 0; i < 500; i++) mapped(spaces, 1, 0x10000 * (i + 1), 0x8000, `/lib/${i}`);
  for (let child = 2; child < 10002; child++) spaces.fork(child, 1, child, 1);
  const space = spaces.spaceOf(1, USER);
  for (let child = 2; child < 10002; child++) assertEquals(spaces.spaceOf(child, USER), space);
});

/** What befell process 1, and in which modes its look-ups could change by it. */
const CHANGES: [what: string, of: (spaces: AddressSpaces) => void, modes: number[]][] = [
  ["a mapping", (s) => mapped(s, 1, 0x1000, 0x1000, "/a"), [USER]],
  ["the kernel's map", (s) => mapped(s, -1, KERNEL_TEXT, 4096, "[kernel.kallsyms]_text", KERNEL_TEXT), [
    KERNEL,
  ]],
  [
    "a kernel symbol",
    (s) => s.ksymbol({ address: KERNEL_TEXT + 0x100000, length: 64, flags: 0, name: "bpf_prog_1" }),
    [KERNEL],
  ],
  ["a fork into the number", (s) => s.fork(1, 9, 1, 9), [USER]],
  ["a name, which is no mapping", (s) => s.comm(1, 1, "name", false), []],
];

Deno.test("spaceOf() changes when a look-up in that mode could, and only then", () => {
  const spaces = new AddressSpaces();
  const seen = new Set<number>();
  const modes = [USER, KERNEL];
  let before = modes.map((mode) => spaces.spaceOf(1, mode));
  for (const [what, change, expected] of CHANGES) {
    before.forEach((id) => seen.add(id));
    change(spaces);
    const now = modes.map((mode) => spaces.spaceOf(1, mode));
    const changed = modes.filter((_, i) => now[i] !== before[i]);
    assertEquals(changed, expected, what);
    for (const mode of changed) {
      assert(!seen.has(now[modes.indexOf(mode)]), `${what}: the number was used before`);
    }
    before = now;
  }
});

Deno.test("spaceOf() an unknown mode changes with the process's mappings and with the kernel's", () => {
  const spaces = new AddressSpaces();
  const seen = new Set([spaces.spaceOf(1, 0)]);
  for (const [what, change, modes] of CHANGES) {
    change(spaces);
    assertEquals(seen.has(spaces.spaceOf(1, 0)), modes.length === 0, what);
    seen.add(spaces.spaceOf(1, 0));
  }
});

Deno.test("the kernel's map holds addresses behind its recorded end, where no module is", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, -1, KERNEL_TEXT, 0x1000, "[kernel.kallsyms]_text", KERNEL_TEXT);
  mapped(spaces, -1, KERNEL_TEXT + 0x5000, 0x1000, "/lib/modules/6.1.0/kernel/net/nf-log.ko.xz");
  assertEquals(at(spaces, 7, KERNEL_TEXT, KERNEL), `[kernel.kallsyms]+${KERNEL_TEXT}`);
  assertEquals(at(spaces, 7, KERNEL_TEXT + 0x3000, KERNEL), `[kernel.kallsyms]+${KERNEL_TEXT + 0x3000}`);
  assertEquals(at(spaces, 7, KERNEL_TEXT - 1, KERNEL), undefined);
  const module = objectAt(spaces, 7, KERNEL_TEXT + 0x5000, KERNEL);
  assertEquals([module.kind, module.name], ["module", "[nf_log]"]);
  assertEquals(module.reference, { symbol: "_text", address: KERNEL_TEXT });
});

Deno.test("find() looks at the kernel's maps in kernel mode and the process's in user mode only", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, 1, 0x1000, 0x1000, "/a");
  mapped(spaces, -1, KERNEL_TEXT, 0x1000, "[kernel.kallsyms]_text", KERNEL_TEXT);
  assertEquals(at(spaces, 1, 0x1000, KERNEL), undefined);
  assertEquals(at(spaces, 1, KERNEL_TEXT, USER), undefined);
  assertEquals([HYPERVISOR, GUEST_USER, GUEST_KERNEL].map((mode) => at(spaces, 1, 0x1000, mode)), [
    "[hypervisor]+4096",
    "[guest]+4096",
    "[guest.kernel]+4096",
  ]);
  assertEquals(objectAt(spaces, 1, 0x1000, GUEST_USER).kind, "guest");
  assertEquals(at(spaces, 1, 0x1000, 0), "/a+0");
  assertEquals(at(spaces, 1, KERNEL_TEXT, 0), `[kernel.kallsyms]+${KERNEL_TEXT}`);
});

Deno.test("mmap() passes over what is mapped in a guest", () => {
  const spaces = new AddressSpaces();
  spaces.mmap({ pid: 1, start: 0x1000, length: 0x1000, pgoff: 0, filename: "/a" }, GUEST_USER);
  assertEquals(at(spaces, 1, 0x1000), undefined);
});

Deno.test("ksymbol() names a range of the kernel until it is unregistered", () => {
  const spaces = new AddressSpaces();
  const program = { address: KERNEL_TEXT, length: 64, flags: 0, name: "bpf_prog_6deef7357e7b4530" };
  spaces.ksymbol(program);
  const object = objectAt(spaces, 1, KERNEL_TEXT + 63, KERNEL);
  assertEquals([object.kind, object.name], ["bpf", "bpf_prog_6deef7357e7b4530"]);
  spaces.ksymbol({ ...program, flags: 1 });
  assertEquals(spaces.find(1, KERNEL_TEXT, KERNEL), -1);
});

Deno.test("commOf() gives a thread's name as of now: its own, its parent's, or its number", () => {
  const spaces = new AddressSpaces();
  assertEquals([spaces.commOf(0, 0), spaces.commOf(5, 5)], ["swapper", ":5"]);
  spaces.comm(1, 1, "sh", false);
  spaces.fork(2, 1, 2, 1);
  assertEquals(spaces.commOf(2, 2), "sh");
  spaces.comm(2, 2, "ls", true);
  assertEquals([spaces.commOf(1, 1), spaces.commOf(2, 2)], ["sh", "ls"]);
  spaces.fork(2, 77, 2, 77);
  assertEquals(spaces.commOf(2, 2), ":2");
});

Deno.test("what processes outside a pid namespace map, fork and are called is not the idle task's", () => {
  const spaces = new AddressSpaces();
  spaces.comm(0, 0, "sh", true);
  spaces.mmap({ pid: 0, start: 0x1000, length: 0x1000, pgoff: 0, filename: "/bin/sh" });
  assertEquals([spaces.commOf(0, 0), spaces.find(0, 0x1000, USER)], ["swapper", -1]);
  spaces.comm(5, 5, "ours", true);
  spaces.fork(0, 5, 0, 5);
  spaces.exit(0, 0);
  spaces.fork(6, 0, 6, 0); // nsenter: from outside to inside
  assertEquals([spaces.commOf(0, 0), spaces.commOf(5, 5), spaces.commOf(6, 6)], ["swapper", "ours", ":6"]);
});

const KINDS: [filename: string, prot: number | undefined, kind: string, name: string, path: string][] = [
  ["/usr/bin/node", 5, "file", "node", "/usr/bin/node"],
  ["/tmp/lib.so (deleted)", 5, "file", "lib.so (deleted)", "/tmp/lib.so (deleted)"],
  ["/memfd:code (deleted)", 5, "file", "memfd:code (deleted)", "/memfd:code (deleted)"],
  ["[vdso]", 5, "vdso", "[vdso]", "[vdso]"],
  ["[vsyscall]", 5, "file", "[vsyscall]", "[vsyscall]"],
  ["//anon", 7, "jit", "[JIT] tid 1", "/tmp/perf-1.map"],
  ["//anon", undefined, "jit", "[JIT] tid 1", "/tmp/perf-1.map"],
  ["//anon", 3, "anon", "//anon", "//anon"],
  ["[heap]", 3, "anon", "[heap]", "[heap]"],
  ["[stack]", 7, "jit", "[JIT] tid 1", "/tmp/perf-1.map"],
];
for (const [filename, prot, kind, name, path] of KINDS) {
  Deno.test(`a mapping of ${filename} with protection ${prot ?? "unknown"} is of kind ${kind}`, () => {
    const spaces = new AddressSpaces();
    spaces.mmap({ pid: 1, start: 0x1000, length: 0x1000, pgoff: 0, filename, prot });
    const object = objectAt(spaces, 1, 0x1000);
    assertEquals([object.kind, object.name, object.path], [kind, name, path]);
  });
}

Deno.test("code without a file is looked up by its address, whatever offset its mapping has", () => {
  for (const pgoff of [0, 0x1000]) {
    const spaces = new AddressSpaces();
    spaces.mmap({ pid: 1, start: 0x1000, length: 0x1000, pgoff, filename: "//anon", prot: 7 });
    assertEquals(at(spaces, 1, 0x1234), `/tmp/perf-1.map+${0x1234}`);
  }
});

Deno.test("mappings of one file share an object; another inode or build id at the same path is another", () => {
  const spaces = new AddressSpaces();
  const map = { start: 0x1000, length: 0x1000, pgoff: 0, filename: "/lib/x.so" };
  spaces.mmap({ ...map, pid: 1, ino: 5n });
  spaces.mmap({ ...map, pid: 2, ino: 5n });
  spaces.mmap({ ...map, pid: 3, ino: 6n });
  spaces.mmap({ ...map, pid: 4, buildId: "abcd" });
  const ids = [1, 2, 3, 4].map((pid) => spaces.find(pid, 0x1000, USER));
  assertEquals(ids, [0, 0, 1, 2]);
  assertEquals(spaces.objects.rows[2].buildId, "abcd");
});

const ONE = [0, 0, 0, 0], TWO = [0, 1, 0, 1];
/** The objects of what processes 1 and 2 map in turns, with protections of their own. */
const SHARED: [what: string, filename: string, prots: [number, number], objects: number[]][] = [
  ["a file, whatever its protection", "/lib/x.so", [5, 1], ONE],
  ["the vdso", "[vdso]", [5, 5], ONE],
  ["memory without a file", "//anon", [3, 3], ONE],
  ["code without a file", "//anon", [7, 7], TWO],
  ["code in shared memory", "/dev/zero (deleted)", [7, 7], TWO],
];
for (const [what, filename, prots, objects] of SHARED) {
  Deno.test(`two processes ${objects === ONE ? "share" : "have each their own"}: ${what}`, () => {
    const spaces = new AddressSpaces();
    const ids = [1, 2, 1, 2].map((pid) => {
      const map = { start: 0x1000, length: 0x1000, pgoff: 0, filename, maj: 8, min: 1, ino: 5n };
      spaces.mmap({ ...map, pid, prot: prots[pid - 1] });
      return spaces.find(pid, 0x1000, USER);
    });
    assertEquals(ids, objects);
  });
}

Deno.test("code and memory of one name in one process are two objects, however they take turns", () => {
  const spaces = new AddressSpaces();
  const kinds = [7, 3, 7, undefined, 3].map((prot, i) => {
    spaces.mmap({ pid: 1, start: 0x1000 * i, length: 0x1000, pgoff: 0, filename: "//anon", prot });
    return objectAt(spaces, 1, 0x1000 * i).kind;
  });
  assertEquals(kinds, ["jit", "anon", "jit", "jit", "anon"]);
  assertEquals(spaces.objects.rows.length, 2);
});

Deno.test("a file in the place of a perf map does not become the code of any process", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, 9, 0x1000, 0x1000, "/tmp/perf-1.map");
  const names = [1, 2, 1].map((pid) => {
    mapped(spaces, pid, 0x1000, 0x1000, "//anon");
    return at(spaces, pid, 0x1000);
  });
  assertEquals(names, [1, 2, 1].map((pid) => `/tmp/perf-${pid}.map+${0x1000}`));
});

Deno.test("a name that is now one file, now another, is each time the one it was", () => {
  const spaces = new AddressSpaces();
  const keys = [{ ino: 5n }, { ino: 6n }, { buildId: "ab" }, { ino: 5n, maj: 1 }, { ino: 5n, min: 1 }, {}];
  const ids = [...keys, ...keys, ...keys.toReversed()].map((key, i) => {
    spaces.mmap({ pid: 1 + i, start: 0x1000, length: 0x1000, pgoff: 0, filename: "/lib/x.so", ...key });
    return spaces.find(1 + i, 0x1000, USER);
  });
  assertEquals(ids, [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0]);
});

Deno.test("setBuildId() reaches objects mapped before and after, and overrides none they came with", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, 1, 0x1000, 0x1000, "/lib/before.so");
  spaces.mmap({ pid: 1, start: 0x3000, length: 0x1000, pgoff: 0, filename: "/lib/own.so", buildId: "11" });
  for (const path of ["/lib/before.so", "/lib/own.so", "/lib/after.so"]) {
    spaces.objects.setBuildId(path, "22");
  }
  mapped(spaces, 1, 0x5000, 0x1000, "/lib/after.so");
  assertEquals(spaces.objects.rows.map((object) => object.buildId), ["22", "11", "22"]);
});

/** What a process that has a program and a library of its own does from its start to its end. */
function livesAndEnds(spaces: AddressSpaces, pid: number): void {
  spaces.fork(pid, 1, pid, 1);
  spaces.comm(pid, pid, `worker ${pid % 10}`, true);
  for (let i = 0; i < 10; i++) mapped(spaces, pid, (1000 * pid + i) * 0x10000, 0x8000, `/lib/${i}`);
  spaces.exit(pid, pid);
}

Deno.test("processes that have ended are forgotten, so that memory does not grow with how many there were", () => {
  const kept = (processes: number) =>
    bytesKept(() => {
      const spaces = new AddressSpaces();
      for (let i = 0; i < processes; i++) livesAndEnds(spaces, 2 + i);
      return spaces;
    });
  kept(10);
  const few = kept(5000), many = kept(20_000);
  assert(many < 1.2 * few, `${few} bytes after 5000 processes, ${many} after 20000`);
});

Deno.test("a process's mappings and name are there for a while after its end", () => {
  const spaces = new AddressSpaces();
  livesAndEnds(spaces, 2);
  for (let pid = 3; pid < 500; pid++) livesAndEnds(spaces, pid);
  assertEquals([at(spaces, 2, 2000 * 0x10000), spaces.commOf(2, 2)], ["/lib/0+0", "worker 2"]);
  for (let pid = 500; pid < 2000; pid++) livesAndEnds(spaces, pid);
  assertEquals([at(spaces, 2, 2000 * 0x10000), spaces.commOf(2, 2)], [undefined, ":2"]);
});

/** Ends of threads of a process that goes on, and how it was told that it has threads. */
const GOES_ON: [what: string, of: (spaces: AddressSpaces) => void][] = [
  ["its main thread, while one that it made goes on", (s) => {
    s.fork(7, 1, 7, 1);
    s.fork(7, 7, 70, 7);
    s.exit(7, 7);
  }],
  ["its main thread, while one that was named goes on", (s) => {
    s.comm(7, 7, "main", false);
    s.comm(7, 70, "other", false);
    s.exit(7, 7);
  }],
  ["its main thread, while one that was sampled goes on", (s) => {
    s.commOf(7, 70);
    s.exit(7, 7);
  }],
  ["a thread of a process that nothing told of", (s) => s.exit(7, 70)],
  ["a thread of its, and its main thread goes on", (s) => {
    s.fork(7, 7, 70, 7);
    s.exit(7, 70);
  }],
];
for (const [what, happens] of GOES_ON) {
  Deno.test(`a process is not forgotten at the end of ${what}`, () => {
    const spaces = new AddressSpaces();
    happens(spaces);
    mapped(spaces, 7, 0x1000, 0x1000, "/program");
    for (let pid = 100; pid < 3000; pid++) livesAndEnds(spaces, pid);
    assertEquals(at(spaces, 7, 0x1000), "/program+0");
  });
}

/** The kernel's text, a module's and an address between them, where x86 has them. */
const TEXT = -0x7effff00, MODULE = -0x5ffff000, BETWEEN = -0x70000000;

for (
  const [who, length] of [
    ["simpleperf", 2 ** 64 - 1],
    ["perf before Linux 3.9", 0xffffffff9fffffff],
    ["half of all addresses and a bit", 2 ** 63 + 2 ** 40],
  ] as const
) {
  for (const first of ["kernel", "module"]) {
    Deno.test(`a kernel map that wraps covers all but modules: ${who}, ${first} first`, () => {
      const spaces = new AddressSpaces();
      const kernel = () => mapped(spaces, -1, 0, length, "[kernel.kallsyms]_stext", TEXT);
      const module = () => mapped(spaces, -1, MODULE, 0x6000, "/lib/modules/3.4.0/kernel/joydev.ko");
      for (const map of first === "kernel" ? [kernel, module] : [module, kernel]) map();
      for (const address of [TEXT, BETWEEN, -1, -(2 ** 63), 0, 0x1000, 0xc0000000]) {
        assertEquals(at(spaces, 5, address, KERNEL), `[kernel.kallsyms]+${address}`);
      }
      assertEquals(objectAt(spaces, 5, MODULE + 0x10, KERNEL).name, "[joydev]");
      assertEquals(objectAt(spaces, 5, MODULE + 0x6000, KERNEL).name, "[kernel.kallsyms]");
      assertEquals(at(spaces, 5, 0x1000), undefined);
      assertEquals(at(spaces, 5, 0x1000, 0), undefined);
    });
  }
}

Deno.test("the kernel map of a 32-bit machine that ends with the addresses covers from its start on", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, -1, 0xc0100000, 2 ** 64 - 1 - 0xc0100000, "[kernel.kallsyms]_stext", 0xc0100000);
  mapped(spaces, -1, 0xbf000000, 0x8fff, "/lib/modules/3.8.11/kernel/joydev.ko");
  assertEquals(at(spaces, 5, 0xc0200000, KERNEL), `[kernel.kallsyms]+${0xc0200000}`);
  assertEquals(objectAt(spaces, 5, 0xbf000010, KERNEL).name, "[joydev]");
  assertEquals(at(spaces, 5, 0xbf009000, KERNEL), undefined);
});

Deno.test("a kernel map whose length leads past the last address covers no user space", () => {
  const spaces = new AddressSpaces();
  mapped(spaces, -1, TEXT, 2 ** 64 - 1, "[kernel.kallsyms]_text", TEXT);
  assertEquals([at(spaces, 5, TEXT, KERNEL), at(spaces, 5, 0x1000, KERNEL)], [
    `[kernel.kallsyms]+${TEXT}`,
    undefined,
  ]);
});
