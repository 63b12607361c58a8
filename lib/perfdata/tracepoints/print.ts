/** Prints a tracepoint's data as the kernel and perf do (libtraceevent's pretty_print()). */

import { viewOf } from "../../base/bytes/bytes.ts";
import { type Expression, ExpressionParser } from "./expression.ts";
import type { TracepointFormat } from "./format.ts";
import { tokensOf } from "./tokens.ts";
import { dynamicBytes, fieldValue, numberOf, textOf, type TracepointData, type Value } from "./values.ts";

/** Returns the name of a kernel function, with the bytes from its start: `schedule+0x2c`; undefined if unknown. */
export type KernelName = (address: bigint) => { name: string; offset: number } | undefined;

/** Prints the data of a sample. */
export type TracepointPrinter = (bytes: Uint8Array) => string;

/** Piece of a format: text, or a conversion with what it converts. */
type Piece = string | { conversion: Conversion; of: Expression[] };

/** Conversion of printf(3). */
interface Conversion {
  flags: string;
  width: number | "*" | undefined;
  precision: number | "*" | undefined;
  /** Bits of a number: 8, 16, 32 or 64. */
  bits: number;
  /** Letter of the conversion. */
  letter: string;
  /** Letters behind a `p`. */
  pointer: string;
}

/** Widest field that a format may ask for: no kernel's comes near. */
const MAX_WIDTH = 256;
/** Longest text, and most conversions: the kernel's have some dozens. */
const MAX_TEXT = 4096, MAX_CONVERSIONS = 128;
const CONVERSION = /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(hh|h|ll|l|L|z|j|t)?([diuoxXcsp%])([A-Za-z]\w*)?/g;
const AF_INET = 2, AF_INET6 = 10;
const BITS: Readonly<Record<string, number>> = { hh: 8, h: 16 };

/** Returns a printer for a format. Data that it cannot print as the kernel asks for is printed field by field. */
export function tracepointPrinter(format: TracepointFormat, nameOf: KernelName): TracepointPrinter {
  let pieces: Piece[] | undefined;
  try {
    pieces = format.print === undefined ? undefined : piecesOf(format);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return (bytes) => {
    const data = { bytes, view: viewOf(bytes) };
    const text = pieces === undefined ? fieldsText(format, data) : piecesText(pieces, data, nameOf);
    return text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
  };
}

/** Parses a `print fmt`. Throws SyntaxError. */
function piecesOf({ print = "", fields }: TracepointFormat): Piece[] {
  const parser = new ExpressionParser(tokensOf(print), fields);
  const text = parser.text(), values: Expression[] = [];
  while (parser.takes(",")) values.push(parser.expression());
  if (!parser.isAtEnd) throw new SyntaxError("there is more behind the values");
  const pieces: Piece[] = [];
  let from = 0, next = 0;
  for (const match of text.matchAll(CONVERSION)) {
    const [all, flags, width, precision, length = "", letter, behind = ""] = match;
    pieces.push(text.slice(from, match.index));
    // only those of a pointer belong to it
    const pointer = letter === "p"
      ? /^([FfSsB]|[Ii](?:4[hnbl]?|6c?|S[pfsc]*)|[Mm][FR]*|[Uu][BbLl]?)?/.exec(behind)![0]
      : "";
    from = match.index + all.length - behind.length + pointer.length;
    if (letter === "%") {
      pieces.push("%");
      continue;
    }
    const conversion: Conversion = {
      flags,
      width: width === undefined || width === "*" ? width : Math.min(Number(width), MAX_WIDTH),
      precision: all.includes(".")
        ? precision === "*" ? precision : Math.min(Number(precision ?? 0), MAX_WIDTH)
        : undefined,
      bits: length === "" ? 32 : BITS[length] ?? 64,
      letter,
      pointer,
    };
    const count = 1 + (width === "*" ? 1 : 0) + (precision === "*" ? 1 : 0);
    const of = values.slice(next, next += count);
    if (of.length < count) throw new SyntaxError("there are fewer values than conversions");
    if (next > MAX_CONVERSIONS) throw new SyntaxError("there are too many conversions");
    pieces.push({ conversion, of });
  }
  pieces.push(text.slice(from));
  return pieces;
}

function piecesText(pieces: readonly Piece[], data: TracepointData, nameOf: KernelName): string {
  let text = "";
  for (const piece of pieces) {
    if (typeof piece === "string") {
      text += piece;
      continue;
    }
    const values = piece.of.map((each) => each(data));
    text += converted(piece.conversion, values, nameOf);
    if (text.length > MAX_TEXT) break;
  }
  return text.replace(/\n+$/, "");
}

function converted(conversion: Conversion, values: readonly Value[], nameOf: KernelName): string {
  const rest = [...values];
  const numeral = (of: number | "*" | undefined) =>
    of === "*" ? clamped(Number(BigInt.asIntN(32, numberOf(rest.shift()!)))) : of;
  const width = numeral(conversion.width) ?? 0, asked = numeral(conversion.precision);
  const precision = asked !== undefined && asked < 0 ? undefined : asked; // as if there were none
  const value = rest[0], { letter, flags } = conversion;
  const text = letter === "s"
    ? shownText(value).slice(0, precision)
    : letter === "c"
    ? String.fromCharCode(Number(BigInt.asUintN(8, numberOf(value))))
    : letter === "p"
    ? pointerText(value, conversion.pointer, nameOf)
    : numberText(numberOf(value), conversion, precision);
  if (flags.includes("-") || width < 0) return text.padEnd(Math.abs(width));
  const isNumber = letter !== "s" && letter !== "c" && letter !== "p";
  if (!flags.includes("0") || !isNumber || precision !== undefined) return text.padStart(width);
  const [, sign, digits] = /^([-+ ]?(?:0[xX])?)(.*)$/.exec(text)!;
  return sign + digits.padStart(width - sign.length, "0");
}

function clamped(width: number): number {
  return Math.max(-MAX_WIDTH, Math.min(width, MAX_WIDTH));
}

/** Returns a value as text. A number is an address that nobody can look at any more. */
function shownText(value: Value): string {
  return typeof value === "string" ? value : typeof value === "bigint" ? hex(value) : textOf(value);
}

function hex(value: bigint): string {
  return BigInt.asUintN(64, value).toString(16);
}

function numberText(
  value: bigint,
  { bits, letter, flags }: Conversion,
  precision: number | undefined,
): string {
  const isSigned = letter === "d" || letter === "i";
  const number = isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  const digits = (number < 0n ? -number : number)
    .toString(letter === "o" ? 8 : letter === "x" || letter === "X" ? 16 : 10)
    .padStart(precision ?? 1, "0");
  const prefix = flags.includes("#") && number !== 0n
    ? letter === "o" ? "0" : isSigned || letter === "u" ? "" : "0x"
    : "";
  const sign = !isSigned
    ? ""
    : number < 0n
    ? "-"
    : flags.includes("+")
    ? "+"
    : flags.includes(" ")
    ? " "
    : "";
  const text = sign + prefix + digits;
  return letter === "X" ? text.toUpperCase() : text;
}

/** Returns an address, the name of a function, or an address of a network, as the letters behind `%p` say. */
function pointerText(value: Value, letters: string, nameOf: KernelName): string {
  if (value instanceof Uint8Array) return networkAddress(value, letters);
  const address = numberOf(value);
  if (letters === "" || !/^[FfSsB]/.test(letters)) return address === 0n ? "(nil)" : `0x${hex(address)}`;
  const known = nameOf(address);
  if (known === undefined) return `0x${hex(address)}`;
  return /^[fs]/.test(letters) ? known.name : `${known.name}+0x${known.offset.toString(16)}`;
}

/** Returns an address of a network, or other bytes in hex. */
function networkAddress(bytes: Uint8Array, letters: string): string {
  if (/^[Ii]4/.test(letters)) return ipv4(bytes);
  if (/^[Ii]6/.test(letters)) {
    return letters.endsWith("c") ? compressedIpv6(bytes) : ipv6Groups(bytes).join(":");
  }
  if (/^[Ii]S/.test(letters)) return socketAddress(bytes, letters);
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  if (/^[Mm]/.test(letters)) return pairs.slice(0, 6).join(letters[0] === "M" ? ":" : "");
  return pairs.join("");
}

function ipv4(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 4), String).join(".");
}

function ipv6Groups(bytes: Uint8Array): string[] {
  return Array.from(
    { length: 8 },
    (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16).padStart(4, "0"),
  );
}

/** Returns an address with its longest run of zeros left out, and an IPv4 one in it with dots. */
function compressedIpv6(bytes: Uint8Array): string {
  const isMapped = bytes.length >= 16 && bytes.subarray(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 255 && bytes[11] === 255;
  if (isMapped) return `::ffff:${ipv4(bytes.subarray(12))}`;
  const groups = ipv6Groups(bytes).map((group) => group.replace(/^0+(?=.)/, ""));
  let from = -1, longest = 1;
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > longest) [from, longest] = [start, length];
  }
  if (from < 0) return groups.join(":");
  return `${groups.slice(0, from).join(":")}::${groups.slice(from + longest).join(":")}`;
}

/** Returns the address in a struct sockaddr_in or sockaddr_in6, with its port where `p` is among the letters. */
function socketAddress(bytes: Uint8Array, letters: string): string {
  const family = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8), port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  const isV6 = family === AF_INET6;
  if (!isV6 && family !== AF_INET) return "";
  const address = isV6 ? compressedIpv6(bytes.subarray(8, 24)) : ipv4(bytes.subarray(4, 8));
  if (!letters.includes("p")) return address;
  return isV6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Prints all fields of the tracepoint's own. */
function fieldsText({ fields }: TracepointFormat, data: TracepointData): string {
  let text = "[FAILED TO PARSE]";
  for (const field of fields.values()) {
    if (field.name.startsWith("common_")) continue;
    const isDynamic = field.kind === "dynamic" || field.kind === "relative";
    const value = isDynamic ? dynamicBytes(field, data) : fieldValue(field, data);
    const shown = typeof value === "bigint"
      ? field.isHex ? `0x${hex(value)}` : value.toString()
      : typeof value === "string"
      ? value
      : field.isText
      ? textOf(value)
      : `ARRAY[${Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join(", ")}]`;
    text += ` ${field.name}=${shown}`;
  }
  return text;
}
