/** Places of the files of a kernel: vmlinux, and the modules of a release. */

import { exists } from "../../base/files/exists.ts";
import type { ObjectInfo } from "../object/objects.ts";
import { type DebugPlace, placesOfBuild } from "./debug_places.ts";

/** Kernel release as `uname -r` has it, and as a folder may be called. */
const RELEASE = /^[0-9A-Za-z][0-9A-Za-z._+~-]*$/;
/** File of a module, by its name in the kernel's own lists. */
const MODULE_FILE = /^(.+)\.ko(\.gz|\.xz|\.zst|\.debug)?$/;
const PACKED = /\.ko\.(gz|xz|zst)$/;
/** Most files and folders of modules that are looked through. Distributions have 7000 modules. */
const MAX_ENTRIES = 50_000;

/** Yields the places of the kernel's vmlinux file, with debug information first. */
export function* vmlinuxPlaces(
  { buildId }: ObjectInfo,
  release: string,
  root: string,
): Generator<DebugPlace> {
  yield* placesOfBuild(buildId, root);
  if (!RELEASE.test(release)) return;
  for (
    const path of [
      `/usr/lib/debug/boot/vmlinux-${release}`,
      `/usr/lib/debug/lib/modules/${release}/vmlinux`,
      `/lib/modules/${release}/build/vmlinux`,
      `/lib/modules/${release}/vmlinux`,
      `/boot/vmlinux-${release}`,
    ]
  ) yield { root, path };
}

/** Finder of the files of modules, by folders that it looks through once. */
export class ModulePlaces {
  /** Paths below a root, by release, and there by the module's name. */
  readonly #found = new Map<string, Map<string, string[]>>();

  /**
   * Returns the places of a module's file, with debug information first.
   * @param packed of compressed files, in place of others.
   */
  *of(object: ObjectInfo, packed: boolean, release: string, root: string): Generator<DebugPlace> {
    if (!packed) yield* placesOfBuild(object.buildId, root);
    const own = object.path.startsWith("/") ? [object.path] : [];
    // perf has the path that it was loaded from
    const of = /^\/lib\/modules\/([^/]+)\//.exec(object.path)?.[1] ?? release;
    const listed = RELEASE.test(of) ? this.#modules(of, root).get(object.name) ?? [] : [];
    for (const path of new Set([...listed, ...own])) if (PACKED.test(path) === packed) yield { root, path };
  }

  #modules(release: string, root: string): Map<string, string[]> {
    let modules = this.#found.get(release);
    if (modules === undefined) {
      modules = new Map();
      const folders = [`/usr/lib/debug/lib/modules/${release}`, `/lib/modules/${release}`];
      for (const folder of folders) collect(root, folder, modules);
      this.#found.set(release, modules);
    }
    return modules;
  }
}

/** Adds the paths of all modules in a folder, and in those below, by name. Follows no links. */
function collect(root: string, top: string, modules: Map<string, string[]>): void {
  const folders = [top];
  let left = MAX_ENTRIES;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (!exists(root + folder)) continue;
    try {
      for (const { name, isDirectory, isFile } of Deno.readDirSync(root + folder)) {
        if (left-- === 0) return;
        const path = `${folder}/${name}`, found = isFile ? MODULE_FILE.exec(name) : null;
        if (isDirectory) folders.push(path);
        if (found === null) continue;
        const key = `[${found[1].replaceAll("-", "_")}]`, paths = modules.get(key);
        if (paths) paths.push(path);
        else modules.set(key, [path]);
      }
    } catch {
      // not readable for this user
    }
  }
}
