/**
 * Assigns requests to PICs by exact bipartite matching with augmenting paths (Kuhn's algorithm), so that a set is
 * refused only when no assignment exists.
 */

/** A request's requirements on its counter. */
export interface PicRequest {
  /** PICs that can count its event, in order of preference. */
  capable: readonly number[];
  /** Required PIC. */
  picnum?: number;
  /** PIC to take unless another request needs it. */
  preferred?: number;
}

/** Assignment of all requests, or the requests that do not fit together, with the PICs they compete for. */
export type Assignment =
  /** PIC of each request, in the order of the requests. */
  | { pics: number[] }
  /**
   * Positions of requests that together can use fewer PICs than there are of them (Hall's condition fails). Without
   * any one of them, the others fit.
   */
  | { conflict: number[]; candidates: number[] };

/**
 * Assigns a PIC to each request. A required PIC is always kept; a preferred PIC is kept unless that leaves another
 * request without one.
 */
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

/** Path to a free PIC, on which each holder moves to its next PIC; or the requests reached when there is none. */
type Path = { pic: number; apply(place: (request: number, pic: number) => void): void } | {
  reached: number[];
};

/**
 * Searches breadth first from `start`. When it reaches no free PIC, every PIC that the reached requests can use is
 * held by one of them, so there is one more request than PICs. If any of these requests is removed, the moves on the
 * path to it make room for the others.
 */
function augmentingPath(
  start: number,
  wanted: readonly (readonly number[])[],
  holder: ReadonlyMap<number, number>,
): Path {
  const cameFrom = new Map<number, number>(); // PIC -> the request that would move to it
  const holds = new Map<number, number>(); // reached request -> the PIC it would leave
  const reached = [start];
  for (const request of reached) { // grows during the loop
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
