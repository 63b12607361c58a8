import type { Profile } from "../../lib/profile/model/profile.ts";

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

/** Samples one by one, rows in turn, a microsecond apart. */
export function timesOf({ samples }: Profile): Profile["times"] {
  const left = samples.count.slice();
  const sample: number[] = [];
  while (left.some((n) => n > 0)) left.forEach((n, row) => n > 0 && (left[row]--, sample.push(row)));
  return {
    at: Float64Array.from(sample, (_, i) => i * 1000),
    sample: Int32Array.from(sample),
    period: Float64Array.from(sample, (row) => samples.period[row] / samples.count[row]),
  };
}
