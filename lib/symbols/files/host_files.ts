/** Where this machine keeps what symbols are read from: the one implementation of SymbolFiles that opens files. */

import { type ByteSource, readStream } from "../../base/bytes/byte_source.ts";
import { ByteReader } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { exists } from "../../base/files/exists.ts";
import { FileBytes, NAMED_BY_USER } from "../../base/files/file_bytes.ts";
import { type OpenPolicy, type OpenRefusal } from "../../base/files/guarded_open.ts";
import { environmentValue } from "../../base/system/launcher.ts";
import { buildIdCache, openCached, openCachedKallsyms } from "./build_id_cache.ts";
import { cacheFolder, cachesFolder, openSavedMap } from "./cache_folder.ts";
import { buildIdInNotes, fileBuildId, sameBuildId } from "../elf/build_id.ts";
import { isJitDump } from "../jit/jitdump.ts";
import { KERNEL_TEXT_LIMIT, LimitError, LIMITS, TEXT_LIMIT } from "../object/limits.ts";
import type { KernelSymbols } from "../kernel/kallsyms.ts";
import { KernelCache } from "../kernel/kernel_cache.ts";
import type { ObjectInfo } from "../object/objects.ts";
import { type JitProcess, jitProcess, openJitFile, openNamespacedPerfMap } from "./process_files.ts";
import { isReplaced, isThisHost, isThisKernel, type RecordedMachine } from "./recorded_machine.ts";
import type { SymbolFiles } from "./symbol_files.ts";
import { REASON, type Reason, type SymbolFailure } from "../object/missing_symbol_reasons.ts";
import { captureVdso } from "../kernel/vdso.ts";

const KALLSYMS = "/proc/kallsyms";
const DELETED = " (deleted)";

/** Where to look for files, when not where the recording says. */
export interface SymbolFileOptions {
  /** The folder that holds the recorded machine's files, as its root does: programs are looked for there, and only there. */
  root?: string;
  /** The kernel's own file. */
  vmlinux?: string;
  /** A copy of /proc/kallsyms of the kernel that was recorded. */
  kallsyms?: string;
  /** Take files that may not be those that were recorded, for want of a build id to tell. */
  force?: boolean;
}

/**
 * This machine's files, or those at the places given. Whatever is missing or not readable is answered with undefined.
 * Throws BadInputError when a file that was named cannot be read.
 */
export function hostSymbolFiles({ root = "", force = false, ...named }: SymbolFileOptions = {}): SymbolFiles {
  const vmlinux = named.vmlinux === undefined ? undefined : openNamed(named.vmlinux, "--vmlinux");
  const list = named.kallsyms === undefined
    ? undefined
    : openNamed(named.kallsyms, "--kallsyms", LIMITS.kernelText);
  let kallsyms: Uint8Array | undefined;
  const folder = list ? undefined : cacheFolder();
  let cache: KernelCache | undefined, kept: KernelSymbols | undefined;
  const folders = new KnownFolders();
  const kernelCache = () => cache ??= folder === undefined ? undefined : new KernelCache(folder);
  let machine: RecordedMachine = { hostname: "", osrelease: "", arch: "", processes: [] };
  const refusals = new Map<number, SymbolFailure>();
  const judged = root === "" && !force;
  return {
    open(object) {
      if (object.kind === "vdso") return ownVdso();
      const opened = object.kind === "jit" && root === ""
        ? openJit(object, machine, judged)
        : openObject(object, root, judged ? machine : undefined);
      if (opened instanceof FileBytes) return opened;
      const failure = opened && failureOfRefusal(opened);
      if (failure) refusals.set(object.id, failure);
      return undefined;
    },
    refusal: ({ id }) => refusals.get(id),
    setMachine(told) {
      machine = told;
    },
    // what was named is believed
    isOtherKernel: () => judged && !list && !isThisKernel(machine),
    // the kernel takes as long to write it as a report does to read a hundred thousand samples: on another CPU
    async preloadKernel() {
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
      if (list) return wholeText(list);
      try {
        return kallsyms ?? Deno.readFileSync(KALLSYMS);
      } catch {
        return undefined;
      }
    },
    savedKallsyms(buildId) {
      const saved = openCachedKallsyms(buildId);
      if (saved === undefined) return undefined;
      try {
        if (saved.size > LIMITS.kernelText) throw new LimitError(saved.name, KERNEL_TEXT_LIMIT);
        return saved.read(0, saved.size);
      } finally {
        saved.close();
      }
    },
    vmlinux: () => vmlinux,
    debugFiles: function* (object, { buildId, debugLink }) {
      for (const path of debugPaths(object.path, buildId, debugLink, root)) {
        if (!folders.mayHave(path.root + path.path)) continue;
        // most are not there, which is cheaper to find out without care; links below another root lead elsewhere
        if (path.root === "" && !exists(path.path, Deno.statSync)) continue;
        const file = FileBytes.tryOpen(path.path, path);
        if (file) yield file;
      }
    },
    // a list that was named is believed
    kernelBuildId: () => list ? undefined : kernelBuildId(),
  };
}

/** Where folders are known not to be, so that what lies in them need not be looked for, object by object. */
class KnownFolders {
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

/** What a refusal is in the report; undefined for a file that is just not there. */
function failureOfRefusal(refused: OpenRefusal | Reason): SymbolFailure | undefined {
  if (typeof refused === "number") return { reason: refused };
  if (refused.kind === "untrusted") return { reason: REASON.NOT_TRUSTED };
  return refused.kind === "too large" ? { reason: REASON.OVER_LIMIT, detail: TEXT_LIMIT } : undefined;
}

/** The bytes of a list of symbols. A file of /proc, which says that it has none, is read to its end. Throws LimitError. */
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
 * The object's file: at its path when that has the right build id, else the saved one. Anyone may have saved another
 * program with the same build id. Without a build id the one at its path, unless it can be seen that it is another; that
 * is looked for where `machine` is given.
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
  const cached = openCached(buildId, object.path);
  if (cached === undefined) return found;
  if (found instanceof FileBytes) found.close();
  return cached;
}

/** What a process wrote about its run-time code: as it sees it while it lives, as it was saved, or where we see it. */
function openJit(
  { pid, path }: ObjectInfo,
  machine: RecordedMachine,
  judged: boolean,
): FileBytes | OpenRefusal | Reason | undefined {
  if (judged && !isThisHost(machine)) return REASON.OTHER_HOST;
  const told = jitProcessesOf(machine).get(pid);
  const now = jitProcess(pid);
  // the number may have gone to another process since
  const lives = now !== undefined && (told === undefined || Math.abs(now.started - told.started) < 2);
  if (isJitDump(path)) return openJitFile(path, told ?? now);
  const namespaced = lives ? openNamespacedPerfMap(pid) : undefined;
  if (namespaced instanceof FileBytes) return namespaced;
  const saved = told?.map === undefined ? undefined : openSavedMap(told.map);
  return saved ?? namespaced ?? openJitFile(path, told ?? now);
}

const jitProcesses = new WeakMap<RecordedMachine, Map<number, JitProcess>>();

/** What a recording says of processes with run-time code, by their numbers; the first word of each counts. */
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
    // another file may be there under its name by now: only a build id to compare makes it worth a look
    if (object.buildId === undefined) return undefined;
    path = path.slice(0, -DELETED.length);
  }
  return path.startsWith("/") ? FileBytes.open(path, below(root)) : undefined;
}

/** The policy for files of the recorded machine: below the folder that holds them, when one was named. */
function below(root: string): OpenPolicy {
  return root === "" ? {} : { root };
}

/** Where a debug file may be, and whom it may belong to there. */
interface DebugPlace extends OpenPolicy {
  path: string;
  root: string;
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
): Generator<DebugPlace> {
  const cached = { root: "", owners: [0, Deno.uid()!] };
  const cache = buildIdCache();
  if (buildId && buildId.length > 2) {
    const inFolder = `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}`;
    yield { root, path: `/usr/lib/debug/${inFolder}.debug` };
    if (cache) yield { ...cached, path: `${cache}/${inFolder}/debug` };
    const fetched = debuginfodFolder();
    if (fetched) yield { ...cached, path: `${fetched}/${buildId}/debuginfo` };
  }
  const folder = path.slice(0, path.lastIndexOf("/"));
  // the name is the program's to choose: nothing but a name
  if (debugLink && !debugLink.includes("/")) {
    yield { root, path: `${folder}/${debugLink}` };
    yield { root, path: `${folder}/.debug/${debugLink}` };
    yield { root, path: `/usr/lib/debug${folder}/${debugLink}` };
  }
  if (path.startsWith("/")) {
    yield { root, path: `/usr/lib/debug${path}.debug` };
    yield { root, path: `/usr/lib/debug${path}` };
  }
}

/** Where debuginfod's client keeps what it has fetched; undefined when there is no home. */
function debuginfodFolder(): string | undefined {
  const caches = cachesFolder();
  const folder = environmentValue("DEBUGINFOD_CACHE_PATH") || (caches && `${caches}/debuginfod_client`);
  return folder?.startsWith("/") ? folder : undefined;
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

/** The build id in hex of the vdso that this kernel gives to processes like this one. */
export function vdsoBuildId(): string | undefined {
  const vdso = ownVdso();
  return vdso && fileBuildId(vdso);
}
