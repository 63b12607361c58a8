/** The whole way from a recording's records to names, against `perf script`, on what really ran. */

import { assertEquals, assertGreater } from "@std/assert";
import { PERF_CONTEXT, PERF_RECORD, PERF_RECORD_MISC } from "../../lib/base/system/abi.ts";
import { addressOf } from "../../lib/base/bytes/address.ts";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { PerfDataReader, type RecordCursor, type SampleCursor } from "../../lib/perfdata/read/reader.ts";
import {
  decodeComm,
  decodeKsymbol,
  decodeMmap,
  decodeMmap2,
  decodeTask,
} from "../../lib/perfdata/format/records.ts";
import { AddressSpaces } from "../../lib/symbols/space/address_space.ts";
import type { SymbolFiles } from "../../lib/symbols/files/symbol_files.ts";
import { Symbolizer } from "../../lib/symbols/symbolizer.ts";
import { captureVdso } from "../../lib/symbols/kernel/vdso.ts";
import { testNeeding } from "../needs.ts";
import { fileBytes } from "./oracle.ts";

/** Forks, execs, short-lived processes, pipes and threads of different programs. */
const WORK = `
for i in 1 2 3; do
  ls -laR /usr/include > /dev/null
  seq 60000 | sort -r | md5sum > /dev/null
  (find /usr/include | wc -l > /dev/null; true) &
  sh -c 'exec sh -c "seq 20000 | tail -1 > /dev/null"'
done
wait
`;

const files: SymbolFiles = {
  open: (object) => object.kind === "vdso" ? ownVdso() : tryFile(object.path),
  kallsyms: () => Deno.readFileSync("/proc/kallsyms"),
  debugFiles: (_object, { buildId = "" }) => {
    const file = tryFile(`/usr/lib/debug/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`);
    return file ? [file] : [];
  },
};

function tryFile(path: string) {
  try {
    return fileBytes(path);
  } catch {
    return undefined;
  }
}

function ownVdso() {
  return captureVdso(Deno.readTextFileSync("/proc/self/maps"), (address, length) => {
    using file = Deno.openSync("/proc/self/mem");
    file.seekSync(address, Deno.SeekMode.Start);
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, file.readSync(bytes) ?? 0);
  });
}

function feed(spaces: AddressSpaces, c: RecordCursor): void {
  const cpumode = c.misc & PERF_RECORD_MISC.CPUMODE_MASK;
  switch (c.type) {
    case PERF_RECORD.MMAP:
      return spaces.mmap(decodeMmap(c), cpumode);
    case PERF_RECORD.MMAP2:
      return spaces.mmap(decodeMmap2(c), cpumode);
    case PERF_RECORD.KSYMBOL:
      return spaces.ksymbol(decodeKsymbol(c));
    case PERF_RECORD.COMM: {
      const { pid, tid, comm, exec } = decodeComm(c);
      return spaces.comm(pid, tid, comm, exec);
    }
    case PERF_RECORD.FORK: {
      const { pid, ppid, tid, ptid } = decodeTask(c);
      return spaces.fork(pid, ppid, tid, ptid, (c.misc & PERF_RECORD_MISC.FORK_EXEC) === 0);
    }
    case PERF_RECORD.EXIT: {
      const { pid, tid } = decodeTask(c);
      return spaces.exit(pid, tid);
    }
  }
}

/** `comm;symbol;caller;...` for each sample, in the order of time. */
async function ourStacks(path: string): Promise<string[]> {
  const reader = new PerfDataReader(new MemoryBytes(await Deno.readFile(path), path));
  const { features } = await reader.open();
  const spaces = new AddressSpaces();
  for (const { filename, buildId } of features.buildIds) spaces.objects.setBuildId(filename, buildId);
  const symbolizer = new Symbolizer(files);
  const name = (pid: number, address: number, mode: number) => {
    const object = spaces.find(pid, address, mode);
    if (object < 0) return "[unknown]";
    const id = symbolizer.symbolize(spaces.objects.rows[object], spaces.at);
    return id < 0 ? "[unknown]" : symbolizer.symbol(id).name;
  };
  const stacks: string[] = [];
  reader.read({
    sample(c: SampleCursor) {
      const stack = [spaces.commOf(c.pid, c.tid)];
      let mode = c.cpumode;
      for (let i = 0; i < c.chainLength; i++) {
        const at = c.chain + 2 * i;
        const address = addressOf(c.u32[at], c.u32[at + 1]);
        if (address === PERF_CONTEXT.KERNEL) mode = PERF_RECORD_MISC.KERNEL;
        else if (address === PERF_CONTEXT.USER) mode = PERF_RECORD_MISC.USER;
        else if (address < 0 && address >= PERF_CONTEXT.MAX) {
          stack.length = 1; // garbage from a stack without frame pointers: perf drops the whole chain
          break;
        } else stack.push(name(c.pid, address, mode));
      }
      stacks.push(stack.join(";"));
    },
    record: (c) => feed(spaces, c),
  });
  return stacks;
}

async function perfStacks(path: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("perf", {
    args: ["script", "-i", path, "-F", "comm,ip,sym", "--no-demangle"],
    env: { LC_ALL: "C" },
    stderr: "null",
  }).output();
  const blocks = new TextDecoder().decode(stdout).split("\n\n").filter((block) => block.trim() !== "");
  return blocks.map((block) => {
    const [comm, ...frames] = block.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    return [comm, ...frames.map((frame) => frame.slice(frame.indexOf(" ") + 1))].join(";");
  });
}

testNeeding(
  ["perf", "root"],
  "every frame of every call chain of busy processes gets the symbol that perf gives it",
  async () => {
    const dir = await Deno.makeTempDir();
    try {
      const path = `${dir}/perf.data`;
      const recorded = await new Deno.Command("perf", {
        args: ["record", "-e", "cpu-clock", "-F", "4999", "-N", "-g", "-o", path, "sh", "-c", WORK],
        stdout: "null",
        stderr: "piped",
      }).output();
      assertEquals(recorded.success, true, new TextDecoder().decode(recorded.stderr));
      const ours = await ourStacks(path);
      const theirs = await perfStacks(path);
      assertEquals(ours.length, theirs.length);
      assertGreater(ours.length, 500);
      // perf 6.1 gives stubs each other's names in libraries that have indirect functions
      const comparable = (stack: string) => stack.replace(/[^;]*@plt/g, "@plt");
      const differing = ours.flatMap((stack, i) =>
        comparable(stack) === comparable(theirs[i]) ? [] : [{ perf: theirs[i], ours: stack }]
      );
      assertEquals(differing.slice(0, 5), []);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
);
