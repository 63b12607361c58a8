/** DWARF's codes, as far as functions and units need them (DWARF 5, section 7.5; GNU extensions by GCC's dwarf2.h). */

/** DW_TAG_*: kinds of entries. */
export const TAG = {
  ARRAY_TYPE: 0x01,
  ENUMERATION_TYPE: 0x04,
  COMPILE_UNIT: 0x11,
  SUBROUTINE_TYPE: 0x15,
  INLINED_SUBROUTINE: 0x1d,
  SUBPROGRAM: 0x2e,
} as const;

/** DW_AT_*: attributes of entries. */
export const AT = {
  SIBLING: 0x01,
  NAME: 0x03,
  STMT_LIST: 0x10,
  LOW_PC: 0x11,
  HIGH_PC: 0x12,
  COMP_DIR: 0x1b,
  ABSTRACT_ORIGIN: 0x31,
  SPECIFICATION: 0x47,
  RANGES: 0x55,
  CALL_FILE: 0x58,
  CALL_LINE: 0x59,
  LINKAGE_NAME: 0x6e,
  STR_OFFSETS_BASE: 0x72,
  ADDR_BASE: 0x73,
  RNGLISTS_BASE: 0x74,
  DWO_NAME: 0x76,
  MIPS_LINKAGE_NAME: 0x2007,
  GNU_DWO_NAME: 0x2130,
  GNU_DWO_ID: 0x2131,
  GNU_RANGES_BASE: 0x2132,
  GNU_ADDR_BASE: 0x2133,
} as const;

/** DW_FORM_*: encodings of attributes. */
export const FORM = {
  ADDR: 0x01,
  BLOCK2: 0x03,
  BLOCK4: 0x04,
  DATA2: 0x05,
  DATA4: 0x06,
  DATA8: 0x07,
  STRING: 0x08,
  BLOCK: 0x09,
  BLOCK1: 0x0a,
  DATA1: 0x0b,
  FLAG: 0x0c,
  SDATA: 0x0d,
  STRP: 0x0e,
  UDATA: 0x0f,
  REF_ADDR: 0x10,
  REF1: 0x11,
  REF2: 0x12,
  REF4: 0x13,
  REF8: 0x14,
  REF_UDATA: 0x15,
  INDIRECT: 0x16,
  SEC_OFFSET: 0x17,
  EXPRLOC: 0x18,
  FLAG_PRESENT: 0x19,
  STRX: 0x1a,
  ADDRX: 0x1b,
  REF_SUP4: 0x1c,
  STRP_SUP: 0x1d,
  DATA16: 0x1e,
  LINE_STRP: 0x1f,
  REF_SIG8: 0x20,
  IMPLICIT_CONST: 0x21,
  LOCLISTX: 0x22,
  RNGLISTX: 0x23,
  REF_SUP8: 0x24,
  STRX1: 0x25,
  STRX2: 0x26,
  STRX3: 0x27,
  STRX4: 0x28,
  ADDRX1: 0x29,
  ADDRX2: 0x2a,
  ADDRX3: 0x2b,
  ADDRX4: 0x2c,
  GNU_ADDR_INDEX: 0x1f01,
  GNU_STR_INDEX: 0x1f02,
  GNU_REF_ALT: 0x1f20,
  GNU_STRP_ALT: 0x1f21,
} as const;

/** DW_UT_*: kinds of units, in the headers of DWARF 5. */
export const UT = {
  TYPE: 0x02,
  PARTIAL: 0x03,
  SKELETON: 0x04,
  SPLIT_COMPILE: 0x05,
  SPLIT_TYPE: 0x06,
} as const;

/** DW_RLE_*: kinds of entries of a range list in .debug_rnglists. */
export const RLE = {
  END_OF_LIST: 0,
  BASE_ADDRESSX: 1,
  STARTX_ENDX: 2,
  STARTX_LENGTH: 3,
  OFFSET_PAIR: 4,
  BASE_ADDRESS: 5,
  START_END: 6,
  START_LENGTH: 7,
} as const;
