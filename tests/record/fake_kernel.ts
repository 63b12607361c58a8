/** Events without a kernel, for tests of how a recording opens them. */

import { PmuError } from "../../ffi/pmu.ts";
import type { EventCalls } from "../../lib/record/open/event_calls.ts";
import { ERRNO } from "../../lib/base/system/errno.ts";
import { decodeAttr, type EventAttr } from "../../lib/events/attr.ts";

/** Event that is open in the fake kernel. */
export interface FakeEvent {
  attr: EventAttr;
  pid: number;
  cpu: number;
  groupFd: number;
  enabled: boolean;
  /** Descriptor of the event whose ring it writes into. */
  output?: number;
  filter?: string;
}

/** Kernel that opens every event it is not told to refuse. Descriptors count from 100; the id of one is 1000 more. */
export class FakeKernel {
  /** Events that are open, by descriptor. */
  readonly open = new Map<number, FakeEvent>();
  /** Gives the errno to refuse an event with, or 0. */
  refuse: (attr: EventAttr, pid: number, cpu: number) => number = () => 0;
  /** Gives the errno to refuse a filter with, or 0. */
  refuseFilter: (filter: string) => number = () => 0;
  #next = 100;

  readonly calls: EventCalls = {
    tryOpen: (bytes, { pid, cpu, groupFd = -1 }) => {
      const attr = decodeAttr(bytes);
      const errno = this.refuse(attr, pid, cpu);
      if (errno !== 0) return -errno;
      if (groupFd !== -1) this.#at(groupFd);
      const fd = this.#next++;
      this.open.set(fd, { attr, pid, cpu, groupFd, enabled: !attr.flags.has("disabled") });
      return fd;
    },
    closeEvent: (fd) => {
      this.#at(fd);
      this.open.delete(fd);
    },
    eventId: (fd) => {
      this.#at(fd);
      return BigInt(fd + 1000);
    },
    enable: (fd) => {
      this.#at(fd).enabled = true;
    },
    disable: (fd) => {
      this.#at(fd).enabled = false;
    },
    setOutput: (fd, target) => {
      this.#at(fd).output = target;
    },
    setFilter: (fd, filter) => {
      const errno = this.refuseFilter(filter);
      if (errno !== 0) throw new PmuError("PERF_EVENT_IOC_SET_FILTER", errno);
      this.#at(fd).filter = filter;
    },
  };

  #at(fd: number): FakeEvent {
    const event = this.open.get(fd);
    if (!event) throw new PmuError("ioctl", ERRNO.EBADF);
    return event;
  }
}
