/** Chains against those that the compiler's own unwinder finds in the same process: own_stacks.c. */

import { assertEquals, assertGreater } from "@std/assert";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { FileBytes } from "../../lib/base/files/file_bytes.ts";
import { ElfFile } from "../../lib/symbols/elf/elf.ts";
import { hostSymbolFiles } from "../../lib/symbols/files/host_files.ts";
import { ObjectTable } from "../../lib/symbols/object/objects.ts";
import { AARCH64, type Arch, X86_64 } from "../../lib/unwind/arch.ts";
import { END, END_WORDS } from "../../lib/unwind/ends.ts";
import { type CodeSpace, UnwindObject } from "../../lib/unwind/object.ts";
import { registerPlan, Unwinder } from "../../lib/unwind/walk.ts";
import { buildFrames, TEXT_AT } from "./build_frames.ts";
import { hasCommand, testUnless } from "../needs.ts";

const SOURCE = new URL("./own_stacks.c", import.meta.url).pathname;
const SAMPLES = 150;
const PT_GNU_EH_FRAME = 0x6474e550;

/** Where a process has code, from the text of its /proc/PID/maps. */
class Maps implements CodeSpace {
  bias = 0.5;
  readonly #ranges: { start: number; end: number; pgoff: number; object: UnwindObject }[] = [];

  /** @param bare path of a file to be taken for one without call frame information. */
  constructor(text: string, arch: Arch, bare?: string) {
    const objects = new Map<string, UnwindObject>();
    for (const line of text.split("\n")) {
      const parts = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ \d+ *(.*)$/.exec(line);
      if (!parts) continue;
      const [start, end, pgoff] = parts.slice(1, 4).map((part) => parseInt(part, 16)), path = parts[4];
      // qemu's page for signals, which has no name, stands in for the vdso
      const isPage = path === "" && arch === AARCH64;
      if (!objects.has(path)) {
        objects.set(path, isPage ? signalPage() : path === bare ? openBare(path) : open(path));
      }
      this.#ranges.push({ start, end, pgoff: isPage ? TEXT_AT : pgoff, object: objects.get(path)! });
    }
  }

  find(address: number): UnwindObject | undefined {
    for (const { start, end, pgoff, object } of this.#ranges) {
      if (address < start || address >= end) continue;
      this.bias = address - object.addressAt(address - start + pgoff);
      return object;
    }
    return undefined;
  }
}

/** mov x8, #139; svc #0: what signal handlers return to, without call frame information. */
function signalPage(): UnwindObject {
  const bytes = buildFrames([], AARCH64);
  bytes.set([0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4], TEXT_AT);
  return UnwindObject.open(new ElfFile(new MemoryBytes(bytes, "signal page")));
}

function open(path: string): UnwindObject {
  if (path === "[vdso]") {
    const object = new ObjectTable().of({ pid: 1, pgoff: 0, filename: path });
    return UnwindObject.open(new ElfFile(hostSymbolFiles().open(object)!));
  }
  const file = path === "" ? undefined : FileBytes.tryOpen(path);
  return file ? UnwindObject.open(new ElfFile(file)) : UnwindObject.generated();
}

/** Opens a file as if it had no call frame information. */
function openBare(path: string): UnwindObject {
  const bytes = Deno.readFileSync(path), view = new DataView(bytes.buffer);
  const [at, size, count] = [
    Number(view.getBigUint64(32, true)),
    view.getUint16(54, true),
    view.getUint16(56, true),
  ];
  for (let i = 0; i < count; i++) {
    const header = at + i * size;
    if (view.getUint32(header, true) === PT_GNU_EH_FRAME) view.setUint32(header, 0, true);
  }
  for (const { name, offset, size } of new ElfFile(new MemoryBytes(bytes, path)).sections) {
    if (name.startsWith(".eh_frame")) bytes.fill(0, offset, offset + size);
  }
  return UnwindObject.open(new ElfFile(new MemoryBytes(bytes, path)));
}

/** Runs the program, and walks each of its stacks. */
function compare(argv: string[], arch: Arch, isBare: boolean) {
  const { success, stdout, stderr } = new Deno.Command(argv[0], {
    args: [...argv.slice(1), `${SAMPLES}`, "700"],
  })
    .outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const [samples, maps] = new TextDecoder().decode(stdout).split("maps\n");
  const space = new Maps(maps, arch, isBare ? argv.at(-1) : undefined),
    unwinder = new Unwinder(arch),
    out = new Float64Array(250);
  const plan = registerPlan(arch, (1n << 64n) - 1n).map((_, i) => i < arch.registers ? i : -1);
  const lines = samples.trimEnd().split("\n"), differences: string[] = [];
  let frames = 0;
  for (let at = 0; at < lines.length; at += 3) {
    const values = lines[at].split(" ").slice(1).map((text) => BigInt(`0x${text}`));
    const [, , bytes] = lines[at + 1].split(" ");
    const chain = lines[at + 2].split(" ").slice(1);
    const stack = Uint8Array.fromHex(bytes);
    const words = new Uint32Array(BigUint64Array.from(values).buffer);
    unwinder.loadRegisters(plan.subarray(0, values.length), words, 0);
    unwinder.loadStack(new DataView(stack.buffer), 0, stack.length, false);
    const depth = unwinder.walk(space, out);
    const ours = Array.from(out.subarray(0, depth), (address) => address.toString(16));
    frames += depth;
    // in PLT stubs without tables, which static programs have, it ends: there we go on
    const isLike = ours.join() === chain.join() || ours.join().startsWith(`${chain.join()},`);
    if (!isLike || unwinder.end !== END.ROOT) {
      differences.push(`${ours.join()} (${END_WORDS[unwinder.end]}), not ${chain.join()}`);
    }
  }
  return { samples: lines.length / 3, frames, differences };
}

interface Case {
  what: string;
  compiler: string;
  arch: Arch;
  options?: string[];
  runner?: string[];
  /** Whether its tables are hidden from us. */
  isBare?: boolean;
}

const CASES: Case[] = [
  { what: "a program of cc -O2", compiler: "cc", arch: X86_64 },
  { what: "one with frame pointers", compiler: "cc", arch: X86_64, options: ["-fno-omit-frame-pointer"] },
  { what: "a static one", compiler: "cc", arch: X86_64, options: ["-static"] },
  { what: "one of which we do not see the tables", compiler: "cc", arch: X86_64, isBare: true },
  {
    what: "one of clang's of which we do not see the tables",
    compiler: "clang",
    arch: X86_64,
    isBare: true,
  },
  { what: "a static-pie one", compiler: "cc", arch: X86_64, options: ["-static-pie", "-O3"] },
  {
    what: "one for aarch64",
    compiler: "aarch64-linux-gnu-gcc",
    arch: AARCH64,
    options: ["-static"],
    runner: ["qemu-aarch64-static"],
  },
  {
    what: "one for aarch64 that signs its return addresses",
    compiler: "aarch64-linux-gnu-gcc",
    arch: AARCH64,
    options: ["-static", "-mbranch-protection=standard"],
    runner: ["qemu-aarch64-static"],
  },
];

for (const { what, compiler, arch, options = [], runner = [], isBare = false } of CASES) {
  const missing = [compiler, ...runner].filter((name) => !hasCommand(name));
  const isOther = runner.length === 0 && arch.name !== Deno.build.arch;
  const hindrance = isOther
    ? `it needs ${arch.name}`
    : missing.length > 0 && `it needs ${missing.join(", ")}`;
  testUnless(
    hindrance,
    `chains are those of the compiler's own unwinder, over signal frames, too: ${what}`,
    () => {
      const folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" });
      try {
        const program = `${folder}/own-stacks`;
        const { success, stderr } = new Deno.Command(compiler, {
          args: ["-O2", "-Wall", ...options, "-o", program, SOURCE],
        }).outputSync();
        if (!success) throw new Error(new TextDecoder().decode(stderr));
        const { samples, frames, differences } = compare([...runner, program], arch, isBare);
        assertEquals(differences.slice(0, 3), []);
        assertEquals(samples, 2 * SAMPLES);
        assertGreater(frames, 5 * samples);
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    },
  );
}
