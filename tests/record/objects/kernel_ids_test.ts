import { assertEquals, assertStringIncludes } from "@std/assert";
import { PERF_RECORD_MISC } from "../../../lib/base/system/abi.ts";
import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { kernelBuildIds, type KernelIdSource } from "../../../lib/record/objects/kernel_ids.ts";
import { moduleBuildId } from "../../../lib/symbols/files/host_files.ts";
import { ObjectTable } from "../../../lib/symbols/object/objects.ts";
import { perfOk, withFolder } from "../../live/harness.ts";
import { testNeeding } from "../../needs.ts";
import { FEATURES, writtenFile } from "../../perfdata/small_recording.ts";

/** Of a machine with modules: as Linux 6.1 writes it, with one whose address is hidden. */
const MODULES = `nf_tables 303104 0 - Live 0xffffffffc0a51000
xt_conntrack 16384 1 - Live 0xffffffffc0a36000 (E)
hidden 16384 0 - Live 0x0000000000000000
without_note 20480 2 a,b, Live 0xffffffffc0a20000
`;

/** Elf_Nhdr: u32 n_namesz, n_descsz, n_type; the name, the descriptor. */
function note(type: number, name: string, desc: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(`${name}\0`);
  const w = new ByteWriter().u32(text.length).u32(desc.length).u32(type).raw(text);
  return w.zeros(-text.length & 3).raw(desc).bytes();
}

const NT_GNU_BUILD_ID = 3;
const idOf = (byte: number) => new Uint8Array(20).fill(byte);

/** A sysfs whose modules have these files of notes. */
async function sysfs(folder: string, notes: Record<string, Uint8Array>): Promise<KernelIdSource> {
  for (const [name, bytes] of Object.entries(notes)) {
    await Deno.mkdir(`${folder}/module/${name}/notes`, { recursive: true });
    await Deno.writeFile(`${folder}/module/${name}/notes/.note.gnu.build-id`, bytes);
  }
  return {
    modules: () => MODULES,
    kernelId: () => "ab".repeat(20),
    moduleId: (name) => moduleBuildId(name, folder),
  };
}

Deno.test("kernelBuildIds() lists the kernel and the modules whose maps are told, as they are named there", () =>
  withFolder(async (folder) => {
    const source = await sysfs(folder, {
      nf_tables: note(NT_GNU_BUILD_ID, "GNU", idOf(0x11)),
      xt_conntrack: note(NT_GNU_BUILD_ID, "GNU", idOf(0x22)),
      hidden: note(NT_GNU_BUILD_ID, "GNU", idOf(0x33)),
    });
    const { KERNEL } = PERF_RECORD_MISC;
    const kernel = { pid: -1, misc: KERNEL, buildId: "ab".repeat(20), filename: "[kernel.kallsyms]" };
    assertEquals(kernelBuildIds(true, source), [
      kernel,
      { pid: -1, misc: KERNEL, buildId: "11".repeat(20), filename: "[nf_tables]" },
      { pid: -1, misc: KERNEL, buildId: "22".repeat(20), filename: "[xt_conntrack]" },
    ]);
    assertEquals(kernelBuildIds(false, source), [kernel]);
    assertEquals(
      kernelBuildIds(true, { ...source, kernelId: () => undefined, modules: () => undefined }),
      [],
    );
  }));

Deno.test("kernelBuildIds() leaves out a module whose note is cut short, or is another", () =>
  withFolder(async (folder) => {
    const source = await sysfs(folder, {
      nf_tables: note(NT_GNU_BUILD_ID, "GNU", idOf(0x11)).subarray(0, 30),
      xt_conntrack: note(1, "Linux", idOf(0x22)),
    });
    assertEquals(kernelBuildIds(true, source).map(({ filename }) => filename), ["[kernel.kallsyms]"]);
  }));

testNeeding(
  ["perf"],
  "perf and our reader take the build ids of modules",
  () =>
    withFolder(async (folder) => {
      const source = await sysfs(folder, { nf_tables: note(NT_GNU_BUILD_ID, "GNU", idOf(0x11)) });
      const buildIds = kernelBuildIds(true, source);
      await Deno.writeFile(`${folder}/perf.data`, writtenFile({ ...FEATURES, buildIds }));
      const list = await perfOk(["buildid-list", "-i", `${folder}/perf.data`]);
      assertStringIncludes(list, `${"11".repeat(20)} [nf_tables]`);

      const objects = new ObjectTable();
      for (const { filename, buildId } of buildIds) objects.setBuildId(filename, buildId);
      // as we name its map, and as perf does
      for (const filename of ["[nf_tables]", "/lib/modules/6.1.0/kernel/net/netfilter/nf_tables.ko"]) {
        assertEquals(objects.of({ pid: -1, filename, pgoff: 0 }).buildId, "11".repeat(20));
      }
    }),
);
