/** Buffering of small pieces of output. */

/** Least size of a block of text, in UTF-16 units. */
const BLOCK = 1 << 16;

/** Encodes all pieces, and joins short texts into blocks large enough for a write. */
export function* gathered(pieces: Iterable<string | Uint8Array>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = "";
  for (const piece of pieces) {
    if (typeof piece === "string") text += piece;
    if (text.length >= BLOCK || (typeof piece !== "string" && text !== "")) {
      yield encoder.encode(text);
      text = "";
    }
    if (typeof piece !== "string") yield piece;
  }
  if (text !== "") yield encoder.encode(text);
}
