/** Timeline of the page: samples over time, by CPU or by thread, in which a range is chosen. */

import { lanesOf, type TimelineLanes } from "../html/select.ts";
import { bucketCount, type PageTables } from "../html/tables.ts";
import { byId, element, styleValue } from "./dom.ts";
import { stepOf, tick } from "./format.ts";
import type { LinkedView } from "./link.ts";
import { type BucketRange, rangeOfText, rangeText } from "./range.ts";

/** Heights in CSS pixels: of the lane of all samples, of another lane, of the gap between two, of the axis. */
const ALL = 44, LANE = 20, GAP = 3, AXIS = 20;
const MAX_LANES = 40;
/** Pixels that a pointer moves at least to drag; with less it clicks. */
const CLICK = 4;

/** Range and lane that the reader has chosen; undefined for all. */
export interface TimelineChoice {
  range?: BucketRange;
  lane?: { of: Int32Array; is: number; label: string };
}

/** Draws the lanes, and calls `onChoose` after each new choice, with the kind of change that it is (see ViewLink.note()). */
export class Timeline implements LinkedView {
  readonly #tables: PageTables;
  readonly #onChoose: (kind?: string) => void;
  readonly #plot = byId("lane-plot");
  readonly #canvas = byId<HTMLCanvasElement>("lane-canvas");
  readonly #overlay = byId("range");
  readonly #buckets: number;
  #lanes!: TimelineLanes;
  #event = 0;
  #by: "cpu" | "thread" = "cpu";
  #range: BucketRange | undefined;
  /** Label of the lane that was chosen; "" for all of them. */
  #lane = "";
  #dragFrom: number | undefined;

  constructor(tables: PageTables, onChoose: (kind?: string) => void) {
    this.#tables = tables;
    this.#onChoose = onChoose;
    this.#buckets = bucketCount(tables);
    const plot = this.#plot;
    plot.addEventListener("pointerdown", (event) => this.#down(event));
    plot.addEventListener("pointermove", (event) => this.#move(event));
    plot.addEventListener("pointerup", (event) => this.#up(event));
    plot.addEventListener("keydown", (event) => this.#key(event));
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=lanes]")) {
      radio.addEventListener("change", () => {
        this.#by = radio.value as "cpu" | "thread";
        this.#lane = "";
        this.show(this.#event);
        this.#onChoose();
      });
    }
  }

  /** Shows the samples of an event; the choice stays where that event has such a lane. */
  show(event: number): void {
    this.#event = event;
    this.#lanes = lanesOf(this.#tables, event, this.#by, MAX_LANES);
    if (!this.#lanes.labels.includes(this.#lane)) this.#lane = "";
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=lanes]")) {
      radio.checked = radio.value === this.#by;
    }
    this.#drawLabels();
    this.redraw();
  }

  /** Chooses all samples. */
  clear(): void {
    this.#choose(undefined, "");
  }

  write(link: URLSearchParams): void {
    if (this.#range) link.set("time", rangeText(this.#range, this.#tables.bucketNs));
    if (this.#by !== "cpu") link.set("lanes", this.#by);
    if (this.#lane !== "") link.set("lane", this.#lane);
  }

  /** Takes the choice of a link; show() drops a lane that the event does not have. */
  read(link: URLSearchParams): void {
    const { bucketNs } = this.#tables;
    this.#range = rangeOfText(link.get("time"), { bucketNs, buckets: this.#buckets });
    this.#by = link.get("lanes") === "thread" ? "thread" : "cpu";
    this.#lane = link.get("lane") ?? "";
  }

  /** Current choice, among the lanes of the event that is shown. */
  get choice(): TimelineChoice {
    const label = this.#lane, is = this.#lanes.labels.indexOf(label);
    return { range: this.#range, lane: is < 0 ? undefined : { of: this.#lanes.ofRow, is, label } };
  }

  /** Draws the same again, after the width or the colors have changed. */
  redraw(): void {
    if (this.#buckets === 0) return;
    const { labels, counts } = this.#lanes;
    const width = this.#plot.clientWidth, height = ALL + GAP + labels.length * LANE + AXIS;
    const scale = devicePixelRatio;
    this.#canvas.width = width * scale;
    this.#canvas.height = height * scale;
    this.#canvas.style.height = `${height}px`;
    const context = this.#canvas.getContext("2d")!;
    context.scale(scale, scale);
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
    this.#drawRange();
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
        this.#choose(this.#range, label === this.#lane ? "" : label);
        // the labels are made anew
        byId("lane-labels").querySelector<HTMLElement>(`[title=${CSS.escape(button.title)}]`)?.focus();
      });
      return button;
    });
    byId("lane-labels").replaceChildren(element("div", "lane-all", "all"), ...lines);
  }

  #choose(range: BucketRange | undefined, lane: string, kind?: string): void {
    this.#range = range;
    this.#lane = lane;
    this.#drawLabels();
    this.#drawRange();
    this.#onChoose(kind);
  }

  #drawRange(): void {
    const range = this.#range;
    this.#overlay.hidden = !range;
    if (!range) return;
    this.#overlay.style.left = `${100 * (range.from - 1) / this.#buckets}%`;
    this.#overlay.style.right = `${100 * (1 - (range.to - 1) / this.#buckets)}%`;
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
    this.#range = this.#rangeOf(this.#dragFrom, event.clientX);
    this.#drawRange();
  }

  #up(event: PointerEvent): void {
    const from = this.#dragFrom;
    if (from === undefined) return;
    this.#dragFrom = undefined;
    const dragged = Math.abs(event.clientX - from) >= CLICK;
    if (dragged || this.#range) {
      this.#choose(dragged ? this.#rangeOf(from, event.clientX) : undefined, this.#lane);
    }
  }

  /** Handles a key: arrows move the range, with Shift its end, and Escape takes all. */
  #key(event: KeyboardEvent): void {
    const step = Math.max(1, Math.round(this.#buckets / 100)) *
      (event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0);
    if (event.key === "Escape" && this.#range) {
      event.preventDefault();
      this.#choose(undefined, this.#lane);
    }
    if (step === 0 || this.#buckets === 0) return;
    event.preventDefault();
    const end = this.#buckets + 1;
    const { from, to } = this.#range ?? { from: 1, to: 1 + Math.ceil(this.#buckets / 10) };
    if (!this.#range) this.#choose({ from, to }, this.#lane, "time");
    else if (event.shiftKey) {
      this.#choose({ from, to: Math.min(end, Math.max(from + 1, to + step)) }, this.#lane, "time");
    } else {
      const moved = Math.min(end - to, Math.max(1 - from, step));
      this.#choose({ from: from + moved, to: to + moved }, this.#lane, "time");
    }
  }
}
