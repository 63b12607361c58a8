import { assertEquals } from "@std/assert";
import { FileBytes } from "../../../lib/base/files/file_bytes.ts";
import type { OpenRefusal } from "../../../lib/base/files/guarded_open.ts";
import { PerfMaps } from "../../../lib/record/objects/perf_maps.ts";

const MISSING: OpenRefusal = { kind: "missing", cause: "it does not exist" };

/** Processes of a machine whose maps are files of a test. Process N started at 1000 + N. */
class Machine {
  readonly ended = new Set<number>();
  /** Gives the map of a process: a file, a refusal, or undefined for one in our namespaces. */
  mapOf: (pid: number) => FileBytes | OpenRefusal | undefined = () => MISSING;
  /** Answers to saving: why not, or what it throws. */
  saving: () => string | undefined = () => undefined;
  readonly opened: number[] = [];
  readonly saved: string[] = [];
  readonly maps = new PerfMaps({
    jitProcess: (pid) => this.ended.has(pid) ? undefined : { pid, uid: 7, started: 1000.5 + pid },
    openNamespacedPerfMap: (pid) => {
      this.opened.push(pid);
      return this.mapOf(pid);
    },
    saveMap: (_file, name) => {
      const failure = this.saving();
      if (failure === undefined) this.saved.push(name);
      return Promise.resolve(failure);
    },
  });
}

/** Calls `body` with a function that opens a map anew. */
async function withMap(body: (open: () => FileBytes) => void | Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".map" });
  try {
    await Deno.writeTextFile(path, "1000 10 function\n");
    await body(() => FileBytes.tryOpen(path)!);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("PerfMaps holds a map once its process has made it, and saves it under the name it reports", async () => {
  const machine = new Machine(), { maps } = machine;
  await withMap(async (open) => {
    maps.see(5);
    maps.look();
    assertEquals([maps.pids, maps.processes(new Set([5]))], [[], [{ pid: 5, uid: 7, started: 1005.5 }]]);
    machine.mapOf = open;
    maps.look();
    assertEquals(maps.pids, [5]);
    assertEquals(maps.processes(new Set([5])), [{ pid: 5, uid: 7, started: 1005.5, map: "perf-5-1005.map" }]);
    assertEquals(maps.processes(new Set()), [{ pid: 5, uid: 7, started: 1005.5 }]);
    assertEquals([await maps.save(5, () => false), machine.saved], [undefined, ["perf-5-1005.map"]]);
    maps.close();
    assertEquals(maps.pids, []);
  });
});

Deno.test("PerfMaps asks no further for processes that are in our namespaces, and for maps that it may not read", () => {
  for (const answer of [undefined, { kind: "untrusted", cause: "it belongs to user 8" } as OpenRefusal]) {
    const machine = new Machine(), { maps } = machine;
    machine.mapOf = () => answer;
    maps.see(5);
    maps.look();
    maps.look();
    assertEquals([machine.opened, maps.pids], [[5], []]);
    assertEquals(maps.processes(new Set([5])).map(({ map }) => map), [undefined]);
  }
});

Deno.test("PerfMaps notes a process once, and none that has ended", () => {
  const machine = new Machine(), { maps } = machine;
  machine.ended.add(6);
  for (const pid of [5, 5, 6]) maps.see(pid);
  maps.look();
  assertEquals([maps.processes(new Set()).map(({ pid }) => pid), machine.opened], [[5], [5]]);
});

Deno.test("PerfMaps bounds the maps it waits for and the processes it remembers", () => {
  const machine = new Machine(), { maps } = machine;
  for (let pid = 1; pid <= 10_100; pid++) maps.see(pid);
  maps.look();
  assertEquals([maps.processes(new Set()).length, machine.opened.length], [10_000, 256]);
});

Deno.test("PerfMaps.save() says why a map is not saved, and saves nothing of a process without one", async () => {
  const machine = new Machine(), { maps } = machine;
  await withMap(async (open) => {
    machine.mapOf = open;
    maps.see(5);
    maps.look();
    machine.saving = () => "there is no home folder";
    assertEquals(await maps.save(5, () => false), "there is no home folder");
    machine.saving = () => {
      throw new Error("the disk is full");
    };
    assertEquals(await maps.save(5, () => false), "the disk is full");
    assertEquals([await maps.save(6, () => false), machine.saved], [undefined, []]);
    maps.close();
  });
});
