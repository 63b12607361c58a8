/**
 * The things that get mapped: files, the vdso, the kernel and its modules, code made at run time. What
 * a mapping's name says about it is decided here, by perf's rules, and nowhere else.
 */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { deviceOf } from "../../base/files/file_bytes.ts";

/**
 * What a mapped object is; `kernel`, `module` and `bpf` run in kernel mode. `guest` is all code of the guests of virtual
 * machines that run here, or of the hypervisor that this one runs on.
 */
export type ObjectKind = "kernel" | "module" | "bpf" | "vdso" | "file" | "jit" | "anon" | "guest";

/** One mapped object. Mappings of one file, in whatever processes, share it. */
export interface ObjectInfo {
  /** Its row in the object table. */
  id: number;
  kind: ObjectKind;
  /**
   * As mapped, ` (deleted)` included; `[kernel.kallsyms]` for the kernel, `/tmp/perf-PID.map` (where the
   * names of such code are by convention) or a jitdump for `jit`, the symbol's own name for `bpf`.
   */
  path: string;
  /** As shown: a file's base name, `[vdso]`, `[ext4]` for a module, `[JIT] tid PID`. */
  name: string;
  /** In lower-case hex; undefined when nothing said it. */
  buildId: string | undefined;
  /** The process it belongs to, for `jit` and `anon`; else -1. */
  pid: number;
  /**
   * For the kernel and its modules: a symbol of the kernel and the address it had during the recording,
   * which tell how far the kernel was moved (KASLR) against a symbol list from another boot.
   */
  reference: { symbol: string; address: number } | undefined;
  /** For a file, as the kernel told it: its device as FileBytes.device has it, and its inode there. */
  mapped?: { device: string; inode: bigint };
}

/** What tells objects apart and is known of one when it is mapped. */
export interface ObjectKey {
  /** Of the process, -1 for the kernel. */
  pid: number;
  /** The mapping's name as the record gives it. */
  filename: string;
  maj?: number;
  min?: number;
  ino?: bigint;
  /** In hex. */
  buildId?: string;
  /** PROT_* bits; taken to be executable when absent, as in PERF_RECORD_MMAP. */
  prot?: number;
  /** For the kernel's own map: the address of its reference symbol. */
  pgoff: number;
}

/** Returns whether a kernel-side object of this name is a module: `[ext4]`, or a path ending in .ko, compressed or not. */
export function isModule(filename: string): boolean {
  const bracketed = filename.startsWith("[") && !/^\[(kernel|guest)\./.test(filename);
  return bracketed || /\.ko(\.[a-z0-9]+)?$/.test(filename);
}

const PROT_EXEC = 4;
/** Letters of a file's name that are shown: as many as file systems have room for, and ` (deleted)`. */
const MAX_NAME = 265;
/** The kernel's map is named so, with the reference symbol behind it: `[kernel.kallsyms]_text`. */
export const KERNEL_MAP = "[kernel.kallsyms]";

/** What the code of guests and of hypervisors goes by, by the PERF_RECORD_MISC of its samples. */
export const GUEST_NAMES: ReadonlyMap<number, string> = new Map([
  [PERF_RECORD_MISC.GUEST_KERNEL, "[guest.kernel]"],
  [PERF_RECORD_MISC.GUEST_USER, "[guest]"],
  [PERF_RECORD_MISC.HYPERVISOR, "[hypervisor]"],
]);

/** What a name in a process last was, and the key that said so. */
interface LastMapped extends Pick<ObjectKey, "maj" | "min" | "ino" | "buildId"> {
  object: ObjectInfo;
  /** As the name describes it: the process that has it for itself and whether it is its code; pid -1: all have it. */
  pid: number;
  isCode: boolean;
}

/** Every object seen, by number. */
export class ObjectTable {
  readonly rows: ObjectInfo[] = [];
  readonly #byKey = new Map<string, ObjectInfo>();
  /** By the name in a process: the same libraries are mapped again and again, mostly with the same key. */
  readonly #lastMapped = new Map<string, LastMapped>();
  /** What a list of build ids may mean by a name: by path, and modules by their names, too. */
  readonly #called = new Map<string, ObjectInfo[]>();
  readonly #buildIds = new Map<string, string>();
  #kernelReference: ObjectInfo["reference"];

  /** The object of a mapping, a new one if need be. */
  of(key: ObjectKey): ObjectInfo {
    if (key.pid === -1) {
      const described = describeKernelSide(key);
      if (described.kind === "kernel") this.#kernelReference = described.reference;
      else described.reference = this.#kernelReference;
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

  /** The object of code the kernel announced by name (PERF_RECORD_KSYMBOL). */
  ofKernelSymbol(name: string): ObjectInfo {
    const described = { kind: "bpf", path: name, name, pid: -1, reference: undefined } as const;
    return this.#intern(`\0${name}`, described, undefined);
  }

  /** The object of code outside this machine, by its name: one of GUEST_NAMES. */
  ofGuest(name: string): ObjectInfo {
    const described = { kind: "guest", path: name, name, pid: -1, reference: undefined } as const;
    return this.#intern(`\0${name}\0guest`, described, undefined);
  }

  /** The object of the code that process `pid` describes in its jitdump at `path`. */
  ofJitDump(pid: number, path: string): ObjectInfo {
    const described = { kind: "jit", path, name: jitName(pid), pid, reference: undefined } as const;
    return this.#intern(`${path}\0jitdump ${pid}`, described, undefined);
  }

  /**
   * Tells the build id of every object mapped as `path`, now or later, that has none of its own. Recordings
   * carry a list of them at their end. The kernel goes by `[kernel.kallsyms]`.
   */
  setBuildId(path: string, buildId: string): void {
    this.#buildIds.set(path, buildId);
    for (const object of this.#called.get(path) ?? []) object.buildId ??= buildId;
  }

  #ofDescribed(described: Description, { maj = 0, min = 0, ino = 0n, buildId }: ObjectKey): ObjectInfo {
    // what is not a file has no inode that would tell two of one name apart
    const file = described.kind === "file" ? `${maj}:${min}:${ino}` : described.kind;
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
    // a reference address of zero says that kptr_restrict hid the true one
    const reference = symbol !== "" && pgoff !== 0 ? { symbol, address: pgoff } : undefined;
    return { kind: "kernel", path: KERNEL_MAP, name: KERNEL_MAP, pid: -1, reference };
  }
  return { kind: "module", path: filename, name: moduleName(filename), pid: -1, reference: undefined };
}

/** `/lib/modules/6.1.0/kernel/net/nf-log.ko.xz` is `[nf_log]` in the kernel's own lists. */
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
    // code that a program wrote itself: its names, if anywhere, are in the perf map of its process
    return isExecutable(key)
      ? { kind: "jit", path: `/tmp/perf-${pid}.map`, name: jitName(pid), pid, reference: undefined }
      : { kind: "anon", path: filename, name: filename, pid, reference: undefined };
  }
  const name = filename.startsWith("[") ? filename : baseName(filename);
  return { kind: "file", path: filename, name, pid: -1, reference: undefined };
}

/** Memory with no file behind it, by the names the kernel gives it. */
function isFileless(filename: string): boolean {
  return filename === "" || filename.startsWith("//anon") || filename.startsWith("/dev/zero") ||
    filename.startsWith("/anon_hugepage") || filename.startsWith("[stack") || filename.startsWith("/SYSV") ||
    filename.startsWith("[heap]") || filename.startsWith("[anon:");
}

/** perf's name for code that a process made. */
function jitName(pid: number): string {
  return `[JIT] tid ${pid}`;
}

/** The file's own name: what no file system has is shortened, as it is shown with every row. */
function baseName(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
}
