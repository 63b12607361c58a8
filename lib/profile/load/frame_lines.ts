/** Source lines of a profile's frames, with warnings about the objects that have none. */

import type { ObjectInfo } from "../../symbols/object/objects.ts";
import { Budget } from "../../symbols/object/limits.ts";
import { mayFetch } from "../../symbols/files/symbol_files.ts";
import { linesOf, type LineSources, mayHaveLines, whyNoLines } from "../../symbols/source_lines.ts";
import { REASON } from "../../symbols/object/missing_symbol_reasons.ts";
import { StackTable } from "../model/tables.ts";
import type { ProfileLines } from "../model/profile.ts";

/** Most objects named in a warning. */
const MAX_NAMED = 3;

/** Object with samples but no lines. */
interface Missing {
  name: string;
  samples: number;
}

/** Frames to find lines for. */
export interface LineFrames {
  /** Row of `objects`, -1 for none. */
  object: Int32Array;
  /** Address in the object. */
  address: Float64Array;
  /** 1 where a call returns to the address: its line is that of the code before. */
  returns: Int32Array;
  /** Number of samples in each frame. */
  weight: Float64Array;
}

/**
 * Finds the lines of all frames that are in files; the debug information of each object is read once. `warnings` name
 * the sampled objects without lines.
 */
export function frameLines(
  frames: LineFrames,
  objects: readonly ObjectInfo[],
  { files, budget = new Budget(), bundledOf }: LineSources,
): { lines: ProfileLines; warnings: string[] } {
  const rows = new StackTable(); // a line on top of its file
  const ofFrame = new Int32Array(frames.object.length).fill(-1);
  const paths: string[] = [];
  const pathIds = new Map<string, number>();
  const missing = new Map<string, Missing[]>();
  for (const [id, members] of framesByObject(frames.object)) {
    const object = objects[id];
    if (!mayHaveLines(object)) continue;
    const addresses = Float64Array.from(members, (frame) => frames.address[frame] - frames.returns[frame]);
    const found = linesOf(object, addresses, { files, budget, bundledOf });
    if (!("file" in found)) {
      // few machines have the debug information of their kernel
      if (object.kind !== "file" && found.reason === REASON.NO_FILE) continue;
      const samples = members.reduce((sum, frame) => sum + frames.weight[frame], 0);
      const why = whyNoLines(found, object, mayFetch(files, object));
      if (samples > 0) {
        const alike = missing.get(why);
        if (alike) alike.push({ name: object.name, samples });
        else missing.set(why, [{ name: object.name, samples }]);
      }
      continue;
    }
    members.forEach((frame, i) => {
      if (found.file[i] < 0) return;
      const path = found.paths[found.file[i]];
      if (!pathIds.has(path)) pathIds.set(path, paths.push(path) - 1);
      ofFrame[frame] = rows.intern(pathIds.get(path)!, found.line[i]);
    });
  }
  const lines = { ofFrame, file: rows.parent.values(), line: rows.frame.values(), paths };
  return { lines, warnings: Array.from(missing, missingText) };
}

function framesByObject(object: Int32Array): Map<number, number[]> {
  const members = new Map<number, number[]>();
  object.forEach((id, frame) => {
    if (id < 0) return;
    const list = members.get(id);
    if (list) list.push(frame);
    else members.set(id, [frame]);
  });
  return members;
}

function missingText([why, objects]: [string, Missing[]]): string {
  objects.sort((a, b) => b.samples - a.samples);
  const named = objects.slice(0, MAX_NAMED).map(({ name, samples }) => `${name} (${samples} samples)`);
  const more = objects.length - named.length;
  return `no source lines in ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}: ${why}`;
}
