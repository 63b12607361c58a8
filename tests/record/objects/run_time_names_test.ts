import { assertEquals, assertStringIncludes } from "@std/assert";
import { FileBytes } from "../../../lib/base/files/file_bytes.ts";
import type { OpenRefusal } from "../../../lib/base/files/guarded_open.ts";
import { RunTimeNames } from "../../../lib/record/objects/run_time_names.ts";
import { Bundle } from "../../../lib/symbols/bundle/bundle.ts";
import type { BundledObject } from "../../../lib/symbols/bundle/bundled_object.ts";
import { parsePerfMap } from "../../../lib/symbols/jit/perf_map.ts";
import { Budget } from "../../../lib/symbols/object/limits.ts";
import { jitDump } from "../../symbols/jit/made_jitdump.ts";

const MISSING: OpenRefusal = { kind: "missing", cause: "it does not exist" };

/** Processes of a machine whose maps are files of a test. Process N started at 1000 + N. */
class Machine {
  readonly ended = new Set<number>();
  /** Gives the map of a process in other namespaces: a file, a refusal, or undefined for one in ours. */
  namespaced: (pid: number) => FileBytes | OpenRefusal | undefined = () => MISSING;
  /** Gives the map in our own /tmp. */
  own: (path: string) => FileBytes | OpenRefusal = () => MISSING;
  mapped: () => FileBytes | undefined = () => undefined;
  /** Gives the maps of roots that are held, once it is set. */
  atEnd: FileBytes | undefined;
  readonly opened: number[] = [];
  /** Number of roots that are open. */
  roots = 0;
  readonly names = new RunTimeNames({
    jitProcess: (pid) => this.ended.has(pid) ? undefined : { pid, uid: 7, started: 1000.5 + pid },
    openRoot: (pid) => {
      this.opened.push(pid);
      const map = this.namespaced(pid);
      if (map === undefined) return undefined;
      this.roots++;
      return { openPerfMap: () => this.atEnd ?? map, [Symbol.dispose]: () => void this.roots-- };
    },
    openJitFile: (path) => this.own(path),
    openMapped: () => this.mapped(),
  });

  see(pid: number, filename = "//anon"): void {
    this.names.see({ pid, filename, start: 0x1000, length: 0x1000 });
  }

  /** Returns the names at addresses of process 5, and what could not be read. */
  async find(...addresses: number[]) {
    const { bundle, failures } = await this.names.find(new Map([[5, new Set(addresses)]]));
    const names = objectsIn(bundle).flatMap(({ facts, symbols, jitDump }) =>
      symbols === undefined && jitDump === undefined
        ? []
        : jitDump
        ? `${facts.path} a jitdump`
        : Array.from({ length: symbols!.length }, (_, row) => `${facts.path} ${symbols!.name(row)}`)
    );
    return { names, failures };
  }
}

function objectsIn(bundle: Uint8Array | undefined): BundledObject[] {
  return bundle === undefined ? [] : [...new Bundle(bundle, new Budget().cost("names")).objects];
}

/** Returns what a bundle says of each object. */
function warningsIn(bundle: Uint8Array | undefined): string[] {
  return objectsIn(bundle).flatMap(({ facts: { path, warnings = [] } }) =>
    warnings.map((text) => `${path}: ${text}`)
  );
}

/** Calls `body` with the path of a file with these bytes. */
async function withFile(bytes: string | Uint8Array, body: (path: string) => void | Promise<void>) {
  const path = await Deno.makeTempFile({ prefix: "pmuctl-test-" });
  try {
    await Deno.writeFile(path, typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("RunTimeNames keeps the names that samples hit, of a map that was held and has grown since", async () => {
  const machine = new Machine();
  await withFile("1000 10 first\n", async (path) => {
    machine.see(5);
    machine.names.look();
    machine.namespaced = () => FileBytes.tryOpen(path)!;
    machine.names.look();
    Deno.writeTextFileSync(path, "2000 10 second\n3000 10 never hit\n", { append: true });
    machine.ended.add(5);
    machine.namespaced = () => undefined;
    assertEquals(await machine.find(0x1008, 0x2000, 0x200f, 0x2010), {
      names: ["/tmp/perf-5.map first", "/tmp/perf-5.map second"],
      failures: [],
    });
    machine.names.close();
  });
});

Deno.test("RunTimeNames finds the map that a container's process made just before it ended, and holds no root for longer", async () => {
  const machine = new Machine();
  await withFile("1000 10 last\n", async (path) => {
    machine.see(5);
    machine.names.look();
    machine.names.look();
    assertEquals(machine.roots, 1);
    machine.ended.add(5);
    machine.namespaced = () => undefined;
    machine.atEnd = FileBytes.tryOpen(path)!;
    machine.names.look();
    assertEquals([(await machine.find(0x1008)).names, machine.roots], [["/tmp/perf-5.map last"], 0]);
    machine.names.close();
  });
  const other = new Machine();
  other.see(5);
  other.names.look();
  assertEquals(other.roots, 1);
  other.names.close();
  assertEquals(other.roots, 0);
});

Deno.test("RunTimeNames takes the map that a process has made anew rather than the one that was held", async () => {
  const machine = new Machine();
  await withFile("1000 10 old\n", (old) =>
    withFile("1000 10 new\n", async (path) => {
      machine.namespaced = () => FileBytes.tryOpen(old)!;
      machine.see(5);
      machine.names.look();
      machine.namespaced = () => FileBytes.tryOpen(path)!;
      assertEquals((await machine.find(0x1008)).names, ["/tmp/perf-5.map new"]);
      machine.names.close();
    }));
});

Deno.test("RunTimeNames reads a map in our own namespaces at the end, and never takes it for one of a container", async () => {
  await withFile("1000 10 first\n", async (path) => {
    const ours = new Machine();
    ours.namespaced = () => undefined;
    ours.own = () => FileBytes.tryOpen(path)!;
    ours.see(5);
    ours.names.look();
    assertEquals((await ours.find(0x1008)).names, ["/tmp/perf-5.map first"]);
    const contained = new Machine();
    contained.own = ours.own;
    contained.see(5);
    contained.names.look();
    contained.ended.add(5);
    assertEquals((await contained.find(0x1008)).names, []);
  });
});

Deno.test("RunTimeNames keeps a jitdump without its code, and nothing of one without hits", async () => {
  const machine = new Machine();
  await withFile(
    jitDump([{ time: 1, address: 0x1000, size: 0x100, index: 0, name: "fib" }]),
    async (path) => {
      machine.mapped = () => FileBytes.tryOpen(path)!;
      machine.see(5, "/tmp/jit-5.dump");
      machine.see(5, "/tmp/jit-5.dump");
      assertEquals((await machine.find(0x1008)).names, ["/tmp/jit-5.dump a jitdump"]);
      assertEquals((await machine.find(0x2000)).names, []);
      machine.names.close();
    },
  );
});

/** Returns the name at each address that `findAll` tells of process 5. */
async function allAt(
  machine: Machine,
  addresses: number[],
): Promise<{ names: string[]; failures: string[] }> {
  machine.names.look();
  const { bundle, failures } = await machine.names.findAll();
  const table = objectsIn(bundle).find(({ facts }) => facts.path === "/tmp/perf-5.map")?.symbols;
  const names = addresses.map((address) => {
    const row = table?.find(address) ?? -1;
    return row < 0 ? "" : table!.name(row);
  });
  return { names, failures };
}

Deno.test("RunTimeNames.findAll() has all names of a map, also where they overlap", async () => {
  await withFile("1000 100 outer\n1040 10 inner\n2000 10 alone\n", async (path) => {
    const machine = new Machine();
    machine.namespaced = () => undefined;
    machine.own = () => FileBytes.tryOpen(path)!;
    machine.see(5);
    const map = parsePerfMap(FileBytes.tryOpen(path)!).symbols!;
    const addresses = [0xfff, 0x1000, 0x103f, 0x1040, 0x104f, 0x1050, 0x10ff, 0x1100, 0x2000, 0x200f, 0x2010];
    const expected = addresses.map((address) => map.find(address) < 0 ? "" : map.name(map.find(address)));
    assertEquals(await allAt(machine, addresses), { names: expected, failures: [] });
    assertEquals([expected[1], expected[3], expected[8]], ["outer", "inner", "alone"]);
  });
});

Deno.test("RunTimeNames.findAll() has the code of a jitdump where it was in the end", async () => {
  const loads = [
    { time: 10, address: 0x1000, size: 0x40, index: 0, name: "first" },
    { time: 20, address: 0x1000, size: 0x20, index: 1, name: "second" },
  ];
  await withFile(jitDump(loads, [{ time: 30, index: 1, to: 0x5000, size: 0x20 }]), async (path) => {
    const machine = new Machine();
    machine.mapped = () => FileBytes.tryOpen(path)!;
    machine.see(5, "/tmp/jit-5.dump");
    const { names } = await allAt(machine, [0x1000, 0x101f, 0x1020, 0x103f, 0x1040, 0x5000, 0x5020]);
    assertEquals(names, ["second", "second", "first", "first", "", "second", ""]);
    machine.names.close();
  });
});

Deno.test("RunTimeNames.findAll() says when there are too many functions", async () => {
  const lines = Array.from({ length: 200_001 }, (_, i) => `${(0x10000 + 16 * i).toString(16)} 10 f\n`);
  await withFile(lines.join(""), async (path) => {
    const machine = new Machine();
    machine.namespaced = () => undefined;
    machine.own = () => FileBytes.tryOpen(path)!;
    machine.see(5);
    machine.names.look();
    assertStringIncludes((await machine.names.findAll()).failures[0], "over the limit of 200,000 functions");
  });
});

Deno.test("RunTimeNames keeps no more names than a recording can carry, whatever a map says", async () => {
  const long = "x".repeat(66_000);
  const lines = Array.from({ length: 600 }, (_, i) => `${(0x1000 * (i + 1)).toString(16)} 10 ${long}\n`);
  await withFile(lines.join(""), async (path) => {
    const machine = new Machine();
    machine.namespaced = () => undefined;
    machine.own = () => FileBytes.tryOpen(path)!;
    const { names, failures } = await machine.find(...lines.keys().map((i) => 0x1000 * (i + 1)));
    assertEquals([names.length, failures.length], [0, 1]);
    assertStringIncludes(failures[0], "over the limit of 32 MiB of names");
  });
});

Deno.test("RunTimeNames says which file is over a limit, and leaves it to reports to say which one is damaged", async () => {
  await withFile("not a dump, but long enough to be read as one", async (path) => {
    const machine = new Machine();
    machine.mapped = () => FileBytes.tryOpen(path)!;
    machine.see(5, "/tmp/jit-5.dump");
    const said = ["/tmp/jit-5.dump: cannot read /tmp/jit-5.dump: it is not a jitdump"];
    const { bundle, failures } = await machine.names.find(new Map([[5, new Set([0x1008])]]));
    assertEquals([warningsIn(bundle), failures], [said, []]);
    assertEquals(warningsIn((await machine.names.findAll()).bundle), said);
    machine.names.close();
  });
  await withFile("no map\n", async (path) => {
    const machine = new Machine();
    machine.namespaced = () => undefined;
    machine.own = () => FileBytes.tryOpen(path)!;
    const { bundle } = await machine.names.find(new Map([[5, new Set([0x1008])]]));
    assertStringIncludes(warningsIn(bundle)[0], "skipped 1 of 1 line of /tmp/perf-5.map");
  });
  await withFile("", async (path) => {
    Deno.truncateSync(path, 2 ** 30);
    const machine = new Machine();
    machine.namespaced = () => undefined;
    machine.own = () => FileBytes.tryOpen(path)!;
    const { failures } = await machine.find(0x1008);
    assertStringIncludes(failures[0], "/tmp/perf-5.map are not kept for reports: over the limit of");
    assertEquals(failures.length, 1);
  });
});

Deno.test("RunTimeNames asks no further for processes that are in our namespaces, and for maps that it may not read", () => {
  for (const answer of [undefined, { kind: "untrusted", cause: "it belongs to user 8" } as OpenRefusal]) {
    const machine = new Machine();
    machine.namespaced = () => answer;
    machine.see(5);
    machine.names.look();
    machine.names.look();
    assertEquals(machine.opened, [5]);
  }
});

Deno.test("RunTimeNames notes a process once, none that has ended, and none that maps files alone", () => {
  const machine = new Machine();
  machine.ended.add(6);
  for (const pid of [5, 5, 6]) machine.see(pid);
  machine.see(7, "/usr/lib/libc.so.6");
  machine.names.look();
  assertEquals([machine.names.processes, machine.opened], [[{ pid: 5, uid: 7, started: 1005.5 }], [5]]);
});

Deno.test("RunTimeNames bounds the maps it waits for and the processes it remembers", () => {
  const machine = new Machine();
  for (let pid = 1; pid <= 10_100; pid++) machine.see(pid);
  machine.names.look();
  assertEquals([machine.names.processes.length, machine.opened.length], [10_000, 256]);
});

Deno.test("RunTimeNames.findAll() has the names of a jitdump beside one that is damaged", async () => {
  const load = { time: 10, address: 0x1000, size: 0x40, index: 0, name: "first" };
  await withFile(
    "not a dump, but long enough to be read as one",
    (damaged) =>
      withFile(jitDump([load]), async (path) => {
        const machine = new Machine();
        for (const [name, file] of [["/tmp/jit-5.dump", damaged], ["/var/jit-5.dump", path]]) {
          machine.mapped = () => FileBytes.tryOpen(file)!;
          machine.see(5, name);
        }
        assertEquals((await allAt(machine, [0x1000])).names, ["first"]);
        machine.names.close();
      }),
  );
});
