/** Flame graph of the page: the one that the SVG has, laid out anew for each selection and each zoom. */

import {
  boxClass,
  type BoxFacts,
  boxLines,
  FLAME_LIMITS,
  greatestChange,
  hiddenLines,
} from "../flame/boxes.ts";
import { LETTER_WIDTH, ROW_HEIGHT } from "../flame/boxes.ts";
import { FlameChart } from "../flame/chart.js";
import { type Box, type CallTree, type FlameLayout, layoutFlames } from "../flame/layout.ts";
import { legendEntries } from "../flame/style.ts";
import { nameOf, objectNameOf, pageCalls } from "../html/calls.ts";
import { type StackWeights, weightThrough } from "../html/select.ts";
import { findStack, stackId } from "../html/ids.ts";
import type { PageTables } from "../html/tables.ts";
import { byId } from "./shared/dom.ts";
import { share } from "./shared/format.ts";
import type { LinkedView } from "./shared/link.ts";
import type { Matcher } from "./search.ts";

/** Part of the profile that another one is compared with, and the factor that makes its weights comparable. */
export interface FlameBase {
  weights: StackWeights;
  scale: number;
}

/** Draws a part of the profile, explains what is pointed at, and calls `changed` after it was zoomed or turned. */
export class FlameGraph implements LinkedView {
  readonly #tables: PageTables;
  readonly #changed: () => void;
  readonly #host = byId("flame");
  readonly #tip = byId("tip");
  readonly #chart: FlameChart;
  #weights: StackWeights | undefined;
  #calls!: CallTree;
  #facts!: BoxFacts;
  #boxes: Box[] = [];
  /** Layout of everything, which readers come back to from each zoom. */
  #whole!: FlameLayout;
  /** Row of the tree that the graph is zoomed to; -1 for everything. */
  #top = -1;
  #inverted = true;
  /** Box that the line below the graph's head is about. */
  #described = -1;
  #matcher: Matcher;

  constructor(tables: PageTables, changed: () => void) {
    this.#tables = tables;
    this.#changed = changed;
    const picture = svg("flames"), boxes = svg("boxes");
    picture.append(boxes);
    this.#host.append(picture);
    const how = {
      rowHeight: ROW_HEIGHT,
      letterWidth: LETTER_WIDTH,
      inverted: this.#inverted,
      top: 0,
      rows: 0,
    };
    this.#chart = new FlameChart(boxes, how, {
      keys: this.#host,
      drawn: ({ rows }) => {
        for (const each of [picture, boxes]) each.setAttribute("height", String(rows * ROW_HEIGHT));
      },
      tell: (box, pointed) => pointed ? this.#explain(box) : this.#describe(box),
      zoomTo: (box) => this.#zoom(this.#boxes[box].node),
      startSearch: () => byId("search").focus(),
    });
    this.#host.addEventListener("pointermove", (event) => this.#placeTip(event.clientX, event.clientY));
    byId("reset-zoom").addEventListener("click", () => this.#zoom(-1));
    for (const radio of this.#directions()) {
      radio.addEventListener("change", () => {
        this.#invert(radio.value === "down");
        this.#showRoot();
        changed();
      });
    }
  }

  write(link: URLSearchParams): void {
    if (!this.#inverted) link.set("flames", "up");
    if (this.#top >= 0) link.set("zoom", stackId(this.#tables, this.#top));
  }

  read(link: URLSearchParams): void {
    this.#invert(link.get("flames") !== "up");
    for (const radio of this.#directions()) radio.checked = radio.value === (this.#inverted ? "down" : "up");
    const zoom = link.get("zoom");
    this.#top = zoom === null ? -1 : findStack(this.#tables, zoom);
  }

  #directions(): Iterable<HTMLInputElement> {
    return document.querySelectorAll<HTMLInputElement>("input[name=direction]");
  }

  /**
   * Draws these weights of an event, in the colors of what changed since a base. What was zoomed to stays so while there
   * is any of it.
   */
  draw(weights: StackWeights, event: number, base?: FlameBase): void {
    this.#weights = weights;
    this.#calls = pageCalls(this.#tables, { weights, base: base?.weights, event });
    const layout = this.#whole = layoutFlames(this.#calls, FLAME_LIMITS);
    this.#facts = { layout, eventName: this.#tables.events[event]?.name ?? "" };
    if (base) {
      const { scale } = base;
      const greatest = greatestChange(layout.boxes, scale);
      this.#facts.change = { scale, sign: 1, greatest, otherName: "the base" };
    }
    const { whole } = weights;
    byId("flame-empty").hidden = whole.count > 0;
    this.#host.hidden = whole.count === 0;
    if (this.#top >= 0 && weights.count[this.#top] === 0) this.#top = -1;
    this.#layOut();
    this.#showRoot();
  }

  /** Marks what the matcher finds. */
  search(matcher: Matcher): void {
    this.#matcher = matcher;
    this.#chart.search(matcher ? ({ name, object }) => matcher(name) || matcher(object) : null);
  }

  /** Share of the weight that what was searched for has, in words; "" when nothing was. */
  get found(): string {
    const matcher = this.#matcher;
    if (!matcher || !this.#weights) return "";
    const { layout: { whole, measure } } = this.#facts;
    const sum = weightThrough(
      this.#tables,
      this.#weights,
      (place) => matcher(nameOf(this.#tables, place)) || this.#objectMatches(place, matcher),
    );
    return `${share(sum[measure], whole[measure])} matches`;
  }

  #objectMatches(place: number, matcher: NonNullable<Matcher>): boolean {
    return this.#tables.places.object[place] >= 0 && matcher(objectNameOf(this.#tables, place));
  }

  #invert(inverted: boolean): void {
    this.#inverted = inverted;
    this.#chart.invert(inverted);
  }

  /** Place of the frame that was zoomed to, or moved to by keys; -1 for that of everything. */
  get place(): number {
    const node = this.#boxes[this.#described]?.node ?? -1;
    return node < 0 ? -1 : this.#tables.stacks.place[node];
  }

  /** Fits the boxes into the width, after it has changed. */
  redraw(): void {
    this.#chart.draw();
  }

  /** Lays out what is zoomed to: what was too narrow before can be seen in it. */
  #layOut(): void {
    const layout = this.#top < 0 ? this.#whole : layoutFlames(this.#calls, FLAME_LIMITS, this.#top);
    this.#boxes = layout.boxes;
    this.#tip.hidden = true;
    this.#chart.show(
      layout.boxes.map((box) => ({ ...box, className: boxClass(box, this.#facts.change) })),
      Math.max(0, this.#topBox()),
    );
    this.#drawLegend(layout);
    const hidden = hiddenLines(layout);
    const left = hidden.length > 0 ? `${hidden.join(" ")} Zoom in to see them.` : "";
    byId("flame-left").textContent = [left, this.#goneLine()].filter(Boolean).join(" ");
    byId<HTMLButtonElement>("reset-zoom").disabled = this.#top < 0;
  }

  /** Returns the line that says how much of the base cannot be drawn, if any. */
  #goneLine(): string {
    const { gone, otherWhole, measure } = this.#whole;
    if (!this.#facts.change || gone[measure] === 0) return "";
    return `${
      share(gone[measure], otherWhole[measure])
    } of the base is in calls that the range has not: Swap shows them.`;
  }

  /** Explains the colors that are in the graph. */
  #drawLegend({ boxes }: FlameLayout): void {
    byId("flame-legend").replaceChildren(
      ...legendEntries(boxes, this.#facts.change !== undefined).flatMap(([className, name]) => {
        const patch = svg(className);
        patch.append(document.createElementNS(patch.namespaceURI, "rect"));
        return [patch, name];
      }),
    );
  }

  #zoom(node: number): void {
    this.#top = node;
    this.#layOut();
    this.#chart.moveTo(this.#topBox());
    this.#changed();
  }

  /** Returns the box that the graph is zoomed to. */
  #topBox(): number {
    return this.#boxes.findIndex(({ node }) => node === this.#top);
  }

  /** Scrolls to what is zoomed to, or to where the stacks begin. */
  #showRoot(): void {
    const box = this.#topBox();
    // a few callers stay in sight
    const above = Math.max(0, this.#boxes[box].depth - 5) * ROW_HEIGHT;
    this.#host.scrollTop = this.#inverted ? above : this.#host.scrollHeight - this.#host.clientHeight - above;
    this.#describe(box);
  }

  /** Writes a box into the line that is read out. */
  #describe(box: number): void {
    this.#described = box;
    byId<HTMLButtonElement>("show-code").disabled = this.place < 0;
    byId("flame-details").textContent = boxLines(this.#boxes[box], this.#facts).join("; ");
  }

  /** Shows a box beside the pointer; -1 for none. */
  #explain(box: number): void {
    this.#tip.hidden = box < 0;
    if (box < 0) return;
    const [name, ...rest] = boxLines(this.#boxes[box], this.#facts);
    const line = (tag: string, textContent: string) =>
      Object.assign(document.createElement(tag), { textContent });
    this.#tip.replaceChildren(line("b", name), ...rest.map((each) => line("div", each)));
  }

  #placeTip(x: number, y: number): void {
    const tip = this.#tip;
    if (tip.hidden) return;
    const left = Math.min(x + 14, innerWidth - tip.offsetWidth - 8);
    const top = y + 18 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 10 : y + 18;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }
}

/** Makes an SVG element as wide as what it is in. */
function svg(className: string): SVGSVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  made.setAttribute("class", className);
  made.setAttribute("width", "100%");
  return made;
}
