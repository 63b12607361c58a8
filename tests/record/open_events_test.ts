/** Groups of events, on kernels that have room for so many together. */

import { assertEquals, assertThrows } from "@std/assert";
import { PERF_SAMPLE } from "../../lib/base/system/abi.ts";
import { ERRNO } from "../../lib/base/system/errno.ts";
import { UnsupportedError } from "../../lib/base/system/errors.ts";
import { decodeAttr } from "../../lib/events/attr.ts";
import { openWithFallbacks } from "../../lib/events/open.ts";
import { type ResolvedEvent, resolveEvents } from "../../lib/events/resolve.ts";
import { openGroup } from "../../lib/record/open_events.ts";
import { planGroup } from "../../lib/record/open/plan.ts";
import type { EventOnCpus } from "../../lib/record/open/open_on_cpus.ts";
import { samplingAttr } from "../../lib/record/request/sampling.ts";

const standing = { privilege: { paranoid: 2, capable: true, seccomp: false }, hasCorePmu: true };
const place = { pid: 1, cpu: -1, target: "pid 1" };
const common = { several: true, watermark: 1, enableOnExec: true };

/** Opens the group on a kernel that has room for so many events in a group, and refuses others with `errno`. */
function open(text: string, room: number, errno: number = ERRNO.EINVAL) {
  const opened: EventOnCpus[] = [];
  const notes: string[] = [];
  const inGroup = new Map<EventOnCpus, number>();
  const attrOf = (event: ResolvedEvent) => samplingAttr(event, {}, common, "other");
  openGroup(
    planGroup(resolveEvents(text)[0], { first: attrOf, others: attrOf }, false),
    {
      open: (wanted, group) => {
        const members = group ? inGroup.get(group.leader)! + 1 : 1;
        const kernel = (bytes: Uint8Array<ArrayBuffer>) => {
          const { flags } = decodeAttr(bytes);
          assertEquals(flags.has("disabled"), !group); // a member starts with its leader
          return members > room ? -errno : 3;
        };
        const { event, attr, fd } = openWithFallbacks(
          wanted,
          place,
          standing,
          kernel,
          (line) => notes.push(line),
        );
        const one: EventOnCpus = {
          event,
          attr,
          places: [{ tid: 1, cpu: 0, fd, id: 0n }],
          ...group ? { group } : {},
        };
        inGroup.set(group?.leader ?? one, members);
        opened.push(one);
        return one;
      },
      drop: (dropped) => assertEquals(opened.splice(-dropped.length), dropped),
    },
    (line) => notes.push(line),
  );
  return { opened, notes };
}

const GROUP = "{page-faults,context-switches,cpu-migrations}";

Deno.test("openGroup() opens a weak group together where it fits", () => {
  const { opened, notes } = open(`${GROUP}:W`, 3);
  assertEquals(opened.map(({ group }) => group?.leader), [undefined, opened[0], opened[0]]);
  assertEquals(notes, []);
});

Deno.test("openGroup() opens each event of a weak group that does not fit by itself, and says so", () => {
  for (const errno of [ERRNO.EINVAL, ERRNO.EBADF]) {
    for (const letters of ["W", "SW"]) {
      const { opened, notes } = open(`${GROUP}:${letters}`, 2, errno);
      assertEquals(opened.map(({ event, group }) => [event.name, group]), [
        ["page-faults", undefined],
        ["context-switches", undefined],
        ["cpu-migrations", undefined],
      ]);
      for (const { attr } of opened) {
        assertEquals([attr.samplePeriod, attr.sampleType & PERF_SAMPLE.READ], [4000n, 0]);
      }
      assertEquals(notes, [
        `${GROUP}: cpu-migrations cannot be counted with those before it: each is sampled by itself`,
      ]);
    }
  }
});

Deno.test("openGroup() leaves it at the refusal of a group that is not weak, of a leader, and for other reasons", () => {
  assertThrows(() => open(GROUP, 2), UnsupportedError, "cpu-migrations");
  assertThrows(() => open(`${GROUP}:W`, 0), UnsupportedError, "page-faults");
  assertThrows(() => open(`${GROUP}:W`, 2, ERRNO.EMFILE), UnsupportedError, "cpu-migrations");
});
