/** Where this machine keeps what symbols are read from: the one implementation of SymbolFiles that opens files. */

import type { ByteSource } from "../base/byte_source.ts";
import { ByteReader } from "../base/bytes.ts";
import { BadInputError } from "../base/errors.ts";
import { exists } from "../base/exists.ts";
import { FileBytes } from "../base/file_bytes.ts";
import { buildIdCache, openCached, openCachedKallsyms } from "./build_id_cache.ts";
import { buildIdInNotes, ElfFile } from "./elf.ts";
import type { KernelSymbols } from "./kallsyms.ts";
import { KernelCache, kernelCacheFolder } from "./kernel_cache.ts";
import type { ObjectInfo } from "./objects.ts";
import type { SymbolFiles } from "./symbolizer.ts";
import { captureVdso } from "./vdso.ts";

const KALLSYMS = "/proc/kallsyms";
const DELETED = " (deleted)";

/** Where to look for files, when not where the recording says. */
export interface FilePlaces {
  /** The folder that holds the recorded machine's files, as its root does: programs are looked for there, and only there. */
  root?: string;
  /** The kernel's own file. */
  vmlinux?: string;
  /** A copy of /proc/kallsyms of the kernel that was recorded. */
  kallsyms?: string;
}

/**
 * This machine's files, or those at the places given. Whatever is missing or not readable is answered with undefined.
 * Throws BadInputError when a file that was named cannot be read.
 */
export function hostSymbolFiles({ root = "", ...named }: FilePlaces = {}): SymbolFiles {
  const vmlinux = named.vmlinux === undefined ? undefined : openNamed(named.vmlinux, "--vmlinux");
  const list = named.kallsyms === undefined ? undefined : openNamed(named.kallsyms, "--kallsyms");
  let kallsyms: Uint8Array | undefined;
  const folder = list ? undefined : kernelCacheFolder();
  let cache: KernelCache | undefined, kept: KernelSymbols | undefined;
  const folders = new Folders();
  const kernelCache = () => cache ??= folder === undefined ? undefined : new KernelCache(folder);
  return {
    open: (object) => object.kind === "vdso" ? ownVdso() : openObject(object, root),
    // the kernel takes as long to write it as a report does to read a hundred thousand samples: on another CPU
    async expectKernel() {
      if (list || vmlinux) return;
      kept = kernelCache()?.read();
      if (!kept) kallsyms = await Deno.readFile(KALLSYMS).catch(() => undefined);
    },
    kernelSymbols() {
      kept ??= kallsyms ? undefined : kernelCache()?.read();
      if (kept || !kernelCache()) return kept;
      const text = this.kallsyms();
      return kept = text && kernelCache()!.parse(text);
    },
    kallsyms() {
      if (list) return list.read(0, list.size);
      try {
        return kallsyms ?? Deno.readFileSync(KALLSYMS);
      } catch {
        return undefined;
      }
    },
    savedKallsyms(buildId) {
      const saved = openCachedKallsyms(buildId);
      return saved?.read(0, saved.size);
    },
    vmlinux: () => vmlinux,
    debugFiles: function* (object, { buildId, debugLink }) {
      for (const path of debugPaths(object.path, buildId, debugLink, root)) {
        const file = folders.mayHave(path) ? FileBytes.tryOpen(path) : undefined;
        if (file) yield file;
      }
    },
    // a list that was named is believed
    kernelBuildId: () => list ? undefined : kernelBuildId(),
  };
}

/** Where folders are known not to be, so that what lies in them need not be looked for, object by object. */
class Folders {
  readonly #there = new Map<string, boolean>();

  /** False when the folder that `path` is in does not exist. */
  mayHave(path: string): boolean {
    const end = path.lastIndexOf("/");
    if (end <= 0) return true;
    const folder = path.slice(0, end);
    let there = this.#there.get(folder);
    if (there === undefined) {
      there = this.mayHave(folder) && exists(folder);
      this.#there.set(folder, there);
    }
    return there;
  }
}

function openNamed(path: string, option: string): FileBytes {
  const file = FileBytes.tryOpen(path);
  if (file) return file;
  throw new BadInputError(
    `cannot read ${path} (${option}): it is not there, no file, or not this user's to read`,
  );
}

function openObject(object: ObjectInfo, root: string): ByteSource | undefined {
  const cached = object.buildId && object.kind === "file" ? openCached(object.buildId) : undefined;
  if (object.kind === "jit" && root === "" && object.path === `/tmp/perf-${object.pid}.map`) {
    const namespaced = namespacedPerfMap(object.pid);
    const file = namespaced === undefined ? undefined : FileBytes.tryOpen(namespaced);
    if (file) return file;
  }
  return cached ?? openByPath(object, root);
}

/**
 * Where a process of another pid or mount namespace writes its perf map, as we see it while it lives; undefined for
 * one that is in ours, or has ended.
 */
export function namespacedPerfMap(pid: number): string | undefined {
  try {
    const numbers = /^NSpid:\s*(.*)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1].split(/\s+/) ??
      [];
    const own = Deno.readLinkSync(`/proc/${pid}/ns/mnt`) === Deno.readLinkSync("/proc/self/ns/mnt") &&
      Deno.readLinkSync(`/proc/${pid}/root`) === "/";
    return own && numbers.length < 2 ? undefined : `/proc/${pid}/root/tmp/perf-${numbers.at(-1) ?? pid}.map`;
  } catch {
    return undefined; // it has ended, or is another user's
  }
}

function openByPath(object: ObjectInfo, root: string): ByteSource | undefined {
  let path = object.path;
  if (path.endsWith(DELETED)) {
    // another file may be there under its name by now: only a build id to compare makes it worth a look
    if (object.buildId === undefined) return undefined;
    path = path.slice(0, -DELETED.length);
  }
  return path.startsWith("/") ? FileBytes.tryOpen(root + path) : undefined;
}

/**
 * Where debug files lie: by build id, by the name in .gnu_debuglink in the three places where gdb looks, then where
 * perf looks besides, and what debuginfod has fetched.
 */
function* debugPaths(
  path: string,
  buildId: string | undefined,
  debugLink: string | undefined,
  root: string,
) {
  const home = Deno.env.get("HOME");
  const cache = buildIdCache();
  if (buildId && buildId.length > 2) {
    const inFolder = `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}`;
    yield `${root}/usr/lib/debug/${inFolder}.debug`;
    if (cache) yield `${cache}/${inFolder}/debug`;
    const fetched = Deno.env.get("DEBUGINFOD_CACHE_PATH") ??
      `${Deno.env.get("XDG_CACHE_HOME") ?? `${home}/.cache`}/debuginfod_client`;
    yield `${fetched}/${buildId}/debuginfo`;
  }
  const folder = path.slice(0, path.lastIndexOf("/"));
  if (debugLink) {
    yield `${root}${folder}/${debugLink}`;
    yield `${root}${folder}/.debug/${debugLink}`;
    yield `${root}/usr/lib/debug${folder}/${debugLink}`;
  }
  if (path.startsWith("/")) {
    yield `${root}/usr/lib/debug${path}.debug`;
    yield `${root}/usr/lib/debug${path}`;
  }
}

function ownVdso(): ByteSource | undefined {
  try {
    const memory = Deno.openSync("/proc/self/mem");
    try {
      return captureVdso(Deno.readTextFileSync("/proc/self/maps"), (address, length) => {
        const bytes = new Uint8Array(length);
        memory.seekSync(address, Deno.SeekMode.Start);
        return bytes.subarray(0, memory.readSync(bytes) ?? 0);
      });
    } finally {
      memory.close();
    }
  } catch {
    return undefined;
  }
}

/** The running kernel's build id in hex, from its ELF notes. */
export function kernelBuildId(): string | undefined {
  return buildIdInFile("/sys/kernel/notes");
}

/** The build id in hex of a loaded module, named as in /proc/modules. `sysfs` is where sysfs is mounted. */
export function moduleBuildId(name: string, sysfs = "/sys"): string | undefined {
  return buildIdInFile(`${sysfs}/module/${name}/notes/.note.gnu.build-id`);
}

function buildIdInFile(path: string): string | undefined {
  try {
    return buildIdInNotes(new ByteReader(Deno.readFileSync(path), true, path));
  } catch {
    return undefined; // not there, or hidden, as in some containers
  }
}

/**
 * The build id in hex of an ELF file, given open or by its path; undefined when it has none or cannot be read.
 * A file that was given open stays so.
 */
export function fileBuildId(path: string | ByteSource): string | undefined {
  const file = typeof path === "string" ? FileBytes.tryOpen(path) : path;
  if (!file) return undefined;
  try {
    return new ElfFile(file).buildId();
  } catch (error) {
    if (error instanceof BadInputError) return undefined; // mapped, but no ELF file
    throw error;
  } finally {
    if (typeof path === "string" && file instanceof FileBytes) file.close();
  }
}

/** The build id in hex of the vdso that this kernel gives to processes like this one. */
export function vdsoBuildId(): string | undefined {
  const vdso = ownVdso();
  return vdso && fileBuildId(vdso);
}
