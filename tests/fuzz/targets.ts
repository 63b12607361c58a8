/** All that is fuzzed. */

import type { Target } from "./target.ts";
import { bombTargets } from "./targets/bombs.ts";
import { bundleTargets } from "./targets/bundle.ts";
import { commandTargets } from "./targets/commands.ts";
import { datasetTargets } from "./targets/datasets.ts";
import { fileTargets } from "./targets/files.ts";
import { liveTargets } from "./targets/live.ts";
import { jitTargets } from "./targets/jit.ts";
import { keptTargets } from "./targets/kept.ts";
import { objectTargets } from "./targets/objects.ts";
import { procTargets } from "./targets/proc.ts";
import { recordingTargets } from "./targets/recordings.ts";
import { rendererTargets } from "./targets/renderers.ts";
import { socketTargets } from "./targets/sockets.ts";
import { textTargets } from "./targets/texts.ts";
import { unwindTargets } from "./targets/unwinding.ts";

/** Every target, always in the same order. */
export async function allTargets(): Promise<Target[]> {
  return [
    ...objectTargets(),
    ...jitTargets(),
    ...keptTargets(),
    ...await bundleTargets(),
    ...unwindTargets(),
    ...liveTargets(),
    ...procTargets(),
    ...await fileTargets(),
    ...datasetTargets(),
    ...textTargets(),
    ...socketTargets(),
    ...await recordingTargets(),
    ...await rendererTargets(),
    ...await commandTargets(),
    ...bombTargets(),
  ];
}
