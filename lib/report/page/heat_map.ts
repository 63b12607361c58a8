/**
 * Heat map of the page: a column is a second of the recording, or what timeGrid() has instead, and a cell in it a bucket
 * of time, the first at the bottom. The color of a cell is its number of samples.
 */

import { bucketCount, type PageTables } from "../html/tables.ts";
import { byId, sizedContext, styleValue } from "./shared/dom.ts";
import { samples, stepOf, tick } from "./shared/format.ts";
import type { BucketRange, TimeRanges } from "./range.ts";

/** Sizes in CSS pixels: of the labels on the left, of the axis below, and of cells. */
const LEFT = 64, AXIS = 20, HEIGHT = 240, MAX_CELL_WIDTH = 90, MAX_CELL_HEIGHT = 14;

/** Draws the map, and calls `choose` with a range that was chosen in it (see TimelineListener). */
export class HeatMap {
  readonly #tables: PageTables;
  readonly #choose: (range: BucketRange | undefined, kind?: string) => void;
  readonly #plot = byId("heat-plot");
  readonly #canvas = byId<HTMLCanvasElement>("heat-canvas");
  /** Buckets in a column, columns, and buckets in all. */
  readonly #rows: number;
  readonly #columns: number;
  readonly #buckets: number;
  #counts: Float64Array = new Float64Array(0);
  #most = 0;
  #ranges: TimeRanges = {};
  #target: keyof TimeRanges = "range";
  /** Bucket that keys move from, and the other end of the range that they choose; 0 before the first key. */
  #cursor = 0;
  #anchor = 0;
  /** Bucket that a drag began in; 0 when there is none. */
  #dragFrom = 0;

  constructor(tables: PageTables, choose: (range: BucketRange | undefined, kind?: string) => void) {
    this.#tables = tables;
    this.#choose = choose;
    this.#buckets = bucketCount(tables);
    this.#rows = tables.columnBuckets;
    this.#columns = Math.ceil(this.#buckets / this.#rows);
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointerleave", () => this.#describe(this.#cursor));
    this.#plot.addEventListener("keydown", (event) => this.#key(event));
    for (const type of ["focus", "blur"]) this.#plot.addEventListener(type, () => this.draw());
  }

  /** Takes the number of samples in each bucket. */
  show(counts: Float64Array): void {
    this.#counts = counts;
    this.#most = counts.reduce((a, b) => Math.max(a, b), 0);
    byId("heat-most").textContent = samples(this.#most);
    const column = this.#rows * this.#tables.bucketNs;
    byId("heat-scale").textContent = `A column is ${lengthText(column)}, a cell ${
      lengthText(this.#tables.bucketNs)
    }.`;
    this.#describe(this.#cursor);
  }

  /** Marks the ranges that were chosen; a drag or a key changes that of `target`. */
  mark(ranges: TimeRanges, target: keyof TimeRanges): void {
    this.#ranges = ranges;
    this.#target = target;
    this.draw();
  }

  /** Draws the map as wide as there is room. */
  draw(): void {
    if (this.#buckets === 0 || this.#plot.clientWidth === 0) return;
    const { cellWidth, cellHeight } = this.#cellSize();
    const height = cellHeight * this.#rows;
    const context = sizedContext(this.#canvas, this.#plot.clientWidth, height + AXIS);
    const { range, base } = this.#ranges;
    context.fillStyle = styleValue("--lane");
    const last = this.#place(this.#buckets), whole = this.#columns - (last.row < this.#rows - 1 ? 1 : 0);
    context.fillRect(LEFT, 0, whole * cellWidth, height);
    context.fillRect(last.x, last.y, last.width, height - last.y);
    context.fillStyle = styleValue("--heat");
    for (let bucket = 1; bucket <= this.#buckets; bucket++) {
      const count = this.#counts[bucket - 1];
      if (count === 0) continue;
      const { x, y, width } = this.#place(bucket);
      const within = !range || includes(range, bucket) || (base && includes(base, bucket));
      context.globalAlpha = (0.12 + 0.88 * count / this.#most) * (within ? 1 : 0.4);
      context.fillRect(x, y, width, cellHeight);
    }
    context.globalAlpha = 1;
    this.#drawRange(context, base, "--base");
    this.#drawRange(context, range, "--text");
    if (this.#cursor > 0 && document.activeElement === this.#plot) {
      this.#drawRange(context, { from: this.#cursor, to: this.#cursor + 1 }, "--accent");
    }
    this.#drawAxes(context, height);
  }

  #cellSize(): { cellWidth: number; cellHeight: number } {
    const room = (this.#plot.clientWidth - LEFT) / this.#columns;
    return {
      cellWidth: Math.min(MAX_CELL_WIDTH, room >= 3 ? Math.floor(room) : room),
      cellHeight: Math.min(MAX_CELL_HEIGHT, Math.max(2, Math.floor(HEIGHT / this.#rows))),
    };
  }

  /** Returns where a bucket is drawn. */
  #place(bucket: number): { row: number; x: number; y: number; width: number } {
    const { cellWidth, cellHeight } = this.#cellSize();
    const column = Math.floor((bucket - 1) / this.#rows), row = (bucket - 1) % this.#rows;
    const [x, end] = [column, column + 1].map((each) => LEFT + Math.round(each * cellWidth));
    return { row, x, y: (this.#rows - 1 - row) * cellHeight, width: end - x };
  }

  /** Outlines a range: the edges between buckets that are in it and others. */
  #drawRange(context: CanvasRenderingContext2D, range: BucketRange | undefined, color: string): void {
    if (!range) return;
    const { cellHeight } = this.#cellSize();
    const isOut = (bucket: number) => !includes(range, bucket);
    context.fillStyle = styleValue(color);
    for (let bucket = range.from; bucket < range.to; bucket++) {
      const { row, x, y, width } = this.#place(bucket);
      if (row === 0 || isOut(bucket - 1)) context.fillRect(x, y + cellHeight - 1, width, 2);
      if (row === this.#rows - 1 || isOut(bucket + 1)) context.fillRect(x, y - 1, width, 2);
      if (isOut(bucket - this.#rows)) context.fillRect(x - 1, y, 2, cellHeight);
      if (isOut(bucket + this.#rows)) context.fillRect(x + width - 1, y, 2, cellHeight);
    }
  }

  #drawAxes(context: CanvasRenderingContext2D, height: number): void {
    const { bucketNs } = this.#tables;
    const column = this.#rows * bucketNs, { cellWidth, cellHeight } = this.#cellSize();
    context.fillStyle = styleValue("--muted");
    context.font = `11px ${styleValue("--sans")}`;
    context.textBaseline = "bottom";
    const step = Math.max(
      column,
      stepOf(this.#columns * column, Math.max(2, this.#columns * cellWidth / 90)),
    );
    const width = this.#plot.clientWidth;
    for (let at = 0; at < this.#columns * column; at += step) {
      const x = LEFT + Math.round(at / column * cellWidth), label = tick(at, step);
      if (x + context.measureText(label).width + 4 > width) break;
      context.fillRect(x, height + 2, 1, 5);
      context.fillText(label, x + 4, height + AXIS - 2);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    const part = stepOf(column, 5);
    for (let at = 0; at < column; at += part) {
      const y = height - at / bucketNs * cellHeight;
      context.fillRect(LEFT - 6, Math.round(y) - 1, 5, 1);
      context.fillText(`+${tick(at, part)}`, LEFT - 9, Math.min(height - 6, Math.max(6, y)));
    }
    context.textAlign = "left";
  }

  /** Writes what a bucket has into the line that is read out; 0 for none. */
  #describe(bucket: number): void {
    const { bucketNs } = this.#tables;
    byId("heat-details").textContent = bucket === 0
      ? ""
      : `${lengthText(bucketNs)} from ${lengthText((bucket - 1) * bucketNs)}: ${
        samples(this.#counts[bucket - 1])
      }`;
  }

  /** Returns the bucket at a position of the pointer, or the one nearest to it. */
  #bucketAt({ clientX, clientY }: PointerEvent): number {
    const box = this.#canvas.getBoundingClientRect(), { cellWidth, cellHeight } = this.#cellSize();
    const within = (at: number, size: number) => Math.min(size - 1, Math.max(0, Math.floor(at)));
    const column = within((clientX - box.left - LEFT) / cellWidth, this.#columns);
    const row = this.#rows - 1 - within((clientY - box.top) / cellHeight, this.#rows);
    return Math.min(this.#buckets, column * this.#rows + row + 1);
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0 || this.#buckets === 0) return;
    this.#dragFrom = this.#bucketAt(event);
    this.#canvas.setPointerCapture(event.pointerId);
  }

  #move(event: PointerEvent): void {
    const bucket = this.#bucketAt(event);
    this.#describe(bucket);
    if (this.#dragFrom === 0 || bucket === this.#dragFrom) return;
    const ranges = this.#ranges;
    this.mark({ ...ranges, [this.#target]: between(this.#dragFrom, bucket) }, this.#target);
    this.#ranges = ranges;
  }

  #up(event: PointerEvent): void {
    const from = this.#dragFrom, to = this.#bucketAt(event);
    if (from === 0) return;
    this.#dragFrom = 0;
    this.#cursor = this.#anchor = to;
    this.#choose(from === to && this.#ranges[this.#target] ? undefined : between(from, to));
  }

  /** Handles a key: arrows move from cell to cell, with Shift they choose, Enter takes a cell, Escape takes all. */
  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || this.#buckets === 0) return;
    const step = { ArrowUp: 1, ArrowDown: -1, ArrowRight: this.#rows, ArrowLeft: -this.#rows }[event.key];
    const takes = event.key === "Enter" || event.key === " ";
    const clears = event.key === "Escape" && this.#ranges[this.#target] !== undefined;
    if (step === undefined && !takes && !clears) return;
    event.preventDefault();
    if (clears) return this.#choose(undefined);
    const was = this.#cursor || this.#ranges[this.#target]?.from || 1;
    if (this.#cursor === 0 || !event.shiftKey) this.#anchor = was;
    const next = was + (this.#cursor > 0 || event.shiftKey ? step ?? 0 : 0);
    this.#cursor = next >= 1 && next <= this.#buckets ? next : was;
    this.#describe(this.#cursor);
    if (takes || event.shiftKey) {
      if (takes) this.#anchor = this.#cursor;
      this.#choose(between(this.#anchor, this.#cursor), takes ? "" : "time");
    } else {
      this.#anchor = this.#cursor;
      this.draw();
    }
  }
}

/** Returns the range of two buckets and all between them. */
function between(a: number, b: number): BucketRange {
  return { from: Math.min(a, b), to: Math.max(a, b) + 1 };
}

function includes({ from, to }: BucketRange, bucket: number): boolean {
  return bucket >= from && bucket < to;
}

/** Formats a time in ns with all its digits: `12.5 ms`. */
function lengthText(ns: number): string {
  const [unit, size] = ns >= 1e9 ? ["s", 1e9] : ns >= 1e6 ? ["ms", 1e6] : ns >= 1e3 ? ["µs", 1e3] : ["ns", 1];
  return `${Number((ns / size).toFixed(9))} ${unit}`;
}
