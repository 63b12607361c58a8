/** Changes to bytes and texts that know nothing of their meaning. */

import { concat } from "../../lib/base/bytes.ts";
import { EDGES, type Random } from "./random.ts";

/** A copy of `bytes` with one to four changes, cut off or grown in some of them. Changes nothing before `from`. */
export function mutateBytes(bytes: Uint8Array, random: Random, from = 0): Uint8Array<ArrayBuffer> {
  let out = new Uint8Array(bytes);
  for (let changes = 1 + random.below(4); changes > 0 && out.length > from; changes--) {
    out = changeOnce(out, random, from);
  }
  return out;
}

function changeOnce(bytes: Uint8Array<ArrayBuffer>, random: Random, from: number): Uint8Array<ArrayBuffer> {
  const at = from + random.below(bytes.length - from);
  const view = new DataView(bytes.buffer);
  switch (random.below(10)) {
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
          String.fromCharCode(random.pick([0, 9, 10, 127, 0xd800, 0x1f600, 32 + random.below(95)])) +
          text.slice(at);
        break;
      default:
        text = text.slice(0, at) + String(random.u64()) + text.slice(to);
    }
  }
  return text;
}
