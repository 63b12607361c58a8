/** Symbol files of this machine: the one implementation of SymbolFiles that opens files. */

import { type ByteSource, readStream } from "../../base/bytes/byte_source.ts";
import { ByteReader } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { exists } from "../../base/files/exists.ts";
import { FileBytes, NAMED_BY_USER } from "../../base/files/file_bytes.ts";
import { type OpenPolicy, type OpenRefusal } from "../../base/files/guarded_open.ts";
import { openCached, openCachedKallsyms } from "./build_id_cache.ts";
import { cacheFolder } from "./cache_folder.ts";
import { type DebugPlace, debugPlaces, referredPlaces, servedPlaces } from "./debug_places.ts";
import { buildIdInNotes, fileBuildId, sameBuildId } from "../elf/build_id.ts";
import { isJitDump } from "../jit/jitdump.ts";
import { KERNEL_TEXT_LIMIT, LimitError, LIMITS, TEXT_LIMIT } from "../object/limits.ts";
import { ModulePlaces, vmlinuxPlaces } from "./kernel_places.ts";
import type { KernelSymbols } from "../kernel/kallsyms.ts";
import { KeptFolder } from "./kept_folder.ts";
import { KernelCache } from "../kernel/kernel_cache.ts";
import type { ObjectInfo } from "../object/objects.ts";
import {
  isSameProcess,
  type JitProcess,
  jitProcess,
  openJitFile,
  openNamespacedPerfMap,
} from "./process_files.ts";
import { isReplaced, isThisHost, isThisKernel, type RecordedMachine } from "./recorded_machine.ts";
import type { FileFetcher, SymbolFiles } from "./symbol_files.ts";
import { REASON, type Reason, type SymbolFailure } from "../object/missing_symbol_reasons.ts";
import { captureVdso } from "../kernel/vdso.ts";

const KALLSYMS = "/proc/kallsyms";
const DELETED = " (deleted)";

/** Places of symbol files, if not where the recording says. */
export interface SymbolFileOptions {
  /** Folder with a copy of the recorded machine's files, laid out like its root. Programs are looked for only there. */
  root?: string;
  /** Path of the kernel's vmlinux file. */
  vmlinux?: string;
  /** Path of a copy of /proc/kallsyms of the recorded kernel. */
  kallsyms?: string;
  /** Use files that may not be the recorded ones, if there is no build id to tell. */
  force?: boolean;
  /** Source of files that are not on this machine. */
  fetcher?: FileFetcher;
}

/**
 * Returns the symbol files of this machine, or those at the given places. Hooks return undefined for what is missing or
 * not readable. Throws BadInputError if a given file cannot be read.
 */
export function hostSymbolFiles(options: SymbolFileOptions = {}): SymbolFiles {
  const { root = "", force = false, fetcher, ...named } = options;
  const kernel = new HostKernel(
    named.vmlinux === undefined ? undefined : openNamed(named.vmlinux, "--vmlinux"),
    named.kallsyms === undefined ? undefined : openNamed(named.kallsyms, "--kallsyms", LIMITS.kernelText),
  );
  const folders = new KnownFolders(), modules = new ModulePlaces();
  let machine: RecordedMachine = { hostname: "", osrelease: "", arch: "", processes: [] };
  const refusals = new Map<number, SymbolFailure>();
  const checked = root === "" && !force;
  return {
    open(object) {
      if (object.kind === "vdso") return ownVdso();
      const opened = object.kind === "jit" && root === ""
        ? openJit(object, machine, checked)
        : openObject(object, root, checked ? machine : undefined);
      if (opened instanceof FileBytes) return opened;
      const failure = opened && failureOfRefusal(opened);
      if (failure) refusals.set(object.id, failure);
      return undefined;
    },
    refusal: ({ id }) => refusals.get(id),
    isNamed: ({ kind }) =>
      kind === "kernel" || kind === "module" ? kernel.isNamed : root !== "" && kind === "file",
    setMachine(recorded) {
      machine = recorded;
    },
    isOtherKernel: () => checked && !kernel.isListGiven && !isThisKernel(machine),
    preloadKernel: () => kernel.preload(),
    kernelSymbols: () => kernel.symbols(),
    kallsyms: () => kernel.kallsyms(),
    savedKallsyms,
    vmlinux: () => kernel.vmlinux,
    debugFiles: (object, { buildId, debugLink }) =>
      openPlaces(debugPlaces(object.path, { buildId, debugLink, root }), folders),
    referredFiles: (of, { buildId, path }) =>
      openPlaces(referredPlaces(of.name, { buildId, path, root }), folders),
    kept: new KeptFolder(),
    kernelBuildId: () => kernel.isListGiven ? undefined : kernelBuildId(),
    *kernelFiles(object) {
      if (object.kind === "kernel" && kernel.vmlinux) yield keptOpen(kernel.vmlinux);
      else {
        const places = object.kind === "kernel"
          ? vmlinuxPlaces(object, machine.osrelease, root)
          : modules.of(object, false, machine.osrelease, root);
        yield* recordedOnes(openPlaces(places, folders), object, checked ? machine : undefined);
      }
    },
    packedModules: (object) =>
      recordedOnes(
        openPlaces(modules.of(object, true, machine.osrelease, root), folders),
        object,
        checked ? machine : undefined,
      ),
    fetcher: fetcher && fetcherInto(folders, fetcher),
  };
}

/** Returns a fetcher after which folders are looked at again: it puts files into some. */
function fetcherInto(folders: KnownFolders, fetcher: FileFetcher): FileFetcher {
  return {
    warnings: fetcher.warnings,
    fetchesKernel: fetcher.fetchesKernel,
    mayHave: (buildId, kind) => fetcher.mayHave(buildId, kind),
    async fetch(wanted) {
      await fetcher.fetch(wanted);
      folders.forget();
    },
  };
}

/** Opens the files that exist at places. */
function* openPlaces(places: Iterable<DebugPlace>, folders: KnownFolders): Generator<FileBytes> {
  for (const place of places) {
    if (!folders.mayHave(place.root + place.path)) continue;
    // most do not exist, which is cheaper to find out without a guarded open; below another root links lead elsewhere
    if (place.root === "" && !exists(place.path, Deno.statSync)) continue;
    const file = FileBytes.tryOpen(place.path, place);
    if (file) yield file;
  }
}

/** Yields the files that may be those of an object, as far as `machine` tells if there is no build id; closes the others. */
function* recordedOnes(
  files: Iterable<FileBytes>,
  { buildId }: ObjectInfo,
  machine: RecordedMachine | undefined,
): Generator<FileBytes> {
  for (const file of files) {
    const mayBe = buildId !== undefined || machine === undefined ||
      (isThisHost(machine) && file.modified <= (machine.ended ?? Infinity));
    if (mayBe) yield file;
    else file.close();
  }
}

/** Returns a source that stays open when it is closed. */
function keptOpen(file: FileBytes): ByteSource {
  return { name: file.name, size: file.size, read: (offset, length) => file.read(offset, length) };
}

/** Sources of kernel symbols: the running kernel and its cache, or files that were given. */
class HostKernel {
  readonly vmlinux: FileBytes | undefined;
  /** List of symbols that was given. It is trusted. */
  readonly #list: FileBytes | undefined;
  readonly #folder: string | undefined;
  #cache: KernelCache | undefined;
  #cached: KernelSymbols | undefined;
  /** Preloaded text of the running kernel's list. */
  #text: Uint8Array | undefined;

  constructor(vmlinux: FileBytes | undefined, list: FileBytes | undefined) {
    this.vmlinux = vmlinux;
    this.#list = list;
    this.#folder = list ? undefined : cacheFolder();
  }

  /** Whether the user has named a list or a vmlinux file. */
  get isNamed(): boolean {
    return this.isListGiven || this.vmlinux !== undefined;
  }

  get isListGiven(): boolean {
    return this.#list !== undefined;
  }

  /**
   * Reads the cache, or else the running kernel's list: the kernel takes as long to write it as a report takes to read a
   * hundred thousand samples, so it is read in the background, on another CPU.
   */
  async preload(): Promise<void> {
    if (this.#list || this.vmlinux) return;
    this.#cached = this.#kernelCache()?.read();
    if (!this.#cached) this.#text = await Deno.readFile(KALLSYMS).catch(() => undefined);
  }

  /** Returns cached symbols, or parses the list into the cache; undefined without a cache folder. */
  symbols(): KernelSymbols | undefined {
    this.#cached ??= this.#text ? undefined : this.#kernelCache()?.read();
    if (this.#cached || !this.#kernelCache()) return this.#cached;
    const text = this.kallsyms();
    return this.#cached = text && this.#kernelCache()!.parse(text);
  }

  /** Returns the text of the given list, or of the running kernel's; undefined if it cannot be read. */
  kallsyms(): Uint8Array | undefined {
    if (this.#list) return wholeText(this.#list);
    try {
      return this.#text ?? Deno.readFileSync(KALLSYMS);
    } catch {
      return undefined;
    }
  }

  #kernelCache(): KernelCache | undefined {
    return this.#cache ??= this.#folder === undefined ? undefined : new KernelCache(this.#folder);
  }
}

/** Returns the text of /proc/kallsyms that was saved while the kernel with this build id ran. Throws LimitError. */
function savedKallsyms(buildId: string): Uint8Array | undefined {
  const saved = openCachedKallsyms(buildId);
  if (saved === undefined) return undefined;
  try {
    if (saved.size > LIMITS.kernelText) throw new LimitError(saved.name, KERNEL_TEXT_LIMIT);
    return saved.read(0, saved.size);
  } finally {
    saved.close();
  }
}

/** Folders known not to exist, so that nothing is looked for in them, object by object. */
class KnownFolders {
  readonly #there = new Map<string, boolean>();

  /** Forgets everything, since folders may have come. */
  forget(): void {
    this.#there.clear();
  }

  /** Returns false if the folder of `path` does not exist. */
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

/** Turns a refused open into the reason for missing symbols; undefined if the file does not exist. */
function failureOfRefusal(refused: OpenRefusal | Reason): SymbolFailure | undefined {
  if (typeof refused === "number") return { reason: refused };
  if (refused.kind === "untrusted") return { reason: REASON.NOT_TRUSTED };
  return refused.kind === "too large" ? { reason: REASON.OVER_LIMIT, detail: TEXT_LIMIT } : undefined;
}

/** Reads all of a symbol list. A file of /proc claims to be empty, and is read to its end. Throws LimitError. */
function wholeText(list: FileBytes): Uint8Array {
  if (list.size > 0) return list.read(0, list.size);
  const input = { read: (into: Uint8Array) => list.read(into) };
  const text = readStream(input, LIMITS.kernelText + 1);
  if (text.length > LIMITS.kernelText) throw new LimitError(list.name, KERNEL_TEXT_LIMIT);
  return text;
}

function openNamed(path: string, option: string, maxBytes?: number): FileBytes {
  const file = FileBytes.open(path, { ...NAMED_BY_USER, maxBytes });
  if (file instanceof FileBytes) return file;
  throw new BadInputError(`cannot read ${path} (${option}): ${file.cause}`);
}

/**
 * Opens an object's file: the one at its path if it has the right build id, else the one in the cache, since anybody
 * may have saved another program with that build id. Without a build id it opens the one at its path, unless that can
 * be seen to be another; this is checked if `machine` is given.
 */
function openObject(
  object: ObjectInfo,
  root: string,
  machine: RecordedMachine | undefined,
): FileBytes | OpenRefusal | Reason | undefined {
  const { buildId } = object;
  if (object.kind === "file" && buildId === undefined && machine && !isThisHost(machine)) {
    return REASON.OTHER_HOST;
  }
  const found = openByPath(object, root);
  if (object.kind !== "file") return found;
  if (buildId === undefined) {
    if (!(found instanceof FileBytes) || !machine || !isReplaced(found, object, machine)) return found;
    found.close();
    return REASON.REPLACED;
  }
  const id = found instanceof FileBytes ? fileBuildId(found) : undefined;
  if (id !== undefined && sameBuildId(id, buildId)) return found;
  const cached = openCached(buildId, object.path) ?? openServed(buildId);
  if (cached === undefined) return found;
  if (found instanceof FileBytes) found.close();
  return cached;
}

/** Opens the program with this build id that a debuginfod server has sent. */
function openServed(buildId: string): FileBytes | undefined {
  for (const place of servedPlaces(buildId, "executable")) {
    const file = FileBytes.tryOpen(place.path, place);
    if (file && file.size > 0) return file;
    file?.close();
  }
  return undefined;
}

/** Opens what a process wrote about its run-time code: in its own namespace while it runs, or the file at its path here. */
function openJit(
  { pid, path }: ObjectInfo,
  machine: RecordedMachine,
  checked: boolean,
): FileBytes | OpenRefusal | Reason | undefined {
  if (checked && !isThisHost(machine)) return REASON.OTHER_HOST;
  const recorded = jitProcessesOf(machine).get(pid);
  const now = jitProcess(pid);
  if (isJitDump(path)) return openJitFile(path, recorded ?? now);
  const namespaced = isSameProcess(now, recorded) ? openNamespacedPerfMap(pid) : undefined;
  return namespaced ?? openJitFile(path, recorded ?? now);
}

const jitProcesses = new WeakMap<RecordedMachine, Map<number, JitProcess>>();

/** Returns the recorded processes with run-time code, by pid; the first entry for a pid counts. */
function jitProcessesOf(machine: RecordedMachine): Map<number, JitProcess> {
  let processes = jitProcesses.get(machine);
  if (processes === undefined) {
    processes = new Map(machine.processes.toReversed().map((process) => [process.pid, process]));
    jitProcesses.set(machine, processes);
  }
  return processes;
}

function openByPath(object: ObjectInfo, root: string): FileBytes | OpenRefusal | undefined {
  let path = object.path;
  if (path.endsWith(DELETED)) {
    // another file may have that name by now, so it needs a build id to compare
    if (object.buildId === undefined) return undefined;
    path = path.slice(0, -DELETED.length);
  }
  return path.startsWith("/") ? FileBytes.open(path, below(root)) : undefined;
}

/** Returns the policy for opening files of the recorded machine: below the folder with its files, if one was given. */
function below(root: string): OpenPolicy {
  return root === "" ? {} : { root };
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

/** Returns the running kernel's build id in hex, from its ELF notes. */
export function kernelBuildId(): string | undefined {
  return buildIdInFile("/sys/kernel/notes");
}

/** Returns the build id in hex of a loaded module, named as in /proc/modules. `sysfs` is where sysfs is mounted. */
export function moduleBuildId(name: string, sysfs = "/sys"): string | undefined {
  return buildIdInFile(`${sysfs}/module/${name}/notes/.note.gnu.build-id`);
}

function buildIdInFile(path: string): string | undefined {
  try {
    return buildIdInNotes(new ByteReader(Deno.readFileSync(path), true, path));
  } catch {
    return undefined; // it does not exist, or is hidden, as in some containers
  }
}

/** Returns the build id in hex of the vdso that this kernel gives to processes like this one. */
export function vdsoBuildId(): string | undefined {
  const vdso = ownVdso();
  return vdso && fileBuildId(vdso);
}
