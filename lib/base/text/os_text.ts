/**
 * Lossless conversion between OS bytes and text. Arguments and names on Linux are bytes, usually UTF-8. A byte that is
 * not part of a UTF-8 character becomes a lone surrogate, U+DC80 for 0x80 up to U+DCFF for 0xff, which no UTF-8 encodes
 * (Python's surrogateescape, PEP 383). Printed, such a surrogate is U+FFFD.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** Surrogate that byte 0 would get. */
const ESCAPE = 0xdc00;

/** Decodes OS bytes. Any bytes have a text, and `osBytes()` turns it back into them. */
export function osText(bytes: Uint8Array): string {
  let text = "", whole = 0;
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at);
    at += Math.max(1, length);
    if (length > 0) continue;
    text += decoder.decode(bytes.subarray(whole, at - 1)) + String.fromCharCode(ESCAPE + bytes[at - 1]);
    whole = at;
  }
  return text + decoder.decode(bytes.subarray(whole));
}

/** Encodes text, including the surrogates of `osText()`, as bytes. */
export function osBytes(text: string): Uint8Array<ArrayBuffer> {
  if (text.isWellFormed()) return encoder.encode(text) as Uint8Array<ArrayBuffer>;
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff) bytes.push(code - ESCAPE);
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}

/** Returns the length in bytes of the UTF-8 character at `at`; 0 when there is none (RFC 3629, 4). */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const second = bytes[at + 1];
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (!(second >= low && second <= high)) return 0;
  for (let i = 2; i < length; i++) if (!((bytes[at + i] & 0xc0) === 0x80)) return 0;
  return length;
}
