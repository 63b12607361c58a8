/** Frames of a profile as a dataset has them: what reports say of them, and an id that is the same in every recording. */

import type { Profile } from "../../profile/model/profile.ts";
import { isKernel } from "../../profile/model/profile.ts";
import { rangeName } from "../../profile/model/unnamed.ts";
import { ContentIds } from "../layout/content_ids.ts";
import { NO_OBJECT } from "../layout/schema.ts";
import { boundedText } from "./dictionaries.ts";
import type { TableFile } from "./table_file.ts";

/** Facts of a frame that a dataset has; null where nothing is known. */
interface FrameContent {
  function: string | null;
  object: string;
  path: string;
  buildId: string;
  kind: string;
  kernel: boolean;
  inlined: boolean;
  file: string | null;
  line: number | null;
  /** First address of the function, or of the code without a name, in the object; null where processes differ in it. */
  start: number | null;
  /** Last address seen of code that is in no function; null for functions. */
  end: number | null;
  cause: string | null;
  remedy: string | null;
}

/** Frames of a profile, each once. */
export interface DatasetFrames {
  /** Id of each frame of the profile. */
  ids: ContentIds;
  /** Frame of the profile with each different id. */
  rows: number[];
  contents: FrameContent[];
}

/** Collects the frames of a profile that has `symbols.start`. */
export function framesOf(profile: Profile): DatasetFrames {
  const { createHash } = process.getBuiltinModule("node:crypto");
  const count = profile.frames.object.length;
  const ids = new ContentIds(count), rows: number[] = [], contents: FrameContent[] = [];
  const known = new Map<string, number>();
  for (let frame = 0; frame < count; frame++) {
    const content = contentOf(profile, frame), identity = identityOf(content);
    const first = known.get(identity);
    if (first === undefined) {
      const digest = createHash("sha256").update(identity).digest();
      ids.low[frame] = digest.readInt32LE(0);
      ids.high[frame] = digest.readInt32LE(4);
      known.set(identity, frame);
      rows.push(frame);
      contents.push(content);
    } else {
      ids.low[frame] = ids.low[first];
      ids.high[frame] = ids.high[first];
    }
  }
  return { ids, rows, contents };
}

/**
 * Returns the text whose SHA-256 has the id of a frame in its first 64 bits. Code of an object that is in no function is
 * one frame, whatever its addresses.
 */
function identityOf(content: FrameContent): string {
  const { kind, object, path, buildId, inlined, file, line, start, end, cause } = content;
  return JSON.stringify([
    kind,
    object,
    path,
    buildId,
    content.function,
    inlined,
    file,
    line,
    end === null ? start : null,
    cause,
  ]);
}

function contentOf(
  { frames, objects, symbols, unnamed, unresolved, lines }: Profile,
  frame: number,
): FrameContent {
  const object = objects[frames.object[frame]], symbol = frames.symbol[frame], code = frames.unnamed[frame];
  const why = unresolved[frames.unresolved[frame]], line = lines?.ofFrame[frame] ?? -1;
  const named = symbol >= 0, isFunction = named || unnamed.to[code] === -1;
  const start = named ? toldStart(object.kind, symbols.start![symbol]) : unnamed.from[code];
  return {
    function: named ? symbols.name[symbol] : null,
    object: object?.name ?? "[unknown]",
    path: object?.path ?? "",
    buildId: object?.buildId ?? "",
    kind: object?.kind ?? NO_OBJECT,
    kernel: object ? isKernel(object.kind) : frames.address[frame] < 0,
    inlined: (frames.inlinedInto?.[frame] ?? -1) >= 0,
    file: line < 0 ? null : lines!.paths[lines!.file[line]],
    line: line < 0 ? null : lines!.line[line],
    start,
    end: isFunction ? null : unnamed.to[code],
    cause: why?.cause ?? null,
    remedy: why?.remedy ?? null,
  };
}

/**
 * Returns the address of a function where functions of one name are told apart by it; null in the kernel, where it is
 * another after each start of the machine, so that its functions go by their names alone.
 */
function toldStart(kind: Profile["objects"][number]["kind"], start: number): number | null {
  return isKernel(kind) || kind === "guest" || start !== start ? null : start;
}

/** Returns the name to show: the function's; `libfoo.so+0x1a40` for one without; `[libfoo.so]` for code in no function. */
function shownName(content: FrameContent): string {
  const { object, path, buildId, kind, start, end } = content;
  if (content.function !== null) return content.function;
  if (kind === NO_OBJECT) return "[unknown]";
  const whole = { name: object, path, kind, buildId } as Profile["objects"][number];
  if (end === null || NAMELESS.has(kind)) return rangeName(whole, start!, -1);
  return object.startsWith("[") ? object : `[${object}]`;
}

/** Kinds of objects whose code has one name, whatever its address; see rangeName(). */
const NAMELESS: ReadonlySet<string> = new Set(["jit", "guest", "missing", "anon"]);

/** Writes the frames, those of an object together. */
export function writeFrames(file: TableFile, { ids, rows, contents }: DatasetFrames): void {
  const key = ({ object, function: name }: FrameContent) => `${object} ${name}`;
  const order = [...rows.keys()].sort((a, b) => key(contents[a]) < key(contents[b]) ? -1 : 1);
  const column = <T>(value: (content: FrameContent, row: number) => T) =>
    order.map((row) => value(contents[row], row));
  const text = (value: (content: FrameContent) => string | null) =>
    column((content) => bounded(value(content)));
  file.values({
    frame_id: BigInt64Array.from(column((_, row) => ids.at(rows[row]))),
    function: text((content) => content.function),
    name: text(shownName),
    object: text(({ object }) => object),
    path: text(({ path }) => path),
    build_id: text(({ buildId }) => buildId),
    kind: text(({ kind }) => kind),
    kernel: column(({ kernel }) => kernel),
    inlined: column(({ inlined }) => inlined),
    file: text((content) => content.file),
    line: column(({ line }) => line),
    start_address: column(({ start }) => start),
    end_address: column(({ end }) => end),
    cause: text(({ cause }) => cause),
    remedy: text(({ remedy }) => remedy),
  });
}

const decoder = new TextDecoder();

/** Cuts a text that is too long. */
export function bounded<T extends string | null>(text: T): T {
  return text === null || text.length < 2000 ? text : decoder.decode(boundedText(text)) as T;
}
