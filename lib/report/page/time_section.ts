/** Section of the page in which time is chosen: in lanes of CPUs and threads, or in a heat map. */

import { lanesOf, type TimelineLanes } from "../html/select.ts";
import { bucketCount, type PageTables } from "../html/tables.ts";
import { byId, Choice } from "./shared/dom.ts";
import { HeatMap } from "./heat_map.ts";
import type { LinkedView } from "./shared/link.ts";
import { type BucketRange, rangeOfText, rangeText, type TimeRanges } from "./range.ts";
import { Timeline } from "./timeline.ts";

const MAX_LANES = 40;

/** Ranges and lane that the reader has chosen; undefined for all. */
export interface TimeChoice extends TimeRanges {
  lane?: { of: Int32Array; is: number; label: string };
}

/** Range that the next drag chooses. */
type Target = keyof TimeRanges;

/** Holds the choice, and calls `changed` after each new one, with the kind of change that it is (see ViewLink.note()). */
export class TimeSection implements LinkedView {
  readonly #tables: PageTables;
  readonly #changed: (kind?: string) => void;
  readonly #timeline: Timeline;
  readonly #heat: HeatMap;
  readonly #charts: Choice<"lanes" | "heat">;
  readonly #kinds: Choice<"cpu" | "thread">;
  readonly #targets: Choice<Target>;
  #lanes!: TimelineLanes;
  #event = 0;
  #chart: "lanes" | "heat" = "lanes";
  #by: "cpu" | "thread" = "cpu";
  #ranges: TimeRanges = {};
  #target: Target = "range";
  /** Label of the lane that was chosen; "" for all of them. */
  #lane = "";

  constructor(tables: PageTables, changed: (kind?: string) => void) {
    this.#tables = tables;
    this.#changed = changed;
    const choose = (range: BucketRange | undefined, kind?: string) => this.#chooseRange(range, kind);
    this.#timeline = new Timeline(tables, { choose, chooseLane: (label) => this.#chooseLane(label) });
    this.#heat = new HeatMap(tables, choose);
    this.#charts = new Choice("chart", (chart) => {
      this.#chart = chart;
      this.#showChart();
      changed();
    });
    this.#kinds = new Choice("lanes", (by) => {
      this.#by = by;
      this.#lane = "";
      this.show(this.#event);
      changed();
    });
    this.#targets = new Choice("target", (target) => {
      this.#target = target;
      this.#mark();
    });
    byId("swap").addEventListener("click", () => {
      this.#ranges = { range: this.#ranges.base, base: this.#ranges.range };
      this.#mark();
      changed();
    });
  }

  /** Shows the samples of an event; the choice stays where that event has such a lane. */
  show(event: number): void {
    this.#event = event;
    this.#lanes = lanesOf(this.#tables, event, this.#by, MAX_LANES);
    if (!this.#lanes.labels.includes(this.#lane)) this.#lane = "";
    this.#charts.check(this.#chart);
    this.#kinds.check(this.#by);
    this.#targets.check(this.#target);
    this.#showChart();
  }

  /** Chooses all samples. */
  clear(): void {
    this.#ranges = {};
    this.#lane = "";
    this.#target = "range";
    this.show(this.#event);
    this.#changed();
  }

  write(link: URLSearchParams): void {
    const { range, base } = this.#ranges, { bucketNs } = this.#tables;
    if (range) link.set("time", rangeText(range, bucketNs));
    if (base) link.set("base", rangeText(base, bucketNs));
    if (this.#chart !== "lanes") link.set("chart", this.#chart);
    if (this.#by !== "cpu") link.set("lanes", this.#by);
    if (this.#lane !== "") link.set("lane", this.#lane);
  }

  /** Takes the choice of a link; show() drops a lane that the event does not have. */
  read(link: URLSearchParams): void {
    const scale = { bucketNs: this.#tables.bucketNs, buckets: bucketCount(this.#tables) };
    this.#ranges = {
      range: rangeOfText(link.get("time"), scale),
      base: rangeOfText(link.get("base"), scale),
    };
    this.#target = "range";
    this.#chart = link.get("chart") === "heat" ? "heat" : "lanes";
    this.#by = link.get("lanes") === "thread" ? "thread" : "cpu";
    this.#lane = link.get("lane") ?? "";
  }

  /** Current choice, among the lanes of the event that is shown. */
  get choice(): TimeChoice {
    const label = this.#lane, is = this.#lanes.labels.indexOf(label);
    return { ...this.#ranges, lane: is < 0 ? undefined : { of: this.#lanes.ofRow, is, label } };
  }

  /** Draws again, after the width or the colors have changed. */
  redraw(): void {
    if (bucketCount(this.#tables) === 0) return;
    if (this.#chart === "heat") this.#heat.draw();
    else this.#timeline.draw();
  }

  #showChart(): void {
    const isHeat = this.#chart === "heat";
    byId("lane-chart").hidden = isHeat;
    byId("heat-chart").hidden = !isHeat;
    this.#kinds.hidden = isHeat;
    if (isHeat) this.#heat.show(this.#counts());
    else this.#timeline.show(this.#lanes, this.#lane);
    this.#mark();
    this.redraw();
  }

  /** Returns the samples in each bucket, of the lane that was chosen or of all. */
  #counts(): Float64Array {
    const { counts, labels } = this.#lanes, buckets = bucketCount(this.#tables);
    const lane = labels.indexOf(this.#lane);
    if (lane >= 0) return counts.subarray(lane * buckets, (lane + 1) * buckets);
    const sum = new Float64Array(buckets);
    for (let i = 0; i < counts.length; i++) sum[i % buckets] += counts[i];
    return sum;
  }

  #chooseRange(range: BucketRange | undefined, kind?: string): void {
    this.#ranges = { ...this.#ranges, [this.#target]: range };
    this.#mark();
    this.#changed(kind);
  }

  #chooseLane(label: string): void {
    this.#lane = label === this.#lane ? "" : label;
    this.#timeline.show(this.#lanes, this.#lane);
    this.#changed();
  }

  #mark(): void {
    const { range, base } = this.#ranges;
    byId<HTMLButtonElement>("swap").disabled = !range || !base;
    (this.#chart === "heat" ? this.#heat : this.#timeline).mark(this.#ranges, this.#target);
  }
}
