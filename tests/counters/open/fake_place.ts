import type { PlacedCounters } from "../../../lib/counters/open/bound_set.ts";

/** A place whose counters show what the test sets. */
export class FakePlace implements PlacedCounters {
  readonly place: { target: string };
  counts: bigint[] | undefined;
  tickNs = 0;
  enabled = false;

  constructor(target: string, counts: bigint[]) {
    this.place = { target };
    this.counts = counts;
  }

  enable() {
    this.enabled = true;
  }

  disable() {
    this.enabled = false;
  }

  close() {
    this.counts = undefined;
  }

  sample(hrtimeNs: bigint) {
    const { counts, tickNs } = this;
    return counts && { hrtimeNs, enabledNs: tickNs, tickNs, counts: [...counts] };
  }
}
