/**
 * Mapped objects: files, the vdso, the kernel and its modules, run-time code. What the name of a mapping means is
 * decided only here, by perf's rules.
 */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { deviceOf } from "../../base/files/file_bytes.ts";

/**
 * Kind of a mapped object. `kernel`, `module` and `bpf` run in kernel mode. `guest` is all code of virtual machines
 * that run here, or of the hypervisor that this machine runs on; `missing` stands for callers that are not known.
 */
export type ObjectKind = "kernel" | "module" | "bpf" | "vdso" | "file" | "jit" | "anon" | "guest" | "missing";

/** Mapped object. All mappings of one file, in whatever processes, share it. */
export interface ObjectInfo {
  /** Row in the object table. */
  id: number;
  kind: ObjectKind;
  /**
   * Path as mapped, including ` (deleted)`; `[kernel.kallsyms]` for the kernel, for `jit` a jitdump or
   * `/tmp/perf-PID.map` (the convention for names of run-time code), for `bpf` the symbol's own name.
   */
  path: string;
  /** Name to show: a file's base name, `[vdso]`, `[ext4]` for a module, `[JIT] tid PID`. */
  name: string;
  /** Build id in lower-case hex; undefined if unknown. */
  buildId: string | undefined;
  /** Process that it belongs to, for `jit` and `anon`; else -1. */
  pid: number;
  /**
   * Kernel symbol and its address during the recording, for the kernel and its modules. Tells how far the kernel was
   * moved (KASLR) against a symbol list from another boot.
   */
  reference: { symbol: string; address: number } | undefined;
  /** First address of a module, where its code was loaded. */
  start?: number;
  /** Device (as in FileBytes.device) and inode of a file, as the kernel recorded them. */
  mapped?: { device: string; inode: bigint };
}

/** Properties of a mapping that identify its object. */
export interface ObjectKey {
  /** Process, -1 for the kernel. */
  pid: number;
  /** Name of the mapping in the record. */
  filename: string;
  maj?: number;
  min?: number;
  ino?: bigint;
  /** Build id in hex. */
  buildId?: string;
  /** PROT_* bits; executable if absent, as in PERF_RECORD_MMAP. */
  prot?: number;
  /** Address of the reference symbol, for the kernel's own map. */
  pgoff: number;
  /** First address, for modules. */
  start?: number;
}

/** Returns whether a kernel-side object of this name is a module: `[ext4]`, or a path ending in .ko or .ko.xz. */
export function isModule(filename: string): boolean {
  const bracketed = filename.startsWith("[") && !/^\[(kernel|guest)\./.test(filename);
  return bracketed || /\.ko(\.[a-z0-9]+)?$/.test(filename);
}

const PROT_EXEC = 4;
/** Most characters of a file's name to show: as many as file systems allow, and ` (deleted)`. */
const MAX_NAME = 265;
/** Name of the kernel's map, which the reference symbol follows: `[kernel.kallsyms]_text`. */
export const KERNEL_MAP = "[kernel.kallsyms]";

/** Names of the objects for guest and hypervisor code, by the PERF_RECORD_MISC mode of its samples. */
export const GUEST_NAMES: ReadonlyMap<number, string> = new Map([
  [PERF_RECORD_MISC.GUEST_KERNEL, "[guest.kernel]"],
  [PERF_RECORD_MISC.GUEST_USER, "[guest]"],
  [PERF_RECORD_MISC.HYPERVISOR, "[hypervisor]"],
]);

/** Object that a name was last mapped as, and the key. */
interface LastMapped extends Pick<ObjectKey, "maj" | "min" | "ino" | "buildId"> {
  object: ObjectInfo;
  /** Process if the object belongs to one, and whether it is run-time code; pid -1 if all processes share it. */
  pid: number;
  isCode: boolean;
}

/** Table of all objects, by number. */
export class ObjectTable {
  readonly rows: ObjectInfo[] = [];
  readonly #byKey = new Map<string, ObjectInfo>();
  /** Last mapping of each name: the same libraries are mapped again and again, mostly with the same key. */
  readonly #lastMapped = new Map<string, LastMapped>();
  /** Objects that a list of build ids may mean by a name: their path, and for modules also their name. */
  readonly #called = new Map<string, ObjectInfo[]>();
  readonly #buildIds = new Map<string, string>();
  #kernelReference: ObjectInfo["reference"];

  /** Returns the object of a mapping, and adds it if it is new. */
  of(key: ObjectKey): ObjectInfo {
    if (key.pid === -1) {
      const described = describeKernelSide(key);
      if (described.kind === "kernel") this.#kernelReference = described.reference;
      else {
        described.reference = this.#kernelReference;
        described.start = key.start;
      }
      return this.#ofDescribed(described, key);
    }
    const { filename, maj, min, ino, buildId } = key;
    const last = this.#lastMapped.get(filename);
    if (
      last !== undefined && last.maj === maj && last.min === min && last.ino === ino &&
      last.buildId === buildId &&
      (last.pid === -1 || (last.pid === key.pid && last.isCode === isExecutable(key)))
    ) return last.object;
    const described = describeUserSide(key);
    const object = this.#ofDescribed(described, key);
    const isCode = described.kind === "jit";
    this.#lastMapped.set(filename, { maj, min, ino, buildId, object, pid: described.pid, isCode });
    return object;
  }

  /** Returns the object of code that the kernel announced by name (PERF_RECORD_KSYMBOL). */
  ofKernelSymbol(name: string): ObjectInfo {
    const described = { kind: "bpf", path: name, name, pid: -1, reference: undefined } as const;
    return this.#intern(`\0${name}`, described, undefined);
  }

  /** Returns the object of code outside this machine, by one of GUEST_NAMES. */
  ofGuest(name: string): ObjectInfo {
    const described = { kind: "guest", path: name, name, pid: -1, reference: undefined } as const;
    return this.#intern(`\0${name}\0guest`, described, undefined);
  }

  /** Returns the object that stands for callers that are not known, by the name that says why: `[stack cut]`. */
  ofMissing(name: string): ObjectInfo {
    const described = { kind: "missing", path: name, name, pid: -1, reference: undefined } as const;
    return this.#intern(`\0${name}\0missing`, described, undefined);
  }

  /** Returns the object of the code that process `pid` describes in its jitdump at `path`. */
  ofJitDump(pid: number, path: string): ObjectInfo {
    const described = { kind: "jit", path, name: jitName(pid), pid, reference: undefined } as const;
    return this.#intern(`${path}\0jitdump ${pid}`, described, undefined);
  }

  /**
   * Sets the build id of all objects mapped as `path`, now or later, that have none. Recordings list them at their end.
   * The kernel's path is `[kernel.kallsyms]`.
   */
  setBuildId(path: string, buildId: string): void {
    this.#buildIds.set(path, buildId);
    for (const object of this.#called.get(path) ?? []) object.buildId ??= buildId;
  }

  #ofDescribed(described: Description, { maj = 0, min = 0, ino = 0n, buildId }: ObjectKey): ObjectInfo {
    // without a file there is no inode to tell objects with the same name apart
    // a module may be loaded again elsewhere
    const file = described.kind === "file"
      ? `${maj}:${min}:${ino}`
      : `${described.kind} ${described.start ?? ""}`;
    const identity = `${described.path}\0${buildId ?? ""}\0${file}`;
    if (described.kind === "file") described.mapped = { device: deviceOf(maj, min), inode: ino };
    return this.#intern(identity, described, buildId);
  }

  #intern(
    identity: string,
    described: Description,
    buildId: string | undefined,
  ): ObjectInfo {
    let object = this.#byKey.get(identity);
    if (object === undefined) {
      const known = buildId ?? this.#buildIds.get(described.path) ??
        (described.kind === "module" ? this.#buildIds.get(described.name) : undefined);
      object = { id: this.rows.length, buildId: known, ...described };
      this.rows.push(object);
      this.#byKey.set(identity, object);
      this.#call(object.path, object);
      if (object.kind === "module" && object.name !== object.path) this.#call(object.name, object);
    }
    return object;
  }

  #call(name: string, object: ObjectInfo): void {
    const called = this.#called.get(name);
    if (called) called.push(object);
    else this.#called.set(name, [object]);
  }
}

type Description = Omit<ObjectInfo, "id" | "buildId">;

function describeKernelSide({ filename, pgoff }: ObjectKey): Description {
  if (filename.startsWith(KERNEL_MAP)) {
    const symbol = filename.slice(KERNEL_MAP.length);
    // a reference address of zero means that kptr_restrict hid it
    const reference = symbol !== "" && pgoff !== 0 ? { symbol, address: pgoff } : undefined;
    return { kind: "kernel", path: KERNEL_MAP, name: KERNEL_MAP, pid: -1, reference };
  }
  return { kind: "module", path: filename, name: moduleName(filename), pid: -1, reference: undefined };
}

/** Returns a module's name in the kernel's own lists: `[nf_log]` for `/lib/modules/6.1.0/kernel/net/nf-log.ko.xz`. */
function moduleName(filename: string): string {
  if (filename.startsWith("[")) return filename;
  const base = baseName(filename).replace(/\.ko(\.(gz|xz|zst))?$/, "");
  return `[${base.replaceAll("-", "_")}]`;
}

function isExecutable({ prot }: ObjectKey): boolean {
  return prot === undefined || (prot & PROT_EXEC) !== 0;
}

function describeUserSide(key: ObjectKey): Description {
  const { pid, filename } = key;
  if (filename === "[vdso]") {
    return { kind: "vdso", path: filename, name: filename, pid: -1, reference: undefined };
  }
  if (isFileless(filename)) {
    // code that a program generated: its names, if any, are in the perf map of its process
    return isExecutable(key)
      ? { kind: "jit", path: perfMapPath(pid), name: jitName(pid), pid, reference: undefined }
      : { kind: "anon", path: filename, name: filename, pid, reference: undefined };
  }
  const name = filename.startsWith("[") ? filename : baseName(filename);
  return { kind: "file", path: filename, name, pid: -1, reference: undefined };
}

/** Returns whether a mapping has no file, by the names that the kernel gives such memory. */
function isFileless(filename: string): boolean {
  return filename === "" || filename.startsWith("//anon") || filename.startsWith("/dev/zero") ||
    filename.startsWith("/anon_hugepage") || filename.startsWith("[stack") || filename.startsWith("/SYSV") ||
    filename.startsWith("[heap]") || filename.startsWith("[anon:");
}

/** Returns the path of the perf map of a process, by its pid where it runs. */
export function perfMapPath(pid: number): string {
  return `/tmp/perf-${pid}.map`;
}

/** Returns perf's name for run-time code of a process. */
function jitName(pid: number): string {
  return `[JIT] tid ${pid}`;
}

/** Returns the file's own name, cut if longer than file systems allow, since every row shows it. */
function baseName(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
}
