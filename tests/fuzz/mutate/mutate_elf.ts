/** Changes to ELF files by what is in them: headers, sections and what sections hold. Knows the layout apart from lib/symbols. */

import { concat } from "../../../lib/base/bytes/bytes.ts";
import { mutateBytes, type Stuff } from "./mutate.ts";
import { EDGES, type Random } from "../random.ts";

/** A section and where its header is. */
export interface PlacedSection {
  name: string;
  headerAt: number;
  offset: number;
  size: number;
}

/** An ELF file taken apart, as far as changes need it; the file has to be a right one. */
export class ElfParts {
  readonly bytes: Uint8Array;
  readonly is64: boolean;
  readonly littleEndian: boolean;
  readonly sections: PlacedSection[] = [];
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.is64 = bytes[4] === 2;
    this.littleEndian = bytes[5] === 1;
    const headers = this.word(this.is64 ? 40 : 32), step = this.is64 ? 64 : 40;
    const count = this.#view.getUint16(this.is64 ? 60 : 48, this.littleEndian);
    const names = this.#view.getUint16(this.is64 ? 62 : 50, this.littleEndian);
    const namesAt = this.word(headers + names * step + (this.is64 ? 24 : 16));
    for (let i = 0; i < count; i++) {
      const headerAt = headers + i * step;
      const nameAt = namesAt + this.#view.getUint32(headerAt, this.littleEndian);
      const name = new TextDecoder().decode(bytes.subarray(nameAt, bytes.indexOf(0, nameAt)));
      const isEmpty = this.#view.getUint32(headerAt + 4, this.littleEndian) === 8;
      const offset = this.word(headerAt + (this.is64 ? 24 : 16));
      this.sections.push({
        name,
        headerAt,
        offset,
        size: isEmpty ? 0 : this.word(headerAt + (this.is64 ? 32 : 20)),
      });
    }
  }

  word(at: number): number {
    return this.is64
      ? Number(this.#view.getBigUint64(at, this.littleEndian))
      : this.#view.getUint32(at, this.littleEndian);
  }

  /** What a section holds. */
  contents({ offset, size }: PlacedSection): Uint8Array {
    return this.bytes.subarray(offset, offset + size);
  }

  section(name: string): PlacedSection {
    return this.sections.find((section) => section.name === name)!;
  }

  /** A copy in which sections hold something else, each at the end of the file. `flags` are or-ed to its own. */
  with(changes: readonly { name: string; contents: Uint8Array; flags?: number }[]): Uint8Array<ArrayBuffer> {
    const out = concat([this.bytes, ...changes.map(({ contents }) => contents)]);
    const view = new DataView(out.buffer);
    const put = (at: number, value: number) => {
      if (this.is64) view.setBigUint64(at, BigInt(value), this.littleEndian);
      else view.setUint32(at, value, this.littleEndian);
    };
    let at = this.bytes.length;
    for (const { name, contents, flags = 0 } of changes) {
      const { headerAt } = this.section(name);
      put(headerAt + 8, this.word(headerAt + 8) | flags);
      put(headerAt + (this.is64 ? 24 : 16), at);
      put(headerAt + (this.is64 ? 32 : 20), contents.length);
      at += contents.length;
    }
    return out;
  }
}

/** A copy with one to three changes: to headers, to what a section holds, or to any bytes. */
export function mutateElf(elf: ElfParts, random: Random, stuff: Stuff): Uint8Array<ArrayBuffer> {
  let out = new Uint8Array(elf.bytes);
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const what = random.below(6);
    if (what < 2) changeHeader(out, elf, random);
    else if (what < 5) changeSection(out, elf, random, stuff);
    else out = mutateBytes(out, random, 0, stuff);
    if (out.length < elf.bytes.length) break; // places are no longer where they were
  }
  return out;
}

/** A number of the file's header, of a section's, or of a segment's. */
function changeHeader(out: Uint8Array<ArrayBuffer>, elf: ElfParts, random: Random): void {
  const view = new DataView(out.buffer);
  const { is64, littleEndian, sections } = elf;
  const section = random.pick(sections), other = random.pick(sections);
  const put = (at: number, width: number, value: bigint) => {
    if (at + width > out.length) return;
    if (width === 2) view.setUint16(at, Number(value & 0xffffn), littleEndian);
    else if (width === 4) view.setUint32(at, Number(value & 0xffffffffn), littleEndian);
    else view.setBigUint64(at, BigInt.asUintN(64, value), littleEndian);
  };
  const number = (old: number): bigint =>
    random.pick<() => bigint>([
      () => random.pick(EDGES),
      () => random.u64(),
      () => BigInt(Math.max(0, old + random.below(65) - 32)),
      () => BigInt(out.length - random.below(64)),
      () => BigInt(other.offset),
    ])();
  const wide = is64 ? 8 : 4;
  switch (random.below(4)) {
    case 0: { // e_ident to e_shstrndx
      const width = random.pick([2, wide]), at = random.below((is64 ? 64 : 52) / width) * width;
      return put(at, width, number(at));
    }
    case 1: { // p_type to p_align
      const at = elf.word(is64 ? 32 : 28) + wide * random.below((is64 ? 56 : 32) / wide);
      return put(at, random.pick([4, wide]), number(at));
    }
    case 2: // the header of a section is another one's
      return out.set(
        elf.bytes.subarray(other.headerAt + 4, other.headerAt + (is64 ? 64 : 40)),
        section.headerAt + 4,
      );
    default: { // sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size, sh_link, sh_info, sh_addralign, sh_entsize
      const at = section.headerAt + 4 * random.below((is64 ? 64 : 40) / 4);
      return put(at, random.pick([4, wide]), number(section.size));
    }
  }
}

/** What a section holds, in place. */
function changeSection(out: Uint8Array<ArrayBuffer>, elf: ElfParts, random: Random, stuff: Stuff): void {
  const { offset, size } = random.pick(elf.sections.filter(({ size }) => size > 0));
  const changed = mutateBytes(out.subarray(offset, offset + size), random, 0, stuff);
  out.set(changed.subarray(0, size), offset);
}
