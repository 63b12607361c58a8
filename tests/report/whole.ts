/** The text that a renderer gives in pieces. */
export function whole(pieces: Iterable<string | Uint8Array>): string {
  const decoder = new TextDecoder();
  let text = "";
  for (const piece of pieces) {
    text += typeof piece === "string" ? piece : decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}

/** What a renderer gives in pieces: bytes where it gives one piece of them, else text. */
export function contentOf(pieces: Iterable<string | Uint8Array>): string | Uint8Array {
  const all = [...pieces];
  return all.length === 1 ? all[0] : whole(all);
}
