import { assertEquals } from "@std/assert";
import {
  hasEnded,
  isMounted,
  parseMapsLine,
  parseStat,
  processUsers,
  procField,
  procMask,
} from "../../../lib/base/text/proc_text.ts";

/** Names that a thread may give itself with prctl(PR_SET_NAME), as the kernel writes them. */
const HOSTILE = [
  "\rNSpid:1 /a",
  "\u2028Tgid:\t1",
  "\u2029Uid:\t0 0 0 0",
  "a) R 1 (b",
  ") Z 1",
  "x\\nPPid:\t1",
  "a b  c",
];

Deno.test("a field of status is read at the start of its line, whatever the thread is called", () => {
  for (const name of HOSTILE) {
    const status =
      `Name:\t${name}\nState:\tS (sleeping)\nTgid:\t42\nPPid:\t7\nUid:\t1000\t1001\t1002\t1003\nNSpid:\t42\t3\n`;
    assertEquals(procField(status, "Tgid"), "42", name);
    assertEquals(procField(status, "NSpid"), "42\t3", name);
    assertEquals(procField(status, "PPid"), "7", name);
    assertEquals(processUsers(status), { real: 1000, effective: 1001, saved: 1002, fs: 1003 }, name);
  }
  assertEquals(procField("Name:\tTgid: 3\nTgid:\t5", "Tgid"), "5");
  assertEquals(procField("Tgids:\t5\n", "Tgid"), undefined);
  assertEquals(procField("", "Tgid"), undefined);
  assertEquals(processUsers("Uid:\t1\t2\n"), undefined);
});

Deno.test("fields of cpuinfo and meminfo are read in front of their aligned colons", () => {
  assertEquals(procField("processor\t: 0\nmodel name\t: A CPU: 3 GHz\nmodel\t\t: 6\n", "model"), "6");
  assertEquals(procField("processor\t: 0\nmodel name\t: A CPU: 3 GHz\n", "model name"), "A CPU: 3 GHz");
  assertEquals(procField("MemTotal:       24576000 kB\n", "MemTotal"), "24576000 kB");
});

Deno.test("the fields of stat come behind the last parenthesis of the name", () => {
  const tail = "S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99887 1000 200";
  for (const name of HOSTILE) {
    assertEquals(
      parseStat(`42 (${name}) ${tail}\n`),
      { comm: name, state: "S", ppid: 7, group: 42, userTicks: 5, kernelTicks: 6, start: 99887 },
      name,
    );
  }
  assertEquals(parseStat("42 (x) S 7"), undefined);
  assertEquals(parseStat(""), undefined);
  assertEquals(hasEnded(parseStat(`42 (x) Z${tail.slice(1)}`)!), true);
});

Deno.test("a line of maps keeps every character of its path", () => {
  for (const path of ["/a b", "/x\ry", "/x\u2028y", "/x\u2029", "/tmp/\tz (deleted)", "[vdso]", ""]) {
    const found = parseMapsLine(`7f00-7fff r-xp 00001000 fe:01 99  ${path}`);
    assertEquals(found?.path, path);
    assertEquals([found?.start, found?.end, found?.permissions], ["7f00", "7fff", "r-xp"]);
  }
  assertEquals(parseMapsLine("7f00-7fff r-xp 0 fe:01 99 /two\\012lines")?.path, "/two\nlines");
  assertEquals(parseMapsLine("7f00-7fff r-x 0 fe:01 99 /x"), undefined);
});

Deno.test("a file system is mounted when its type is third on a line", () => {
  const mounts = "proc /proc proc rw 0 0\nx\\040tracefs /mnt/tracefs fuse rw 0 0\n";
  assertEquals(isMounted(mounts, "tracefs"), false);
  assertEquals(isMounted(mounts, "proc"), true);
});

Deno.test("procMask() is empty for a field that is not there, or is no hex", () => {
  const status = "SigIgn:\t0000000000001000\nCapEff:\t00:0001\n";
  assertEquals(procMask(status, "SigIgn"), 0x1000n);
  assertEquals(procMask(status, "CapEff"), 0n);
  assertEquals(procMask(status, "CapPrm"), 0n);
});
