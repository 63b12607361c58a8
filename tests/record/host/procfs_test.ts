import { assertEquals } from "@std/assert";
import {
  allPids,
  codeLength,
  kernelText,
  liveKernelText,
  liveProc,
  type MapChoice,
  parseMaps,
  parseModules,
  type Proc,
  readProcess,
} from "../../../lib/record/host/procfs.ts";
import { testNeeding } from "../../needs.ts";

const MAPS = `00400000-00401000 r--p 00000000 fe:00 1234                               /usr/bin/x
00401000-00452000 r-xp 00001000 fe:00 1234                               /usr/bin/x
7f0000000000-7f0000001000 rwxp 00000000 00:00 0 
7f0000002000-7f0000003000 r-xs 00002000 08:11 99                         /tmp/a b (deleted)
7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]
7f0000004000-7f0000005000 r-xp 00000000 fe:00 7                          /tmp/new\\012line
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
garbage x line
`;

Deno.test("parseMaps() takes the executable maps, with their names as they are", () => {
  const maps = parseMaps(MAPS);
  assertEquals(maps.map((m) => m.filename), [
    "/usr/bin/x",
    "//anon",
    "/tmp/a b (deleted)",
    "[vdso]",
    "/tmp/new\nline",
    "[vsyscall]",
  ]);
  assertEquals(maps[0], {
    start: 0x401000,
    length: 0x51000,
    pgoff: 0x1000,
    prot: 5,
    flags: 2,
    major: 0xfe,
    minor: 0,
    inode: 1234n,
    filename: "/usr/bin/x",
  });
  assertEquals([maps[2].flags, maps[2].major, maps[2].minor], [1, 8, 0x11]);
  assertEquals(maps[5].start, -0xa00000); // signed: the kernel's half
  assertEquals(maps[5].length, 0x1000);
});

/** A /proc of a few files. */
function fakeProc(files: Record<string, string>): Proc {
  return {
    text: (path) => files[path],
    list: (path) => {
      const names = Object.keys(files).filter((f) => f.startsWith(path + "/"))
        .map((f) => f.slice(path.length + 1).split("/")[0]);
      return [...new Set(names)];
    },
  };
}

Deno.test("readProcess() puts the main thread first and leaves out threads that ended", () => {
  const proc = fakeProc({
    "/proc/40/status": "Name:\tsrv\nPid:\t40\nPPid:\t7\n",
    "/proc/40/maps": MAPS,
    "/proc/40/task/38/comm": "odd one\n",
    "/proc/40/task/40/comm": "srv\n",
    "/proc/40/task/41/stat": "", // no comm: it is gone
  });
  const process = readProcess(proc, 40)!;
  assertEquals(process.ppid, 7);
  assertEquals(process.threads, [{ tid: 40, comm: "srv" }, { tid: 38, comm: "odd one" }]);
  assertEquals(process.maps.length, 6);
  assertEquals(readProcess(proc, 41), undefined);
});

Deno.test("allPids() has this process", () => {
  assertEquals(allPids(liveProc).includes(Deno.pid), true);
});

const encoder = new TextEncoder();

Deno.test("kernelText() finds its ends in chunks cut anywhere", () => {
  const text = "0000000000000000 A fixed_percpu_data\nffffffff81000000 T _stext\nffffffff81000000 T _text\n" +
    "ffffffff81000040 T secondary_startup\nffffffff822090c8 T _etext\nffffffff822091c8 r x\n";
  const bytes = encoder.encode(text);
  for (let cut = 1; cut < bytes.length; cut++) {
    const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
    assertEquals(kernelText(chunks), { start: -0x7f000000, length: 0x12090c8 }, `cut at ${cut}`);
  }
});

Deno.test("kernelText() reads no further than its start when it knows the length", () => {
  const text = encoder.encode("ffffffff81000000 T _stext\nffffffff81000000 T _text\n");
  function* chunks() {
    yield text;
    throw new Error("read on");
  }
  assertEquals(kernelText(chunks(), 0x12090c8), { start: -0x7f000000, length: 0x12090c8 });
  const hidden = encoder.encode("0000000000000000 T _stext\n0000000000000000 T _text\n");
  assertEquals(kernelText([hidden], 0x12090c8), undefined);
});

Deno.test("codeLength() finds the kernel's code, unless it is hidden", () => {
  assertEquals(codeLength("00100000-bfffffff : System RAM\n  01000000-022090c7 : Kernel code\n"), 0x12090c8);
  assertEquals(codeLength("00000000-00000000 : System RAM\n  00000000-00000000 : Kernel code\n"), undefined);
  assertEquals(codeLength("00100000-bfffffff : System RAM\n"), undefined);
});

testNeeding(["root"], "liveKernelText() is as long as /proc/kallsyms says", () => {
  const symbols = Deno.readTextFileSync("/proc/kallsyms");
  const addressOf = (name: string) =>
    BigInt(`0x${new RegExp(`^(\\w+) \\w ${name}$`, "m").exec(symbols)?.[1]}`);
  assertEquals(BigInt(liveKernelText()!.length), addressOf("_etext") - addressOf("_text"));
});

Deno.test("kernelText() takes no hidden addresses for true ones", () => {
  const hidden = "0000000000000000 T _stext\n0000000000000000 T _text\n0000000000000000 T _etext\n";
  assertEquals(kernelText([encoder.encode(hidden)]), undefined);
  assertEquals(kernelText([]), undefined);
});

Deno.test("parseModules() takes names, sizes and addresses, and leaves hidden ones out", () => {
  const text = "ext4 1234567 1 - Live 0xffffffffc0100000\nhid 100 0 - Live 0x0000000000000000\n";
  assertEquals(parseModules(text), [{ name: "ext4", length: 1234567, start: -0x3ff00000 }]);
});

Deno.test("parseMaps() takes readable data too where that is wanted", () => {
  const lines = [
    "00001000-00002000 r-xp 00000000 08:01 5 /bin/a",
    "00002000-00003000 r--p 00001000 08:01 5 /bin/a",
    "00003000-00004000 ---p 00000000 00:00 0 ",
    "00004000-00005000 rw-p 00000000 00:00 0 [heap]",
    "00005000-00006000 --xp 00000000 00:00 0 ",
  ].join("\n");
  const starts = (choice: MapChoice) => parseMaps(lines, choice).map(({ start, prot }) => [start, prot]);
  assertEquals(starts("executable"), [[0x1000, 5], [0x5000, 4]]);
  assertEquals(starts("readable"), [[0x1000, 5], [0x2000, 1], [0x4000, 3], [0x5000, 4]]);
});
