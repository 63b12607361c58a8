/** Output that comes in pieces, in blocks fit to be written. */

const BLOCK = 1 << 16;

/** The bytes of all pieces, those of short ones together. */
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
