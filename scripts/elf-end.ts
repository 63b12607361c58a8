/**
 * Returns where the ELF file with this header ends, which may be before the end of the file that it is in: behind its
 * section headers, the last thing in it. `header` has its first 64 bytes. Throws for another kind of file.
 */
export function elfEnd(header: DataView): number {
  if (header.getUint32(0) !== 0x7f454c46 || header.getUint8(4) !== 2) {
    throw new Error("not a 64-bit ELF file");
  }
  // e_shoff (at 0x28) + e_shnum (0x3c) * e_shentsize (0x3a)
  return Number(header.getBigUint64(0x28, true)) +
    header.getUint16(0x3c, true) * header.getUint16(0x3a, true);
}
