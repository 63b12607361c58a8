/** Timeline of the page: samples over time, by CPU or by thread, in which ranges are chosen. */

import type { TimelineLanes } from "../html/select.ts";
import { bucketCount, type PageTables } from "../html/tables.ts";
import { byId, element, sizedContext, styleValue } from "./shared/dom.ts";
import { stepOf, tick } from "./shared/format.ts";
import type { BucketRange, TimeRanges } from "./range.ts";

/** Heights in CSS pixels: of the lane of all samples, of another lane, of the gap between two, of the axis. */
const ALL = 44, LANE = 20, GAP = 3, AXIS = 20;
/** Pixels that a pointer moves at least to drag; with less it clicks. */
const CLICK = 4;

/** Receiver of what is chosen in a timeline. */
export interface TimelineListener {
  /** Takes a range, or undefined for all time; `kind` is the kind of change: see ViewLink.note(). */
  choose(range: BucketRange | undefined, kind?: string): void;
  /** Takes the label of a lane. */
  chooseLane(label: string): void;
}

/** Draws the lanes, and tells the listener what is chosen in them. */
export class Timeline {
  readonly #tables: PageTables;
  readonly #listener: TimelineListener;
  readonly #plot = byId("lane-plot");
  readonly #canvas = byId<HTMLCanvasElement>("lane-canvas");
  readonly #overlays = { range: byId("range"), base: byId("base") };
  readonly #buckets: number;
  #lanes!: TimelineLanes;
  /** Label of the lane that was chosen; "" for all of them. */
  #lane = "";
  #ranges: TimeRanges = {};
  #target: keyof TimeRanges = "range";
  #dragFrom: number | undefined;

  constructor(tables: PageTables, listener: TimelineListener) {
    this.#tables = tables;
    this.#listener = listener;
    this.#buckets = bucketCount(tables);
    const plot = this.#plot;
    plot.addEventListener("pointerdown", (event) => this.#down(event));
    plot.addEventListener("pointermove", (event) => this.#move(event));
    plot.addEventListener("pointerup", (event) => this.#up(event));
    plot.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Takes other lanes, of which one may be chosen. */
  show(lanes: TimelineLanes, lane: string): void {
    this.#lanes = lanes;
    this.#lane = lane;
    this.#drawLabels();
  }

  /** Marks the ranges that were chosen; a drag or a key changes that of `target`. */
  mark(ranges: TimeRanges, target: keyof TimeRanges): void {
    this.#ranges = ranges;
    this.#target = target;
    this.#drawRange("range", ranges.range);
    this.#drawRange("base", ranges.base);
  }

  /** Draws all lanes. */
  draw(): void {
    const { labels, counts } = this.#lanes;
    const width = this.#plot.clientWidth, height = ALL + GAP + labels.length * LANE + AXIS;
    const context = sizedContext(this.#canvas, width, height);
    const columns = Math.min(this.#buckets, Math.floor(width / 2));
    const means = labels.map((_, lane) => this.#columns(counts, lane, columns));
    const all = new Float64Array(columns);
    for (const lane of means) lane.forEach((n, column) => all[column] += n);
    const left = (column: number) => Math.round(column / columns * width);
    const mostInAll = all.reduce((a, b) => Math.max(a, b), 0);
    const most = means.reduce((most, lane) => lane.reduce((a, b) => Math.max(a, b), most), 0);
    context.fillStyle = styleValue("--accent");
    for (let column = 0; column < columns; column++) {
      if (all[column] === 0) continue;
      const high = Math.max(1, all[column] / mostInAll * ALL);
      context.fillRect(left(column), ALL - high, left(column + 1) - left(column), high);
    }
    labels.forEach((_, lane) => {
      const top = ALL + GAP + lane * LANE;
      context.globalAlpha = 1;
      context.fillStyle = styleValue("--lane");
      context.fillRect(0, top, width, LANE - GAP);
      context.fillStyle = styleValue("--accent");
      for (let column = 0; column < columns; column++) {
        if (means[lane][column] === 0) continue;
        // the square root keeps rare samples in sight
        context.globalAlpha = 0.15 + 0.85 * Math.sqrt(means[lane][column] / most);
        context.fillRect(left(column), top, left(column + 1) - left(column), LANE - GAP);
      }
    });
    context.globalAlpha = 1;
    this.#drawAxis(context, width, height);
  }

  /** Returns the mean samples per bucket in each column of a lane, since columns differ in how many buckets they have. */
  #columns(counts: Float64Array, lane: number, columns: number): Float64Array {
    const means = new Float64Array(columns), sizes = new Float64Array(columns);
    for (let bucket = 0; bucket < this.#buckets; bucket++) {
      const column = Math.floor(bucket * columns / this.#buckets);
      means[column] += counts[lane * this.#buckets + bucket];
      sizes[column]++;
    }
    return means.map((sum, column) => sum / sizes[column]);
  }

  #drawAxis(context: CanvasRenderingContext2D, width: number, height: number): void {
    const whole = this.#buckets * this.#tables.bucketNs;
    const step = stepOf(whole, Math.max(2, width / 110));
    context.fillStyle = context.strokeStyle = styleValue("--muted");
    context.font = `11px ${styleValue("--sans")}`;
    context.textBaseline = "bottom";
    for (let at = 0; at <= whole; at += step) {
      const x = at / whole * width;
      const label = tick(at, step);
      if (x + context.measureText(label).width + 4 > width) break;
      context.fillRect(Math.round(x), height - AXIS + 2, 1, 5);
      context.fillText(label, x + 4, height - 2);
    }
  }

  #drawLabels(): void {
    const lines = this.#lanes.labels.map((label) => {
      const button = element("button", "lane-label", label);
      button.title = `Only ${label}`;
      button.ariaPressed = String(label === this.#lane);
      button.addEventListener("click", () => {
        this.#listener.chooseLane(label);
        // the labels were made anew
        byId("lane-labels").querySelector<HTMLElement>(`[title=${CSS.escape(button.title)}]`)?.focus();
      });
      return button;
    });
    byId("lane-labels").replaceChildren(element("div", "lane-all", "all"), ...lines);
  }

  #drawRange(name: keyof TimeRanges, range: BucketRange | undefined): void {
    const overlay = this.#overlays[name];
    overlay.hidden = !range;
    if (!range) return;
    overlay.style.left = `${100 * (range.from - 1) / this.#buckets}%`;
    overlay.style.right = `${100 * (1 - (range.to - 1) / this.#buckets)}%`;
  }

  /** Returns the whole buckets between two positions of the pointer. */
  #rangeOf(a: number, b: number): BucketRange {
    const box = this.#plot.getBoundingClientRect();
    const bucket = (x: number) => {
      const at = Math.floor((x - box.left) / box.width * this.#buckets) + 1;
      return Math.min(Math.max(at, 1), this.#buckets);
    };
    return { from: bucket(Math.min(a, b)), to: bucket(Math.max(a, b)) + 1 };
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0 || this.#buckets === 0) return;
    this.#dragFrom = event.clientX;
    this.#plot.setPointerCapture(event.pointerId);
  }

  #move(event: PointerEvent): void {
    if (this.#dragFrom === undefined || Math.abs(event.clientX - this.#dragFrom) < CLICK) return;
    this.#drawRange(this.#target, this.#rangeOf(this.#dragFrom, event.clientX));
  }

  #up(event: PointerEvent): void {
    const from = this.#dragFrom;
    if (from === undefined) return;
    this.#dragFrom = undefined;
    const dragged = Math.abs(event.clientX - from) >= CLICK;
    if (dragged) this.#listener.choose(this.#rangeOf(from, event.clientX));
    else if (this.#ranges[this.#target]) this.#listener.choose(undefined);
  }

  /** Handles a key: arrows move the range, with Shift its end, and Escape takes all. */
  #key(event: KeyboardEvent): void {
    const range = this.#ranges[this.#target];
    const step = Math.max(1, Math.round(this.#buckets / 100)) *
      (event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0);
    if (event.key === "Escape" && range) {
      event.preventDefault();
      this.#listener.choose(undefined);
    }
    if (step === 0 || this.#buckets === 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const end = this.#buckets + 1;
    const { from, to } = range ?? { from: 1, to: 1 + Math.ceil(this.#buckets / 10) };
    const moved = Math.min(end - to, Math.max(1 - from, step));
    this.#listener.choose(
      !range
        ? { from, to }
        : event.shiftKey
        ? { from, to: Math.min(end, Math.max(from + 1, to + step)) }
        : { from: from + moved, to: to + moved },
      "time",
    );
  }
}
