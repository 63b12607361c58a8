/** Machines to verify sets for, made of captured sysfs trees. */

import { type MachineModel, machineModel } from "../../lib/counters/verify/machine.ts";
import type { Pics } from "../../lib/counters/verify/pics.ts";
import type { Privilege } from "../../lib/events/privilege.ts";
import {
  ARM,
  INTEL_HYBRID,
  INTEL_SERVER,
  type Tree,
  treeFiles,
  VIRTUAL_MACHINE,
  worldOf,
} from "../events/trees.ts";

export const ROOT: Privilege = { paranoid: 2, capable: true, seccomp: false };
export const USER: Privilege = { paranoid: 2, capable: false, seccomp: false };

function machine(tree: Tree, pics: Record<string, Pics>, arch: string, privilege: Privilege): MachineModel {
  const files = treeFiles({
    "/proc/sys/kernel": { perf_event_max_sample_rate: "100000\n" },
    "/sys/devices/system/cpu": { online: "0-3\n" },
  });
  return machineModel(worldOf(tree), new Map(Object.entries(pics)), { arch, files, privilege });
}

/** Two general counters (pic0, pic1), and one each for instructions (2), cycles (3) and ref-cycles (4). */
export const intel = (privilege = ROOT) =>
  machine(INTEL_SERVER, { cpu: { general: 2, fixed: 3 } }, "x86_64", privilege);

/** Six general counters (pic0 to pic5) and the cycle counter (pic31). */
export const arm = (privilege = ROOT) =>
  machine(ARM, { armv8_pmuv3_0: { general: 6, fixed: 1 } }, "aarch64", privilege);

/** No hardware PMU. */
export const virtual = (privilege = ROOT) => machine(VIRTUAL_MACHINE, {}, "x86_64", privilege);

/** Two core PMUs. */
export const hybrid = (privilege = ROOT) =>
  machine(
    INTEL_HYBRID,
    { cpu_core: { general: 8, fixed: 3 }, cpu_atom: { general: 6, fixed: 3 } },
    "x86_64",
    privilege,
  );

/** A machine whose counters others have. */
export const busy = () => machine(INTEL_SERVER, { cpu: { general: 0, fixed: 0 } }, "x86_64", ROOT);
