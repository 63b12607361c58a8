/** Small ELF files from a description, in either class and byte order. */

import { ByteWriter } from "../../lib/base/bytes/bytes.ts";

/** A symbol to put into a table. */
export interface ElfSymbol {
  name: string;
  value: number;
  size: number;
  /** STT_*, 2 for a function. */
  type?: number;
  /** STB_*, 1 for a global symbol. */
  bind?: number;
  /** Index of its section; 1 is .text. */
  section?: number;
}

export interface ElfDescription {
  is64?: boolean;
  littleEndian?: boolean;
  /** EM_*; 62 is x86_64. */
  machine?: number;
  symbols: ElfSymbol[];
  /** In bytes, for a .note.gnu.build-id. */
  buildId?: Uint8Array;
}

/** Address of .text less its offset in the file. */
export const TEXT_SHIFT = 0x10000;
const TEXT_SIZE = 0x1000;

/** Sections: the null one, .text at 0x1000 of the file, .symtab, .strtab, .note.gnu.build-id, .shstrtab. */
export function buildElf(
  { is64 = true, littleEndian = true, machine = 62, symbols, buildId }: ElfDescription,
): Uint8Array {
  const names = new ByteWriter(256).u8(0);
  const nameOffset = (text: string) => {
    const at = names.length;
    names.raw(new TextEncoder().encode(text)).u8(0);
    return at;
  };
  const table = new ByteWriter(64 * (symbols.length + 1), littleEndian).zeros(is64 ? 24 : 16);
  for (const { name, value, size, type = 2, bind = 1, section = 1 } of symbols) {
    const nameAt = nameOffset(name);
    if (is64) table.u32(nameAt).u8(bind << 4 | type).u8(0).u16(section).u64(value).u64(size);
    else table.u32(nameAt).u32(value).u32(size).u8(bind << 4 | type).u8(0).u16(section);
  }
  const note = new ByteWriter(64, littleEndian).u32(4).u32(buildId?.length ?? 0).u32(3);
  note.raw(new TextEncoder().encode("GNU\0")).raw(buildId ?? new Uint8Array(0));

  const sectionNames = "\0.text\0.symtab\0.strtab\0.note.gnu.build-id\0.shstrtab\0";
  const body = new ByteWriter(0x10000, littleEndian).zeros(0x1000 + TEXT_SIZE);
  const place = (bytes: Uint8Array) => {
    body.zeros((8 - body.length % 8) % 8);
    const offset = body.length;
    body.raw(bytes);
    return { offset, size: bytes.length };
  };
  const sections = [
    { name: "", type: 0, flags: 0, addr: 0, offset: 0, size: 0, link: 0, entsize: 0 },
    {
      name: ".text",
      type: 1,
      flags: 6,
      addr: 0x1000 + TEXT_SHIFT,
      offset: 0x1000,
      size: TEXT_SIZE,
      link: 0,
      entsize: 0,
    },
    {
      name: ".symtab",
      type: 2,
      flags: 0,
      addr: 0,
      ...place(table.bytes()),
      link: 3,
      entsize: is64 ? 24 : 16,
    },
    { name: ".strtab", type: 3, flags: 0, addr: 0, ...place(names.bytes()), link: 0, entsize: 0 },
    {
      name: ".note.gnu.build-id",
      type: buildId ? 7 : 1,
      flags: 2,
      addr: 0,
      ...place(note.bytes()),
      link: 0,
      entsize: 0,
    },
    {
      name: ".shstrtab",
      type: 3,
      flags: 0,
      addr: 0,
      ...place(new TextEncoder().encode(sectionNames)),
      link: 0,
      entsize: 0,
    },
  ];
  const headers = new ByteWriter(1024, littleEndian);
  const word = (writer: ByteWriter, value: number) => is64 ? writer.u64(value) : writer.u32(value);
  for (const s of sections) {
    headers.u32(s.name === "" ? 0 : sectionNames.indexOf(`\0${s.name}\0`) + 1).u32(s.type);
    word(word(word(word(headers, s.flags), s.addr), s.offset), s.size);
    headers.u32(s.link).u32(0);
    word(word(headers, 1), s.entsize);
  }
  const { offset: headersAt } = place(headers.bytes());

  const header = new ByteWriter(64, littleEndian);
  header.raw(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, littleEndian ? 1 : 2, 1)).zeros(9);
  header.u16(3).u16(machine).u32(1);
  word(word(word(header, 0), 0), headersAt);
  header.u32(0).u16(is64 ? 64 : 52).u16(is64 ? 56 : 32).u16(0).u16(is64 ? 64 : 40).u16(sections.length).u16(
    5,
  );
  const file = body.bytes();
  file.set(header.bytes());
  return file;
}
