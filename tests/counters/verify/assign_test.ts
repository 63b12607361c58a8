import { assert, assertEquals } from "@std/assert";
import { assignPics, type PicRequest } from "../../../lib/counters/verify/assign.ts";

/** Whether the requests can be placed, by trying everything. */
function placeable(requests: readonly PicRequest[], taken: ReadonlySet<number> = new Set()): boolean {
  if (requests.length === 0) return true;
  const [{ capable, picnum }, ...rest] = requests;
  return capable.some((pic) =>
    !taken.has(pic) && (picnum === undefined || pic === picnum) && placeable(rest, new Set([...taken, pic]))
  );
}

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function randomCase(next: () => number): PicRequest[] {
  const pics = Array.from({ length: 1 + Math.floor(next() * 5) }, (_, i) => i === 4 ? 31 : i);
  const density = next();
  return Array.from({ length: 1 + Math.floor(next() * 6) }, () => {
    const capable = pics.filter(() => next() < density);
    const pick = () => pics[Math.floor(next() * pics.length)];
    return {
      capable,
      ...(next() < 0.2 ? { picnum: pick() } : {}),
      ...(next() < 0.3 ? { preferred: pick() } : {}),
    };
  });
}

Deno.test("assign() agrees with trying everything on 20000 random cases, and its conflicts are minimal", () => {
  const next = random(20240607);
  let refused = 0;
  for (let round = 0; round < 20000; round++) {
    const requests = randomCase(next);
    const found = assignPics(requests);
    const shown = JSON.stringify({ requests, found });
    if ("pics" in found) {
      assertEquals(found.pics.length, requests.length, shown);
      assertEquals(new Set(found.pics).size, requests.length, shown);
      for (const [i, { capable, picnum }] of requests.entries()) {
        assert(capable.includes(found.pics[i]), shown);
        assert(picnum === undefined || found.pics[i] === picnum, shown);
      }
      continue;
    }
    refused++;
    assert(!placeable(requests), shown);
    const { conflict, candidates } = found;
    assert(candidates.length < conflict.length, shown);
    assert(!placeable(conflict.map((i) => requests[i])), shown);
    for (const left of conflict) {
      assert(placeable(conflict.filter((i) => i !== left).map((i) => requests[i])), shown);
    }
  }
  assert(refused > 2000 && refused < 18000, `${refused} cases were refused`);
});

Deno.test("assign() places what first-fit from every start does not", () => {
  // from each start in turn, first-fit gives pic0 or pic1 away to a request that has others
  const requests = [{ capable: [0, 1, 2] }, { capable: [0] }, { capable: [0, 1, 3] }, { capable: [1] }];
  assertEquals(assignPics(requests), { pics: [2, 0, 3, 1] });
});

Deno.test("assign() keeps a preferred PIC unless another request needs it", () => {
  assertEquals(assignPics([{ capable: [0, 1, 2], preferred: 2 }]), { pics: [2] });
  assertEquals(assignPics([{ capable: [0, 1], preferred: 0 }, { capable: [0, 1], picnum: 0 }]), {
    pics: [1, 0],
  });
  assertEquals(assignPics([{ capable: [0], preferred: 3 }]), { pics: [0] });
});

Deno.test("assign() names those in conflict, not those beside them", () => {
  const requests = [{ capable: [0, 1, 2, 3] }, { capable: [1] }, { capable: [2, 3] }, { capable: [1] }];
  assertEquals(assignPics(requests), { conflict: [1, 3], candidates: [1] });
});

Deno.test("assign() takes no requests, and refuses one without any PIC", () => {
  assertEquals(assignPics([]), { pics: [] });
  assertEquals(assignPics([{ capable: [] }]), { conflict: [0], candidates: [] });
});
