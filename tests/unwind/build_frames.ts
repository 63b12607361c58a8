/** Small programs with call frame information from a description: what .eh_frame and .eh_frame_hdr have to hold. */

import { ByteWriter } from "../../lib/base/bytes/bytes.ts";
import { type Arch, X86_64 } from "../../lib/unwind/arch.ts";

/** A function, and its call frame instructions. */
export interface Function {
  start: number;
  end: number;
  code: readonly number[];
}

/** Where things are in the file; addresses are the same. */
const HEADER_AT = 0x200, FRAME_AT = 0x400, TEXT_SIZE = 0x1000;
/** Where code is, in the file and in memory. */
export const TEXT_AT = 0x1000;

/** .eh_frame of the functions, at `address`: one common entry, addresses relative to where they stand. */
export function frameSection(
  functions: readonly Function[],
  arch: Arch,
  address = FRAME_AT,
  augmentation = "zR",
): { bytes: Uint8Array; entries: { start: number; at: number }[] } {
  const w = new ByteWriter(1024);
  const entry = (body: () => void) => {
    const at = w.length;
    w.u32(0);
    body();
    w.zeros((8 - (w.length % 8)) % 8); // DW_CFA_nop
    w.patchU32(at, w.length - at - 4);
    return at;
  };
  const x86 = arch === X86_64;
  entry(() => {
    w.u32(0).u8(1).raw(new TextEncoder().encode(augmentation + "\0")).u8(x86 ? 1 : 4).u8(0x78).u8(arch.ra);
    w.u8(1).u8(0x1b); // DW_EH_PE_pcrel | DW_EH_PE_sdata4
    w.raw(Uint8Array.from(x86 ? [0x0c, 7, 8, 0x90, 1] : [0x0c, 31, 0]));
  });
  const entries = functions.map(({ start, end, code }) => ({
    start,
    at: entry(() => {
      w.u32(w.length).i32(start - (address + w.length)).u32(end - start).u8(0);
      w.raw(Uint8Array.from(code));
    }),
  }));
  w.u32(0);
  return { bytes: w.bytes().slice(), entries };
}

/** .eh_frame_hdr for them. */
export function headerSection(entries: readonly { start: number; at: number }[]): Uint8Array {
  const w = new ByteWriter(1024);
  w.u8(1).u8(0x1b).u8(0x03).u8(0x3b).i32(FRAME_AT - (HEADER_AT + 4)).u32(entries.length);
  for (const { start, at } of entries) w.i32(start - HEADER_AT).i32(FRAME_AT + at - HEADER_AT);
  return w.bytes().slice();
}

/** An ELF file without sections: one segment for the tables, one for code, and where .eh_frame_hdr is. */
export function buildFrames(functions: readonly Function[], arch: Arch, header?: Uint8Array): Uint8Array {
  const { bytes, entries } = frameSection(functions, arch);
  const table = header ?? headerSection(entries);
  const w = new ByteWriter(TEXT_AT + TEXT_SIZE);
  w.raw(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1)).zeros(9).u16(3).u16(arch.machine).u32(1);
  w.u64(0).u64(64).u64(0).u32(0).u16(64).u16(56).u16(3).u16(64).u16(0).u16(0);
  const segment = (type: number, flags: number, at: number, size: number) =>
    w.u32(type).u32(flags).u64(at).u64(at).u64(at).u64(size).u64(size).u64(0x1000);
  segment(1, 4, 0, FRAME_AT + bytes.length);
  segment(1, 5, TEXT_AT, TEXT_SIZE);
  segment(0x6474e550, 4, HEADER_AT, table.length);
  w.zeros(HEADER_AT - w.length).raw(table);
  w.zeros(FRAME_AT - w.length).raw(bytes);
  w.zeros(TEXT_AT + TEXT_SIZE - w.length);
  return w.bytes().slice();
}
