/**
 * Format of a tracepoint's data, as the kernel describes it in tracefs (events/SYSTEM/NAME/format):
 *
 *     name: sched_wakeup
 *     ID: 316
 *     format:
 *             field:unsigned short common_type;       offset:0;       size:2; signed:0;
 *             field:char comm[16];    offset:8;       size:16;        signed:0;
 *             field:__data_loc char[] name;   offset:24;      size:4; signed:0;
 *
 *     print fmt: "comm=%s pid=%d", REC->comm, REC->pid
 */

/** Field of a tracepoint's data. */
export interface TracepointField {
  name: string;
  /** Byte offset and size in the data. */
  offset: number;
  size: number;
  signed: boolean;
  /** Bytes of an element of an array, and of the field where it is none. */
  elementSize: number;
  /**
   * `text`: characters up to a NUL; `array`: of numbers. `dynamic`, `relative`: the field says where the data is, from the
   * start of all data or from the field's end: a u16 offset below a u16 length.
   */
  kind: "number" | "text" | "array" | "dynamic" | "relative";
  /** Whether the kernel prints it in hex: addresses, and longs. */
  isHex: boolean;
  /** Whether dynamic data is text. */
  isText: boolean;
}

/** Format of one tracepoint. */
export interface TracepointFormat {
  /** Number of the tracepoint: perf_event_attr.config. */
  id: number;
  /** Fields by name, in the order of the format. */
  fields: ReadonlyMap<string, TracepointField>;
  /** Text behind `print fmt: `; undefined where there is none. */
  print?: string;
}

/** Most fields of a tracepoint; the kernel's have some dozens. */
const MAX_FIELDS = 1024;
const FIELD = /^\s*field:([^;]*);\s*offset:(\d{1,7});\s*size:(\d{1,7});(?:\s*signed:(\d);)?/;

/** Parses a `format` file; undefined if it has no id. */
export function parseTracepointFormat(text: string): TracepointFormat | undefined {
  const id = /^ID: (\d{1,9})$/m.exec(text)?.[1];
  if (id === undefined) return undefined;
  const fields = new Map<string, TracepointField>();
  for (const line of text.split("\n")) {
    const match = FIELD.exec(line);
    if (match === null || fields.size >= MAX_FIELDS) continue;
    const [, declaration, offset, size, signed] = match;
    const field = fieldOf(declaration, Number(offset), Number(size), signed === "1");
    if (field) fields.set(field.name, field);
  }
  const at = text.indexOf("print fmt: ");
  const print = at < 0 ? undefined : text.slice(at + "print fmt: ".length).trim();
  return { id: Number(id), fields, ...print === undefined ? {} : { print } };
}

function fieldOf(
  declaration: string,
  offset: number,
  size: number,
  signed: boolean,
): TracepointField | undefined {
  const match = /^(.*?)([A-Za-z_]\w*)\s*(?:\[([^\]]*)\])?$/.exec(declaration.trim());
  if (match === null) return undefined;
  const [, type, name, length] = match;
  const isText = /\bchar\b/.test(type) && !/\*|\bunsigned\b/.test(type), isHex = /\*|\blong\b/.test(type);
  const base = { name, offset, size, signed, elementSize: size, isHex, isText };
  if (/\b__data_loc\b/.test(type)) return { ...base, kind: "dynamic" };
  if (/\b__rel_loc\b/.test(type)) return { ...base, kind: "relative" };
  if (length === undefined) return { ...base, kind: "number" };
  if (isText) return { ...base, kind: "text", elementSize: 1 };
  const count = Number(length), each = count > 0 && size % count === 0 ? size / count : elementSizeOf(type);
  return { ...base, kind: "array", elementSize: [1, 2, 4, 8].includes(each) ? each : 1 };
}

/** Returns the bytes of a type whose array has no plain length: `u64 args[ENUM]`. */
function elementSizeOf(type: string): number {
  if (/64|\blong\b|\*/.test(type)) return 8;
  if (/32|\bint\b|\bunsigned\b/.test(type)) return 4;
  return /16|\bshort\b/.test(type) ? 2 : 1;
}
