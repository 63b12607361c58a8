/** The flame graph: d3-flame-graph with this page's colours, words and keys. */

import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";
import { colourKind, type FlameNode, nameOf, pageTree } from "../html/tree.ts";
import type { StackWeights } from "../html/select.ts";
import { COMMAND, type PageTables } from "../html/tables.ts";
import { groupDigits } from "../shared/amount.ts";
import { byId } from "./dom.ts";
import { samples, share, weight } from "./format.ts";
import type { Matcher } from "./search.ts";

/** What d3-hierarchy makes of a FlameNode, as far as it is used here. */
interface DrawnNode {
  data: FlameNode;
  parent: DrawnNode | null;
  children?: DrawnNode[];
  id: number;
  highlight?: boolean;
  value: number;
  x0: number;
  x1: number;
}

const CELL = 20;
/**
 * Hue, saturation and lightness of each kind's colours, on light and on dark ground; a kind has the hues that it
 * has in the SVG (report/flame/style.ts).
 */
const COLOURS: Record<string, { hue: number; light: [number, number]; dark: [number, number] }> = {
  root: { hue: 220, light: [10, 86], dark: [8, 30] },
  command: { hue: 220, light: [16, 80], dark: [12, 36] },
  kernel: { hue: 207, light: [72, 77], dark: [42, 38] },
  library: { hue: 115, light: [46, 75], dark: [28, 34] },
  program: { hue: 31, light: [88, 76], dark: [52, 36] },
  jit: { hue: 280, light: [58, 79], dark: [34, 42] },
  unresolved: { hue: 220, light: [4, 76], dark: [3, 42] },
};

/** Draws, and tells what is under the pointer. */
export class FlameGraph {
  readonly #tables: PageTables;
  readonly #host = byId("flame");
  readonly #tip = byId("tip");
  // deno-lint-ignore no-explicit-any -- the library has no types
  #chart: any;
  #root: DrawnNode | undefined;
  #current: DrawnNode | undefined;
  #zoomed: DrawnNode | undefined;
  #wholePeriod = 0;
  #wholeCount = 0;
  #unit: "ns" | "events" = "events";
  #inverted = true;
  #matcher: Matcher;
  #found = "";

  constructor(tables: PageTables) {
    this.#tables = tables;
    this.#host.addEventListener("keydown", (event) => this.#key(event));
    this.#host.addEventListener("pointermove", (event) => this.#placeTip(event.clientX, event.clientY));
  }

  /** Draws these weights, whole, from the left to the right edge. */
  draw(weights: StackWeights, unit: "ns" | "events"): void {
    const { root, left } = pageTree(this.#tables, weights);
    this.#unit = unit;
    this.#colourLegend();
    this.#wholePeriod = weights.whole.period;
    this.#wholeCount = weights.whole.count;
    this.#chart?.destroy();
    this.#chart = undefined;
    this.#zoomed = this.#current = undefined;
    this.#tip.hidden = true;
    byId("flame-left").textContent = left > 0
      ? `${groupDigits(left)} stacks are too light to be drawn; the table counts them.`
      : "";
    byId("flame-empty").hidden = weights.whole.count > 0;
    this.#host.hidden = weights.whole.count === 0;
    if (weights.whole.count === 0) return;
    this.#chart = flamegraph()
      .width(this.#host.clientWidth)
      .cellHeight(CELL)
      .minFrameSize(0.7)
      .inverted(this.#inverted)
      .resetHeightOnZoom(true)
      .transitionDuration(matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 200)
      .tooltip(this.#tooltip())
      .setLabelHandler((node: DrawnNode) => this.#words(node).join(", "))
      .setColorMapper((node: DrawnNode) => this.#colour(node))
      .setSearchMatch((node: DrawnNode) => this.#matches(node.data))
      .setSearchHandler((_: unknown, sum: number) => this.#tellFound(sum))
      .onClick((node: DrawnNode) => this.#hasZoomed(node));
    const selection = select(this.#host).datum(root);
    selection.call(this.#chart);
    this.#root = selection.datum() as DrawnNode;
    this.#current = this.#root;
    this.#hasZoomed(this.#root);
    if (this.#matcher) this.#chart.search("-");
    this.#showRoot();
  }

  /** Highlights what the matcher finds; says how much of the whole that is. */
  search(matcher: Matcher): string {
    this.#matcher = matcher;
    this.#found = "";
    if (matcher) this.#chart?.search("-");
    else this.#chart?.clear();
    return this.#found;
  }

  /** Share of what the last search found, in words. */
  get found(): string {
    return this.#found;
  }

  /** From the top down, or from the bottom up. */
  invert(inverted: boolean): void {
    this.#inverted = inverted;
    this.#chart?.inverted(inverted).update();
    this.#showRoot();
  }

  /** Scrolls to where the stacks begin. */
  #showRoot(): void {
    this.#host.scrollTop = this.#inverted ? 0 : this.#host.scrollHeight;
  }

  /** Back to the whole. */
  resetZoom(): void {
    this.#chart?.resetZoom();
  }

  /** Draws anew what is drawn, after the width or the colours have changed. */
  redraw(): void {
    this.#colourLegend();
    this.#chart?.width(this.#host.clientWidth).update();
  }

  #hasZoomed(node: DrawnNode): void {
    this.#zoomed = node;
    this.#mark(node);
    byId<HTMLButtonElement>("reset-zoom").disabled = node === this.#root;
  }

  #matches(node: FlameNode): boolean {
    const { places, objects } = this.#tables;
    if (!this.#matcher || node.place < 0) return false;
    const object = places.object[node.place];
    return this.#matcher(node.name) || (object >= 0 && this.#matcher(objects[object].name));
  }

  #tellFound(sum: number): void {
    const of = this.#wholePeriod > 0 ? this.#wholePeriod : this.#wholeCount;
    this.#found = `${share(sum, of)} matches`;
  }

  #words({ data }: DrawnNode): string[] {
    const of = this.#wholePeriod > 0 ? this.#wholePeriod : this.#wholeCount;
    const words = [data.name];
    const object = data.place < 0 ? -1 : this.#tables.places.object[data.place];
    if (object >= 0 && this.#tables.places.named[data.place]) {
      words.push(this.#tables.objects[object].name);
    } else if (object === COMMAND) words.push("command");
    words.push(`${share(data.value, of)}, ${samples(data.count)}`);
    if (this.#wholePeriod > 0) words.push(weight(data.value, this.#unit));
    if (data.selfCount > 0) words.push(`self: ${samples(data.selfCount)}`);
    return words;
  }

  #tooltip() {
    const tip = this.#tip;
    const show = (_: Event, node: DrawnNode) => {
      const [name, ...rest] = this.#words(node);
      tip.replaceChildren();
      tip.append(Object.assign(document.createElement("b"), { textContent: name }));
      for (const line of rest) {
        tip.append(Object.assign(document.createElement("div"), { textContent: line }));
      }
      tip.hidden = false;
    };
    const hide = () => tip.hidden = true;
    return Object.assign(() => {}, { show, hide });
  }

  #placeTip(x: number, y: number): void {
    const tip = this.#tip;
    if (tip.hidden) return;
    const left = Math.min(x + 14, innerWidth - tip.offsetWidth - 8);
    const top = y + 18 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 10 : y + 18;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }

  #colourLegend(): void {
    for (const patch of document.querySelectorAll<HTMLElement>("#flame-section .legend i")) {
      const { hue, light, dark } = COLOURS[patch.dataset.kind!];
      const [saturation, lightness] = isDark() ? dark : light;
      patch.style.background = `hsl(${hue} ${saturation}% ${lightness}%)`;
    }
  }

  #colour(node: DrawnNode): string {
    const dark = isDark();
    if (node.highlight) return dark ? "hsl(300 60% 42%)" : "hsl(300 85% 76%)";
    const { hue, light, dark: onDark } = COLOURS[colourKind(this.#tables, node.data.place)];
    const [saturation, lightness] = dark ? onDark : light;
    // neighbours of one kind differ a little, and a function always has the same shade
    const shade = hash(node.data.name);
    return `hsl(${hue + shade % 13 - 6} ${saturation}% ${lightness + (shade >> 4) % 9 - 4}%)`;
  }

  /** Arrows walk the tree, Enter zooms, Escape goes back. */
  #key(event: KeyboardEvent): void {
    const at = this.#current;
    if (!at || !this.#root) return;
    const siblings = at.parent?.children ?? [at];
    const beside = (step: number) => siblings[siblings.indexOf(at) + step];
    const [towardsRoot, away] = this.#inverted ? ["ArrowUp", "ArrowDown"] : ["ArrowDown", "ArrowUp"];
    let to: DrawnNode | null | undefined;
    switch (event.key) {
      case towardsRoot:
        to = at.parent;
        break;
      case away:
        to = at.children?.reduce((a, b) => b.value > a.value ? b : a);
        break;
      case "ArrowLeft":
        to = beside(-1);
        break;
      case "ArrowRight":
        to = beside(1);
        break;
      case "Enter":
        this.#chart.zoomTo(at);
        break;
      case "Escape":
        if (this.#zoomed === this.#root) return;
        this.resetZoom();
        break;
      default:
        return;
    }
    event.preventDefault();
    if (to) this.#mark(to);
  }

  /** Makes a node the one that keys act on, and reads it out. */
  #mark(node: DrawnNode): void {
    this.#current = node;
    select(this.#host).selectAll("g.frame").classed("current", (each: unknown) => each === node);
    byId("flame-details").textContent = this.#words(node).join(" · ");
  }
}

/** The name of a place with its object, for where there is one line for it. */
export function fullName(tables: PageTables, place: number): string {
  const object = tables.places.object[place];
  const name = nameOf(tables, place);
  return object >= 0 && tables.places.named[place] ? `${name} (${tables.objects[object].name})` : name;
}

function isDark(): boolean {
  return document.documentElement.dataset.theme === "dark";
}

function hash(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = (value * 31 + text.charCodeAt(i)) & 0xffff;
  return value;
}
