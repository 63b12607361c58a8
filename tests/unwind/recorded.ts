/** Walks the stacks that a recording with copies has (perf record --call-graph dwarf), as a reader of such files would. */

import { PERF_RECORD, PERF_RECORD_MISC } from "../../lib/base/system/abi.ts";
import { FileBytes } from "../../lib/base/files/file_bytes.ts";
import { PerfDataReader, type RecordCursor, type SampleCursor } from "../../lib/perfdata/read/reader.ts";
import { decodeComm, decodeMmap, decodeMmap2, decodeTask } from "../../lib/perfdata/format/records.ts";
import { SampleTail } from "../../lib/perfdata/read/sample_tail.ts";
import { AddressSpaces } from "../../lib/symbols/space/address_space.ts";
import { ElfFile } from "../../lib/symbols/elf/elf.ts";
import { hostSymbolFiles } from "../../lib/symbols/files/host_files.ts";
import type { ObjectInfo } from "../../lib/symbols/object/objects.ts";
import type { Arch } from "../../lib/unwind/arch.ts";
import { MappedCode } from "../../lib/unwind/mapped_code.ts";
import { UnwindObject } from "../../lib/unwind/object.ts";
import { registerPlan, Unwinder } from "../../lib/unwind/walk.ts";

/** PERF_SAMPLE_REGS_ABI_64 */
const ABI_64 = 2;
const MAX_FRAMES = 127;

/** Opens the object of this machine that code was mapped from. */
export function openUnwindObject(object: ObjectInfo): UnwindObject | undefined {
  if (object.kind === "anon") return undefined;
  if (object.kind === "jit") return UnwindObject.generated();
  const source = hostSymbolFiles().open(object);
  return source ? UnwindObject.open(new ElfFile(source)) : UnwindObject.unreadable("no such file");
}

/** Walks all samples of a file; tells each chain. */
export class RecordedStacks {
  readonly unwinder: Unwinder;
  readonly spaces = new AddressSpaces();
  readonly code = new MappedCode(this.spaces, openUnwindObject);
  /** Frames of the last chain. */
  readonly out = new Float64Array(MAX_FRAMES);
  /** ns that walking took. */
  walkNs = 0;
  /** What a cursor's time 0 means, in ns. */
  timeBase = 0n;
  readonly #tail = new SampleTail();

  constructor(arch: Arch) {
    this.unwinder = new Unwinder(arch);
  }

  /** Reads `path`; calls `take` with each sample of user registers, the depth of its chain and why that ended. */
  async read(path: string, take: (c: SampleCursor, depth: number, end: number) => void): Promise<void> {
    const reader = new PerfDataReader(FileBytes.tryOpen(path)!);
    const header = await reader.open();
    const plans = header.events.map(({ attr }) => registerPlan(this.unwinder.arch, attr.sampleRegsUser));
    const layouts = header.events.map(({ layout }) => layout);
    const { unwinder, code, out } = this, tail = this.#tail;
    let view = new DataView<ArrayBufferLike>(new ArrayBuffer(0));
    reader.read({
      sample: (c) => {
        this.timeBase = reader.timeBase;
        if (!tail.read(c.u32, c.pos, c.size, layouts[c.event]) || tail.abi !== ABI_64) return;
        if (view.buffer !== c.u8.buffer) view = new DataView(c.u8.buffer);
        code.pid = c.pid;
        const started = performance.now();
        unwinder.loadRegisters(plans[c.event], c.u32, tail.registers);
        unwinder.loadStack(view, c.u8.byteOffset + tail.stack, tail.copied, tail.copied === tail.room);
        const depth = unwinder.walk(code, out);
        this.walkNs += (performance.now() - started) * 1e6;
        take(c, depth, unwinder.end);
      },
      record: (c) => this.#record(c),
    });
  }

  #record(c: RecordCursor): void {
    const { spaces } = this;
    switch (c.type) {
      case PERF_RECORD.MMAP:
        return spaces.mmap(decodeMmap(c), c.misc & PERF_RECORD_MISC.CPUMODE_MASK);
      case PERF_RECORD.MMAP2:
        return spaces.mmap(decodeMmap2(c), c.misc & PERF_RECORD_MISC.CPUMODE_MASK);
      case PERF_RECORD.COMM: {
        const { pid, tid, comm } = decodeComm(c);
        return spaces.comm(pid, tid, comm, false);
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

  /** Addresses of the last chain as perf 6.1 prints them: the first where it was, others one less, each in its file. */
  inFiles(depth: number): string[] {
    const { code, out, spaces } = this;
    return Array.from(out.subarray(0, depth), (pc, i) => {
      const address = i === 0 ? pc : pc - 1;
      return spaces.find(code.pid, address, PERF_RECORD_MISC.USER) < 0 ? "?" : spaces.at.toString(16);
    });
  }
}
