/** Opening the events of a group. How an event is opened is handed in. */

import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import type { OpenRequest } from "../../events/open.ts";
import type { ResolvedGroup } from "../../events/resolve.ts";
import type { EventGroup, EventOnCpus } from "./opening.ts";
import { memberAttr, readingLeaderAttr, readMemberAttr } from "../request/sampling.ts";

/** What opens events, and closes them again. */
export interface Opener {
  /** By itself, or as a member of a group. Throws UnsupportedError. */
  open(wanted: OpenRequest, group?: EventGroup): EventOnCpus;
  /** Closes what it opened as if that had never been. */
  drop(opened: readonly EventOnCpus[]): void;
}

/**
 * Opens the events one by one, those in braces as a group; `attrOf` is how each would be sampled by itself. A weak
 * group (`:W`) of which a member does not open beside the others (EINVAL or EBADF, as in perf: record__open() of
 * tools/perf/builtin-record.c) comes apart, and `note` is told. Throws as `opener.open`.
 */
export function openGroup(
  group: ResolvedGroup,
  attrOf: OpenRequest["attrOf"],
  wholeCpus: boolean,
  opener: Opener,
  note: (line: string) => void,
): void {
  const { braces, events, weak } = group;
  if (braces && events.length > 1) {
    const opened: EventOnCpus[] = [];
    try {
      openTogether(group, attrOf, wholeCpus, (wanted, group) => {
        opened.push(opener.open(wanted, group));
        return opened.at(-1)!;
      });
      return;
    } catch (error) {
      if (!weak || opened.length === 0 || !doesNotFit(error)) throw error;
      opener.drop(opened);
      const names = events.map(({ name }) => name);
      note(
        `{${names.join(",")}}: ${
          names[opened.length]
        } cannot be counted with those before it: each is sampled by itself`,
      );
    }
  }
  for (const event of events) opener.open({ event, attrOf });
}

function doesNotFit(error: unknown): boolean {
  return error instanceof UnsupportedError && (error.errno === ERRNO.EINVAL || error.errno === ERRNO.EBADF);
}

function openTogether(
  { name, events: [first, ...others], sampleRead }: ResolvedGroup,
  attrOf: OpenRequest["attrOf"],
  wholeCpus: boolean,
  open: Opener["open"],
): void {
  const leader = open({
    event: first,
    attrOf: (event) => sampleRead ? readingLeaderAttr(attrOf(event), wholeCpus) : attrOf(event),
  });
  const memberOf = sampleRead ? readMemberAttr : memberAttr;
  for (const event of others) {
    open(
      { event, attrOf: (each) => memberOf(attrOf(each), leader.attr) },
      { leader, ...name ? { name } : {} },
    );
  }
}
