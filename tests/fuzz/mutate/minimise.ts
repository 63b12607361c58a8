/** Makes a failing input smaller, as long as it fails in the same way. */

/** Most tries, and ms, that it may take. */
const MAX_TRIES = 2000;
const MAX_MS = 3000;

/** The smallest input found for which `fails` is true, as it is for `bytes`: with parts left out, then zeroed. */
export async function minimise(
  bytes: Uint8Array,
  fails: (bytes: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  const stopAt = performance.now() + MAX_MS;
  let best = bytes, tries = 0;
  const isOver = () => tries >= MAX_TRIES || performance.now() > stopAt;
  const keep = async (candidate: Uint8Array) => {
    tries++;
    if (!await fails(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let size = bytes.length >> 1; size >= 1 && !isOver(); size >>= 1) {
    for (let at = 0; at < best.length && !isOver();) {
      if (!await keep(without(best, at, size))) at += size;
    }
  }
  for (let size = Math.min(64, best.length); size >= 1 && !isOver(); size >>= 2) {
    for (let at = 0; at < best.length && !isOver(); at += size) {
      if (best.subarray(at, at + size).some((byte) => byte !== 0)) {
        await keep(best.slice().fill(0, at, at + size));
      }
    }
  }
  return best;
}

function without(bytes: Uint8Array, at: number, size: number): Uint8Array {
  const out = new Uint8Array(Math.max(0, bytes.length - Math.min(size, bytes.length - at)));
  out.set(bytes.subarray(0, at));
  out.set(bytes.subarray(at + size), at);
  return out;
}
