/** The source lines of a profile's frames, object by object, and how many samples have none, and why. */

import type { ObjectInfo } from "../symbols/objects.ts";
import { sourceLines } from "../symbols/source_lines.ts";
import type { SymbolFiles } from "../symbols/symbolizer.ts";
import { StackTable } from "./tables.ts";
import type { ProfileLines } from "./profile.ts";

/** Objects named in a warning. */
const MOST_NAMED = 3;

/** The frames to find lines for. */
export interface LineFrames {
  /** Row of `objects`, -1 for none. */
  object: Int32Array;
  /** Where in its object. */
  address: Float64Array;
  /** How many samples are in each. */
  weight: Float64Array;
}

/**
 * The lines of all frames that are in files, from each object's debug information, which is read once. `warning` says
 * which objects have none that samples are in.
 */
export async function frameLines(
  frames: LineFrames,
  objects: readonly ObjectInfo[],
  files: SymbolFiles,
): Promise<{ lines: ProfileLines; warning?: string }> {
  const rows = new StackTable(); // a line under its file
  const ofFrame = new Int32Array(frames.object.length).fill(-1);
  const paths: string[] = [];
  const pathIds = new Map<string, number>();
  const missing: { name: string; samples: number }[] = [];
  for (const [id, members] of framesByObject(frames.object)) {
    const object = objects[id];
    if (object.kind !== "file") continue;
    const found = await sourceLines(files, object, Float64Array.from(members, (f) => frames.address[f]));
    if (found === undefined) {
      const samples = members.reduce((sum, frame) => sum + frames.weight[frame], 0);
      if (samples > 0) missing.push({ name: object.name, samples });
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
  return { lines, warning: missingText(missing) };
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

function missingText(missing: { name: string; samples: number }[]): string | undefined {
  if (missing.length === 0) return undefined;
  missing.sort((a, b) => b.samples - a.samples);
  const named = missing.slice(0, MOST_NAMED).map(({ name, samples }) => `${name} (${samples} samples)`);
  const more = missing.length - named.length;
  return `no source lines in ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}: ` +
    "build with -g, or install the debug symbols (packages -dbgsym or -debuginfo)";
}
