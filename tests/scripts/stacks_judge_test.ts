/** The rule by which call stacks count as whole, on text that perf script printed. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  breakOf,
  type Frame,
  isRoot,
  isWhole,
  printStack,
  type RootCode,
  type Stack,
  StackReader,
} from "../../scripts/stacks/judge.ts";

/** perf 6.1: addresses are offsets in files. */
const OLD = `works  2046 
	            141c [unknown] (/tmp/a/works)
	            1269 [unknown] (/tmp/a/works)
	           27249 __libc_start_call_main (/usr/lib/x86_64-linux-gnu/libc.so.6)
	           27304 __libc_start_main@@GLIBC_2.34 (/usr/lib/x86_64-linux-gnu/libc.so.6)
	            12e0 [unknown] (/tmp/a/works)

works  2046 
	             b46 __vdso_clock_gettime ([vdso])
	           891f4 start_thread (/usr/lib/x86_64-linux-gnu/libc.so.6)
	          1098eb clone3 (/usr/lib/x86_64-linux-gnu/libc.so.6)

`;

/** perf 7.2 with dsoff: a kernel part, a deleted file, a name with spaces and parentheses, a thread's name with a number. */
const NEW = `pool 7 work    2147 
	ffffffff812a4f0e __x64_sys_futex ([kernel.kallsyms]+0x1ee)
	    55dacbf604a3 std::function<void (int)>::operator()(int) const (/tmp/a/it (deleted)+0x14a3)
	    7f66960ee8eb clone3 (/usr/lib/x86_64-linux-gnu/libc.so.6+0x1098eb)

swapper       0 
	ffffffff812a4f0e pv_native_safe_halt ([kernel.kallsyms]+0x1ee)

node    2149 
	    7f66961d9b46 [unknown] ([unknown])
	    7f66961d9c00 LazyCompile:*main /a.js:1 (/tmp/perf-2149.map+0x7f66961d9c00)
	706d750300000000 [unknown] ([unknown])
`;

/** A sample without a call chain has its address on the line of the header. */
const ALONE = "works    6108      55640a22641c spin (/tmp/a/works+0x141c)\n\n";

function read(text: string, hasOffsets: boolean): { stacks: Stack[]; withoutUser: number } {
  const stacks: Stack[] = [];
  const reader = new StackReader((stack) => stacks.push(stack), hasOffsets);
  text.split("\n").forEach((line) => reader.line(line));
  reader.end();
  return { stacks, withoutUser: reader.withoutUser };
}

const NO_CODE: RootCode = { has: () => false, hasMusl: () => false };
const LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6";

const NOWHERE: Frame = { address: "0", symbol: undefined, object: undefined, offset: NaN };

function frame(symbol: string | undefined, object = "/bin/x", offset = 0x1000): Frame {
  return { address: "1000", symbol, object, offset };
}

Deno.test("addresses of an older perf are offsets in files", () => {
  const { stacks } = read(OLD, false);
  assertEquals(stacks.map(({ comm, pid }) => [comm, pid]), [["works", 2046], ["works", 2046]]);
  assertEquals(stacks[0].frames.map(({ offset }) => offset), [0x141c, 0x1269, 0x27249, 0x27304, 0x12e0]);
  assertEquals(stacks[0].frames[0], {
    address: "141c",
    symbol: undefined,
    object: "/tmp/a/works",
    offset: 0x141c,
  });
});

Deno.test("a newer perf prints offsets behind the objects, and the kernel's frames do not count", () => {
  const { stacks, withoutUser } = read(NEW, true);
  assertEquals(withoutUser, 1);
  assertEquals(stacks.map(({ comm, pid, frames }) => [comm, pid, frames.length]), [
    ["pool 7 work", 2147, 2],
    ["node", 2149, 2],
  ]);
  assertEquals(stacks[0].frames[0], {
    address: "55dacbf604a3",
    symbol: "std::function<void (int)>::operator()(int) const",
    object: "/tmp/a/it (deleted)",
    offset: 0x14a3,
  });
  const [unknown] = stacks[1].frames;
  assertEquals([unknown.symbol, unknown.object, unknown.offset], [undefined, undefined, NaN]);
});

Deno.test("a sample without a call chain is a stack of one frame", () => {
  const [{ frames }] = read(ALONE, true).stacks;
  assertEquals(frames.map(({ symbol, offset }) => [symbol, offset]), [["spin", 0x141c]]);
});

Deno.test("what pmuctl says of the end of a stack is no frame of it", () => {
  const [, { frames, end }] = read(NEW, true).stacks;
  assertEquals([frames.length, end], [2, "the object cannot be read"]);
  const reached = NEW.replace("LazyCompile:*main /a.js:1 (/tmp/perf-2149.map", "main (/bin/node");
  assert(isWhole(read(reached, true).stacks[1], NO_CODE));
});

Deno.test("a sample without any frame is broken, as perf could do nothing with it", () => {
  const { stacks, withoutUser } = read("node    2149 \n\nnode    2149 \n\n", true);
  assertEquals([stacks.length, withoutUser], [2, 0]);
  assert(!isWhole(stacks[0], { ...NO_CODE, has: () => true }));
  assertEquals(breakOf(stacks[0]), "no frame");
});

Deno.test("what is no sample is refused, rather than left out", () => {
  assertThrows(() => read("Failed to open it\n", true), Error, "no sample");
  assertThrows(() => read("works 12 \n\tFailed to open it\n", true), Error, "no frame");
});

Deno.test("stacks are whole that end where a process or a thread begins", () => {
  const [main, thread] = read(OLD, false).stacks;
  assert(isWhole(thread, NO_CODE));
  // without a symbol the code at its offset decides
  assert(!isWhole(main, NO_CODE));
  assert(
    isWhole(main, { ...NO_CODE, has: (object, offset) => object === "/tmp/a/works" && offset === 0x12e0 }),
  );
});

Deno.test("stacks that end elsewhere are broken: in unknown code, in what only has a root's name", () => {
  for (const stack of read(NEW, true).stacks.slice(1)) assert(!isWhole(stack, NO_CODE));
  assert(!isRoot(frame("LazyCompile:*main /a.js:1", "/tmp/perf-2149.map"), NO_CODE));
  assert(!isRoot(frame("main", "/tmp/perf-2149.map"), NO_CODE));
  assert(!isRoot(frame("main", "/tmp/jitted-12-3.so"), NO_CODE));
  assert(!isRoot(frame("main", "//anon"), NO_CODE));
  assert(!isRoot(NOWHERE, { has: () => true, hasMusl: () => true }));
});

Deno.test("only the outermost frame decides", () => {
  const frames = [frame("work"), frame("main"), NOWHERE];
  assert(!isWhole({ comm: "x", pid: 1, frames }, NO_CODE));
  assert(isWhole({ comm: "x", pid: 1, frames: frames.slice(0, 2) }, NO_CODE));
  assert(isWhole({ comm: "x", pid: 1, frames: [frame("_start")] }, NO_CODE));
});

Deno.test("roots are known by any form of their names", () => {
  const roots = [
    ...[
      "main",
      "_start",
      "__libc_start_main@@GLIBC_2.34",
      "__libc_start_main_impl",
      "__libc_start_call_main",
    ],
    ...["clone", "__clone", "clone3", "start_thread", "_start_c", "_dl_start", "_dl_start_user"],
    ...["runtime.goexit.abi0", "runtime.mstart.abi0", "runtime.rt0_go.abi0", "_rt0_amd64_linux"],
    ...["main.cold", "_dl_start.constprop.0", "start_thread.part.0.cold"],
  ];
  for (const name of roots) assert(isRoot(frame(name), NO_CODE), name);
  const others = [
    "main.main",
    "domain",
    "__restore_rt",
    "mainloop",
    "clone_function",
    "runtime.systemstack.abi0",
  ];
  for (const name of others) assert(!isRoot(frame(name), NO_CODE), name);
});

Deno.test("a thread of musl begins in start, which elsewhere may be any function", () => {
  assert(isRoot(frame("start"), { ...NO_CODE, hasMusl: (object) => object === "/bin/x" }));
  assert(!isRoot(frame("start"), NO_CODE));
});

Deno.test("broken stacks are told apart by their last two frames", () => {
  const broken = (...frames: Frame[]) => breakOf({ comm: "x", pid: 1, frames });
  assertEquals(
    broken(frame("qsort", LIBC), NOWHERE),
    "an address in no object, called by nothing, behind qsort (libc.so.6)",
  );
  assertEquals(broken(frame(undefined, LIBC, 0x3fb9c)), "0x3fb9c (libc.so.6) alone");
  assertEquals(
    printStack({ comm: "x", pid: 1, frames: [frame("a"), frame(undefined, LIBC, 0x10)] }),
    "x: a (x) < 0x10 (libc.so.6)",
  );
});
