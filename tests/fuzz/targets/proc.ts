/** The text of /proc and /sys, in which processes have their names. */

import { parseCpuList } from "../../../lib/base/text/cpu_list.ts";
import {
  isMounted,
  parseMapsLine,
  parseStat,
  processUsers,
  procField,
} from "../../../lib/base/text/proc_text.ts";
import { readFingerprint } from "../../../lib/check/baseline/fingerprint.ts";
import { readPrivilege } from "../../../lib/events/privilege.ts";
import { processMaps } from "../../../lib/record/host/live_maps.ts";
import { readHost } from "../../../lib/record/host/host.ts";
import {
  codeLength,
  kernelText,
  parseMaps,
  parseModules,
  type Proc,
  readProcess,
  startTimeOf,
} from "../../../lib/record/host/procfs.ts";
import { processRecords } from "../../../lib/record/host/synthesize.ts";
import { findVdso } from "../../../lib/symbols/kernel/vdso.ts";
import { LAYOUT } from "../../perfdata/small_recording.ts";
import { HOSTILE_NAMES } from "../hostile.ts";
import { mutateText } from "../mutate/mutate.ts";
import type { Random } from "../random.ts";
import type { Input, Target } from "../target.ts";

/** A process, and what /proc says of it. */
interface Truth {
  comm: string;
  ppid: number;
  uid: number;
  start: number;
  path: string;
  texts: { status: string; stat: string; maps: string; comm: string };
}

/** A name of a task: of 15 letters at most, as the kernel cuts it. */
function someName(random: Random): string {
  const letters = random.oneIn(4)
    ? random.pick(HOSTILE_NAMES) + random.pick(HOSTILE_NAMES)
    : random.pick(HOSTILE_NAMES);
  return letters.slice(0, 15).replaceAll("\ud800", "\ufffd");
}

/** What the kernel writes of a process of a hostile name, with a mapping of a hostile path. */
function someProcess(random: Random): Truth {
  const comm = someName(random);
  const ppid = 2 + random.below(4_000_000), uid = random.below(70_000), start = random.below(2 ** 31);
  // a backslash that is the path's own cannot be told from the kernel's
  const path = `/tmp/${random.pick(HOSTILE_NAMES)}`.replaceAll("\ud800", "\ufffd").replaceAll("\\", "/");
  // fs/proc/array.c: in status, newlines and backslashes of the name are escaped; in stat and comm, nothing is
  const escaped = comm.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  const status = [
    `Name:\t${escaped}`,
    "Umask:\t0022",
    "State:\tS (sleeping)",
    "Tgid:\t100",
    "Ngid:\t0",
    "Pid:\t100",
    `PPid:\t${ppid}`,
    "TracerPid:\t0",
    `Uid:\t${uid}\t${uid}\t${uid}\t${uid}`,
    "Gid:\t5\t5\t5\t5",
    "Groups:\t5 ",
    "NSpid:\t100\t7",
    "CapEff:\t000001ffffffffff",
    "SigIgn:\t0000000000001000",
    "Seccomp:\t2",
    "",
  ].join("\n");
  const fields = Array.from(
    { length: 49 },
    (_, i) => i + 3 === 4 ? ppid : i + 3 === 22 ? start : random.below(100),
  );
  const stat = `100 (${comm}) S ${fields.slice(1).join(" ")}\n`;
  const maps = [
    "00400000-00401000 r-xp 00000000 08:01 11 " + " ".repeat(24) + "/bin/first",
    "7f0000000000-7f0000004000 r-xp 00001000 08:01 12 " + " ".repeat(16) + path.replaceAll("\n", "\\012"),
    "7ffff7fc0000-7ffff7fc2000 r-xp 00000000 00:00 0 " + " ".repeat(17) + "[vdso]",
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 " + " ".repeat(9) + "[vsyscall]",
    "",
  ].join("\n");
  return { comm, ppid, uid, start, path, texts: { status, stat, maps, comm: `${comm}\n` } };
}

function procOf({ status, stat, maps, comm }: Truth["texts"]): Proc {
  return {
    text: (path) =>
      path.endsWith("/status")
        ? status
        : path.endsWith("/stat")
        ? stat
        : path.endsWith("/maps")
        ? maps
        : path.endsWith("/comm")
        ? comm
        : undefined,
    list: (path) => path.endsWith("/task") ? ["100", "101"] : [],
  };
}

function same(what: string, found: unknown, truth: unknown): void {
  if (found !== truth) {
    throw new Error(`${what} is ${JSON.stringify(truth)}, read as ${JSON.stringify(found)}`);
  }
}

/** Fails when a field is not read as it is, whatever the process calls itself. */
function checkTruth({ comm, ppid, uid, start, path, texts }: Truth): void {
  const proc = procOf(texts);
  const process = readProcess(proc, 100);
  same("ppid", process?.ppid, ppid);
  same("comm", process?.threads[0].comm, comm);
  same("path", process?.maps[1].filename, path);
  same("maps", process?.maps.length, 4);
  same("start", startTimeOf(proc, 100), start);
  same("uid", processUsers(texts.status)?.real, uid);
  same("NSpid", procField(texts.status, "NSpid"), "100\t7");
  const stat = parseStat(texts.stat);
  same("comm in stat", stat?.comm, comm);
  same("ppid in stat", stat?.ppid, ppid);
  same("vdso", findVdso(texts.maps)?.start, 0x7ffff7fc0000);
}

/** Has every parser read the text, whatever it is. */
function readAll(text: string): void {
  const proc: Proc = {
    text: () => text,
    list: (path) => path.endsWith("/task") ? ["100"] : text.split("\n").slice(0, 20),
  };
  const files = { read: () => text, list: () => text.split("\n").slice(0, 20) };
  readProcess(proc, 100, "readable");
  startTimeOf(proc, 100);
  for (
    const _ of processRecords(proc, [100], {
      layout: LAYOUT,
      buildIdOf: () => undefined,
      maps: "readable",
    })
  ) { /* each is encoded */ }
  processMaps(proc, 100);
  parseMaps(text);
  parseModules(text);
  codeLength(text);
  kernelText([new TextEncoder().encode(text)]);
  findVdso(text);
  readHost(proc.text, "x86_64");
  readPrivilege(files);
  readFingerprint(files, { arch: "x86_64", tool: "x" });
  processUsers(text);
  procField(text, "NSpid");
  parseStat(text);
  isMounted(text, "tracefs");
  parseMapsLine(text);
}

const OTHERS = [
  "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 158\nmodel name\t: A CPU @ 3 GHz\nstepping\t: 10\n" +
  "cpu MHz\t\t: 2400.000\n",
  "MemTotal:       24000000 kB\nMemFree:  1 kB\n",
  "tracefs /sys/kernel/tracing tracefs rw 0 0\nproc /proc proc rw 0 0\n",
  "e1000 12288 0 - Live 0xffffffffc0000000 (O)\next4 1024 2 a,b, Live 0xffffffffc0010000\n",
  "00001000-00002fff : System RAM\n  01000000-01e03fff : Kernel code\n",
  "ffffffff81000000 T _text\nffffffff81e04000 T _etext\n",
];
const WORDS = [
  "0-3,8",
  "4294967295",
  "PPid:\t",
  "Uid:\t0\t0\t0\t0\n",
  "CapEff:\t",
  "Seccomp:\t2",
  "(",
  ")",
  "\n",
  "\\012",
  "ffffffffffffffff-0 r-xp ",
  "g",
  " 0x",
  " : Kernel code",
  ...HOSTILE_NAMES,
];

export function procTargets(): Target[] {
  const encoder = new TextEncoder(), decoder = new TextDecoder();
  const seeds = (random: Random) => [...Object.values(someProcess(random).texts), ...OTHERS];
  return [
    {
      name: "proc-names",
      what: "/proc of processes with hostile names and paths: every field has to be read as it is",
      weight: 6,
      make(random): Input {
        const truth = someProcess(random);
        return {
          bytes: encoder.encode(JSON.stringify(truth)),
          made: JSON.stringify(truth.comm),
          check: () => checkTruth(truth),
        };
      },
      take: (bytes) => checkTruth(JSON.parse(decoder.decode(bytes))),
    },
    {
      name: "proc-text",
      what: "any text, in every file of /proc and /sys",
      weight: 6,
      make: (random) => ({
        bytes: encoder.encode(mutateText(seeds(random), WORDS, random)),
        made: "text changed",
      }),
      take: (bytes) => readAll(decoder.decode(bytes)),
    },
    {
      name: "cpu-list",
      what: "lists of CPUs, as recordings and /sys have them",
      weight: 1,
      make: (random) => ({
        bytes: encoder.encode(
          mutateText(["0-3,8", "0", "0-1,4-5\n"], ["-", ",", "99999", "0-99999", " "], random),
        ),
        made: "text changed",
      }),
      take: (bytes) => void parseCpuList(decoder.decode(bytes)),
    },
  ];
}
