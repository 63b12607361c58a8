/**
 * Looks that are due ten times a second, all in one wake-up: a wake-up of this process costs as much as most of these looks
 * do, and takes its time from what is being measured.
 */

/** Milliseconds between two beats. */
const BEAT_MS = 100;

const looks = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls `look` every BEAT_MS, until the function that is returned is called. */
export function everyBeat(look: () => void): () => void {
  const own = () => look(); // the same function may be given twice
  looks.add(own);
  timer ??= setInterval(beat, BEAT_MS);
  return () => {
    looks.delete(own);
    if (looks.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function beat(): void {
  for (const look of looks) look();
}
