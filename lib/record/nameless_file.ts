/** Files that nobody else sees, and that go with their descriptor, however this process ends. */

import { createFile } from "../../ffi/pmu.ts";

/** Makes one in the folder of `beside`, so on its file system. Throws PmuError or one of Deno's. */
export function namelessFile(beside: string): number {
  const folder = beside.includes("/") ? beside.slice(0, beside.lastIndexOf("/") + 1) : ".";
  const path = Deno.makeTempFileSync({ dir: folder, prefix: ".pmuctl-" });
  try {
    return createFile(path);
  } finally {
    Deno.removeSync(path);
  }
}
