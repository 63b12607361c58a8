import { parseCpuList } from "../../lib/base/text/cpu_list.ts";
import { assert, assertEquals } from "@std/assert";
import { fieldMaximum, formatText, packField, parseFormat, Pmus } from "../../lib/events/sysfs.ts";
import {
  AMD,
  ARM,
  denied,
  INTEL_HYBRID,
  INTEL_SERVER,
  type Tree,
  treeFiles,
  VIRTUAL_MACHINE,
} from "./trees.ts";

const pmusOf = (tree: Tree) => new Pmus(treeFiles({ "/sys/bus/event_source/devices": tree }));

Deno.test("parseFormat() reads single bits, ranges and split ranges", () => {
  assertEquals(parseFormat("edge", "config:18\n")?.ranges, [[18, 18]]);
  assertEquals(parseFormat("ldlat", "config1:0-15"), { name: "ldlat", word: "config1", ranges: [[0, 15]] });
  assertEquals(parseFormat("event", "config:0-7,32-35")?.ranges, [[0, 7], [32, 35]]);
  assertEquals(parseFormat("event", "config:0-7,21")?.ranges, [[0, 7], [21, 21]]);
});

Deno.test("parseFormat() passes over what is no format", () => {
  for (const text of ["", "config", "config:", "config9:0-7", "config:7-0", "config:0-64", "config:0-7;8"]) {
    assertEquals(parseFormat("x", text), undefined, text);
  }
});

Deno.test("packField() spreads a value over a split field and leaves the other bits", () => {
  const field = parseFormat("event", "config:0-7,32-35")!;
  assertEquals(fieldMaximum(field), 0xfffn);
  assertEquals(packField(0xff00n, field, 0x1c3n), 0x1_0000_ffc3n);
  assertEquals(packField(0xf_0000_00ffn, field, 0n), 0n);
  assertEquals(formatText(field), "config:0-7,32-35");
});

Deno.test("packField() fills a whole word", () => {
  const field = parseFormat("event", "config:0-63")!;
  assertEquals(packField(0n, field, fieldMaximum(field)), 0xffff_ffff_ffff_ffffn);
});

Deno.test("parseCpuList() reads the kernel's list format", () => {
  assertEquals(parseCpuList("0-3,8,10-11\n"), [0, 1, 2, 3, 8, 10, 11]);
  assertEquals(parseCpuList(""), []);
});

Deno.test("Pmus reads type, formats, events with unit and scale, CPUs and caps", () => {
  const pmus = pmusOf(INTEL_SERVER);
  const cpu = pmus.get("cpu")!;
  assertEquals([cpu.type, cpu.core, cpu.cpus], [4, true, undefined]);
  assertEquals(cpu.caps.get("max_precise"), "3");
  assertEquals(cpu.events.get("mem-loads")?.terms, "event=0xcd,umask=0x1,ldlat=3");
  const imc = pmus.get("uncore_imc_1")!;
  assertEquals([imc.type, imc.core, imc.cpus], [15, false, [0, 16]]);
  assertEquals(imc.events.get("cas_count_read"), {
    name: "cas_count_read",
    terms: "event=0x04,umask=0x0f",
    unit: "MiB",
    scale: 6.103515625e-5,
    perPackage: false,
    snapshot: false,
  });
  assertEquals([...imc.events.keys()], ["cas_count_read", "clockticks"]);
});

Deno.test("Pmus tells core PMUs from others", () => {
  const names = (tree: Tree) => pmusOf(tree).core().map((pmu) => pmu.name);
  assertEquals(names(VIRTUAL_MACHINE), []);
  assertEquals(names(INTEL_SERVER), ["cpu"]);
  assertEquals(names(AMD), ["cpu"]);
  assertEquals(names(INTEL_HYBRID), ["cpu_atom", "cpu_core"]);
  assertEquals(names(ARM), ["armv8_pmuv3_0"]);
});

Deno.test("Pmus.matching() takes a PMU's name, its stem, a glob, and nothing else", () => {
  const pmus = pmusOf(INTEL_SERVER);
  const names = (text: string) => pmus.matching(text).map((pmu) => pmu.name);
  assertEquals(names("uncore_imc_0"), ["uncore_imc_0"]);
  assertEquals(names("uncore_imc"), ["uncore_imc_0", "uncore_imc_1"]);
  assertEquals(names("imc"), ["uncore_imc_0", "uncore_imc_1"]);
  assertEquals(names("*imc_1"), ["uncore_imc_1"]);
  assertEquals(names("im"), []);
  assertEquals(names("[z-a]"), []);
});

Deno.test("Pmus is empty where there is no sysfs or it is closed", () => {
  assertEquals(new Pmus(treeFiles({})).names(), []);
  assertEquals(new Pmus(treeFiles({ "/sys/bus/event_source/devices": denied })).names(), []);
});

Deno.test("Pmus reads this machine", () => {
  const software = new Pmus().get("software");
  assert(software, "the kernel always has a software PMU");
  assertEquals(software.type, 1);
});
