/** The machine and the programs that something is measured with. */

import { VERSION } from "../../lib/base/system/version.ts";
import { PERFS } from "./peers.ts";

/** Circumstances that figures have to be read with. */
export interface Setting {
  date: string;
  machine: string;
  versions: string[];
  /** Load average when it started. */
  load: number;
}

/** Returns the present setting. */
export function setting(): Setting {
  const model = /^model name\s*: (.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? Deno.build.arch;
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${navigator.hardwareConcurrency} CPUs (${model}), Linux ${Deno.osRelease()}`,
    versions: [`pmuctl ${VERSION}`, ...PERFS.map(({ version }) => `perf ${version}`)],
    load: Deno.loadavg()[0],
  };
}
