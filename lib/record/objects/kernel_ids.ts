/** Reads the build ids of the running kernel and its modules, by which a reader elsewhere recognizes their files. */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import type { BuildIdEntry } from "../../perfdata/format/features.ts";
import { kernelBuildId, moduleBuildId } from "../../symbols/files/host_files.ts";
import { KERNEL_MAP } from "../../symbols/object/objects.ts";
import { liveProc, parseModules } from "../host/procfs.ts";

/** Source of build ids: this machine, but in tests. */
export interface KernelIdSource {
  /** Returns the text of /proc/modules. */
  modules(): string | undefined;
  kernelId(): string | undefined;
  moduleId(name: string): string | undefined;
}

const LIVE: KernelIdSource = {
  modules: () => liveProc.text("/proc/modules"),
  kernelId: kernelBuildId,
  moduleId: moduleBuildId,
};

/**
 * Returns the kernel's build id and, `withModules`, those of the modules whose addresses this user may see, named as in
 * their map records. Leaves out what has no build id, or hides it.
 */
export function kernelBuildIds(withModules: boolean, source: KernelIdSource = LIVE): BuildIdEntry[] {
  const modules = withModules ? parseModules(source.modules() ?? "") : [];
  const ids = [
    { filename: KERNEL_MAP, buildId: source.kernelId() },
    ...modules.map(({ name }) => ({ filename: `[${name}]`, buildId: source.moduleId(name) })),
  ];
  return ids.flatMap(({ filename, buildId }) =>
    buildId === undefined ? [] : [{ pid: -1, misc: PERF_RECORD_MISC.KERNEL, buildId, filename }]
  );
}
