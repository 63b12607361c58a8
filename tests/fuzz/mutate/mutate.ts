/** Changes to bytes and texts that know nothing of their meaning. */

import { concat } from "../../../lib/base/bytes/bytes.ts";
import { EDGES, type Random } from "../random.ts";

/** What bytes may be changed with. */
export interface Stuff {
  /** Pieces that mean something in the format. */
  words?: readonly Uint8Array[];
  /** Other inputs of the format, of which a piece may be put in. */
  donors?: readonly Uint8Array[];
}

/** A copy of `bytes` with one to four changes, cut off or grown in some of them. Changes nothing before `from`. */
export function mutateBytes(
  bytes: Uint8Array,
  random: Random,
  from = 0,
  stuff: Stuff = {},
): Uint8Array<ArrayBuffer> {
  let out = new Uint8Array(bytes);
  for (let changes = 1 + random.below(4); changes > 0 && out.length > from; changes--) {
    out = random.oneIn(4) ? putIn(out, random, from, stuff) : changeOnce(out, random, from);
  }
  return out;
}

/** A word or a piece of a donor over what is there, or between; a change of any kind where there are none. */
function putIn(
  bytes: Uint8Array<ArrayBuffer>,
  random: Random,
  from: number,
  { words = [], donors = [] }: Stuff,
): Uint8Array<ArrayBuffer> {
  const at = from + random.below(bytes.length - from);
  let piece: Uint8Array;
  if (words.length > 0 && (donors.length === 0 || random.oneIn(2))) piece = random.pick(words);
  else if (donors.length > 0) {
    const donor = random.pick(donors), start = random.below(donor.length + 1);
    piece = donor.subarray(start, start + 1 + random.below(random.oneIn(4) ? 1024 : 64));
  } else return changeOnce(bytes, random, from);
  if (random.oneIn(3)) return concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
  bytes.set(piece.subarray(0, bytes.length - at), at);
  return bytes;
}

function changeOnce(bytes: Uint8Array<ArrayBuffer>, random: Random, from: number): Uint8Array<ArrayBuffer> {
  const at = from + random.below(bytes.length - from);
  const view = new DataView(bytes.buffer);
  switch (random.below(11)) {
    case 0:
      return bytes.slice(0, at);
    case 1: { // leave some out
      const n = random.below(Math.min(64, bytes.length - at)) + 1;
      return concat([bytes.subarray(0, at), bytes.subarray(at + n)]);
    }
    case 2: // the same once more
      return concat([bytes.subarray(0, at), bytes.subarray(at, at + random.below(256)), bytes.subarray(at)]);
    case 3:
      bytes.fill(random.pick([0, 0xff, random.below(256)]), at, at + random.below(32));
      return bytes;
    case 4:
      bytes[at] ^= 1 << random.below(8);
      return bytes;
    case 5:
      bytes[at] = random.below(256);
      return bytes;
    case 6: { // a length that is nearly right
      const width = random.pick([1, 2, 4, 8]), step = random.pick([-8, -4, -1, 1, 4, 8]);
      if (at + width > bytes.length) return bytes;
      if (width === 1) bytes[at] += step;
      else if (width === 2) view.setUint16(at, view.getUint16(at, true) + step, true);
      else if (width === 4) view.setUint32(at, view.getUint32(at, true) + step, true);
      else view.setBigUint64(at, BigInt.asUintN(64, view.getBigUint64(at, true) + BigInt(step)), true);
      return bytes;
    }
    default: { // a number at a place where one may be
      const little = !random.oneIn(4);
      const value = random.oneIn(3) ? random.u64() : random.pick(EDGES);
      const width = random.pick([2, 4, 8]);
      const aligned = at - (at % width);
      if (aligned < from || aligned + width > bytes.length) return bytes;
      if (width === 2) view.setUint16(aligned, Number(value & 0xffffn), little);
      else if (width === 4) view.setUint32(aligned, Number(value & 0xffffffffn), little);
      else view.setBigUint64(aligned, value, little);
      return bytes;
    }
  }
}

/** Letters that end lines for some and not for others, that terminals act on, or that are none. */
const ODD_LETTERS = [0, 9, 10, 13, 27, 127, 0x85, 0x2028, 0x202e, 0xd800, 0xfeff];

/** A text made of one of `seeds` with pieces of `words` and of others put in, left out, or doubled. */
export function mutateText(seeds: readonly string[], words: readonly string[], random: Random): string {
  let text = random.pick(seeds);
  for (let changes = 1 + random.below(5); changes > 0; changes--) {
    const at = random.below(text.length + 1);
    const to = Math.min(text.length, at + random.below(8));
    switch (random.below(6)) {
      case 0:
        text = text.slice(0, at) + text.slice(to);
        break;
      case 1:
        text = text.slice(0, at) + random.pick(words) + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + random.pick(words) + text.slice(to);
        break;
      case 3:
        text = text.slice(0, to) + text.slice(at);
        break;
      case 4:
        text = text.slice(0, at) +
          String.fromCharCode(random.pick([...ODD_LETTERS, 32 + random.below(95)])) +
          text.slice(at);
        break;
      default:
        text = text.slice(0, at) + String(random.u64()) + text.slice(to);
    }
  }
  return text;
}
