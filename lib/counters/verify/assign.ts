/**
 * Which request goes on which PIC: exact bipartite matching by augmenting paths (Kuhn's algorithm), so that
 * a set is refused only when no assignment exists.
 */

/** What a request asks of the counters. */
export interface PicRequest {
  /** The PICs that can count its event, in the order they are tried. */
  capable: readonly number[];
  /** The one it is to be on. */
  picnum?: number;
  /** The one it would be on if nothing else wanted it. */
  preferred?: number;
}

/** All requests placed; or those that cannot be placed together, and the PICs that they compete for. */
export type Assignment =
  /** The PIC of each request, in the order of the requests. */
  | { pics: number[] }
  /**
   * `conflict`: positions of requests that have fewer PICs between them than they are (Hall's condition
   * fails); leaving any one of them out lets the rest of them be placed.
   */
  | { conflict: number[]; candidates: number[] };

/** Places the requests. An explicit picnum is kept; a preferred PIC is kept where that costs nobody a place. */
export function assignPics(requests: readonly PicRequest[]): Assignment {
  const wanted = requests.map(wantedPics);
  const holder = new Map<number, number>();
  const place = (request: number, pic: number) => holder.set(pic, request);

  const waiting: number[] = [];
  for (const [request, { picnum, preferred }] of requests.entries()) {
    const first = picnum ?? preferred;
    if (first !== undefined && wanted[request].includes(first) && !holder.has(first)) place(request, first);
    else waiting.push(request);
  }
  let conflict: number[] | undefined;
  for (const request of waiting) {
    const path = augmentingPath(request, wanted, holder);
    if ("pic" in path) path.apply(place);
    else if (!conflict || path.reached.length < conflict.length) conflict = path.reached;
  }
  if (conflict) {
    const positions = conflict.toSorted((a, b) => a - b);
    const candidates = new Set(positions.flatMap((request) => wanted[request]));
    return { conflict: positions, candidates: [...candidates].sort((a, b) => a - b) };
  }
  const pics = new Array<number>(requests.length);
  for (const [pic, request] of holder) pics[request] = pic;
  return { pics };
}

function wantedPics({ capable, picnum }: PicRequest): number[] {
  const distinct = [...new Set(capable)];
  return picnum === undefined ? distinct : distinct.filter((pic) => pic === picnum);
}

/** The way to a free PIC, each holder on it moving to its next; or the requests reached without finding one. */
type Path = { pic: number; apply(place: (request: number, pic: number) => void): void } | {
  reached: number[];
};

/**
 * Searches breadth first from `start`. When no free PIC is reached, every PIC that the reached requests can
 * use is held by one of them, so that they are one more than their PICs; and whichever of them is
 * taken away, the moves on the way to it make room for the others.
 */
function augmentingPath(
  start: number,
  wanted: readonly (readonly number[])[],
  holder: ReadonlyMap<number, number>,
): Path {
  const cameFrom = new Map<number, number>(); // PIC -> the request that would move to it
  const holds = new Map<number, number>(); // reached request -> the PIC it would leave
  const reached = [start];
  for (const request of reached) { // grows while it is walked
    for (const pic of wanted[request]) {
      if (cameFrom.has(pic)) continue;
      cameFrom.set(pic, request);
      const inTheWay = holder.get(pic);
      if (inTheWay !== undefined) {
        holds.set(inTheWay, pic);
        reached.push(inTheWay);
        continue;
      }
      return {
        pic,
        apply(place) {
          for (let free: number | undefined = pic; free !== undefined;) {
            const mover: number = cameFrom.get(free)!;
            place(mover, free);
            free = holds.get(mover);
          }
        },
      };
    }
  }
  return { reached };
}
