/**
 * Bundle of names that a recording carries with it, so that a report needs neither the programs nor what they wrote
 * about their run-time code: `record` adds the latter, `bundle` all of it. lib/perfdata/own/names_part.ts says where
 * it is in a recording.
 *
 *     u32 version, packing, size;      1; 0 as it is, 1 deflated (RFC 1951); size in bytes of the blocks
 *     u8 blocks[];                     see blocks.ts
 */

import { ByteReader, ByteWriter, concat } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { type Cost, WORK } from "../object/limits.ts";
import type { ObjectInfo } from "../object/objects.ts";
import { blocksIn, damaged } from "./blocks.ts";
import { BLOCK } from "./block_types.ts";
import {
  BundledObject,
  decodeFacts,
  encodeObject,
  identityOf,
  keyOf,
  type ObjectAnswers,
} from "./bundled_object.ts";
import { BundledSources } from "./bundled_sources.ts";

const VERSION = 1, HEADER = 12;
const PACKING = { NONE: 0, DEFLATE: 1 } as const;
/** Bytes from which on compression is worth loading it. */
const WORTH_PACKING = 4096;
/** Most bytes that a compressed byte can stand for, with zlib. */
const MAX_RATIO = 1032;
/** Most bytes of the blocks of a bundle. */
const MAX_BUNDLE_BYTES = 128 << 20;

/** Encodes a bundle; undefined if its blocks would be larger than MAX_BUNDLE_BYTES. */
export function encodeBundle(
  objects: Iterable<ObjectAnswers>,
  further: readonly Uint8Array[] = [],
): Uint8Array | undefined {
  const parts = [...Array.from(objects, encodeObject).flat(), ...further];
  if (parts.reduce((sum, { length }) => sum + length, 0) > MAX_BUNDLE_BYTES) return undefined;
  const blocks = concat(parts);
  const packs = blocks.length >= WORTH_PACKING;
  const bytes = packs ? process.getBuiltinModule("node:zlib").deflateRawSync(blocks) : blocks;
  const w = new ByteWriter(HEADER + bytes.length);
  return w.u32(VERSION).u32(packs ? PACKING.DEFLATE : PACKING.NONE).u32(blocks.length).raw(bytes).bytes();
}

/** Bundle that was read. */
export class Bundle {
  readonly #objects = new Map<string, BundledObject>();
  /** Payloads of the blocks that belong to no object, by type. */
  readonly further = new Map<number, Uint8Array>();
  /** Texts of source lines; undefined if there are none. */
  sources: BundledSources | undefined;

  /**
   * Reads an encoded bundle. Throws BadInputError if it is damaged, and LimitError.
   * @param cost is charged for its memory, as kept.
   */
  constructor(bytes: Uint8Array, cost: Cost) {
    let object: BundledObject | undefined;
    for (const { type, payload } of blocksIn(unpacked(bytes, cost))) {
      if (type === BLOCK.OBJECT) {
        const facts = decodeFacts(payload);
        object = new BundledObject(facts);
        this.#objects.set(keyOf(facts), object);
      } else if (type === BLOCK.STACKS) this.further.set(type, payload);
      else if (type === BLOCK.SOURCES) this.sources = new BundledSources(payload);
      else object?.take(type, payload);
    }
  }

  /** Returns what is known about an object; undefined if it was not bundled. */
  of(object: ObjectInfo): BundledObject | undefined {
    return this.#objects.get(keyOf(identityOf(object)));
  }

  /** Objects in the order in which they were bundled. */
  get objects(): Iterable<BundledObject> {
    return this.#objects.values();
  }
}

function unpacked(bytes: Uint8Array, cost: Cost): Uint8Array {
  const r = new ByteReader(bytes, true, "a bundle of names");
  const version = r.u32(), packing = r.u32(), size = r.u32();
  if (version !== VERSION) {
    throw new BadInputError(
      `the bundle of names has version ${version}: expected ${VERSION}: use a newer pmuctl`,
    );
  }
  const rest = r.slice(r.left);
  if (size > MAX_BUNDLE_BYTES || size > rest.length * MAX_RATIO) throw damaged();
  // columns are copied out of it, and kept with the texts
  cost.keep(2 * size);
  cost.work(size * (WORK.zlib + WORK.read));
  if (packing !== PACKING.NONE && packing !== PACKING.DEFLATE) throw damaged();
  const whole = packing === PACKING.NONE ? rest : inflated(rest, size);
  if (whole?.length !== size) throw damaged();
  return whole;
}

/** Decompresses bytes; undefined if they are no deflated data, or of more than `size` bytes. */
function inflated(bytes: Uint8Array, size: number): Uint8Array | undefined {
  const chunkSize = Math.max(64, size);
  try {
    const whole = process.getBuiltinModule("node:zlib").inflateRawSync(bytes, {
      maxOutputLength: chunkSize,
      chunkSize,
    });
    // plain, since a Buffer's slice() is no copy
    return new Uint8Array(whole.buffer, whole.byteOffset, whole.length);
  } catch {
    return undefined;
  }
}
