/** Program of the HTML report: one state, and the views of it. It runs in the browser and loads nothing. */

import { groupDigits } from "../../base/text/plural.ts";
import { nameOf, objectNameOf } from "../html/calls.ts";
import { type SampleSelection, type StackWeights, weighStacks, weightsThrough } from "../html/select.ts";
import type { PageTables } from "../html/tables.ts";
import { amountText } from "../shared/amount.ts";
import { byId } from "./dom.ts";
import { FlameGraph } from "./flame.ts";
import { clockSeconds, samples, share, weight } from "./format.ts";
import { loadTables } from "./load.ts";
import { type Matcher, matcherOf } from "./search.ts";
import { FunctionTable } from "./table.ts";
import { followTheme } from "./theme.ts";
import { Timeline, type TimelineChoice } from "./timeline.ts";

class Page {
  readonly #tables: PageTables;
  readonly #flame: FlameGraph;
  readonly #table: FunctionTable;
  readonly #timeline: Timeline;
  #event = 0;
  #weights!: StackWeights;
  /** Samples of the event, whatever the reader has chosen. */
  #whole = 0;
  #focus = -1;

  constructor(tables: PageTables) {
    this.#tables = tables;
    this.#flame = new FlameGraph(tables);
    this.#table = new FunctionTable(tables, (place) => this.#focusOn(place));
    this.#timeline = new Timeline(tables, (choice) => this.#show(choice));
    byId("timeline").hidden = tables.bucketNs === 0;
    this.#wire();
    this.#showEvent(this.#firstEvent());
  }

  /** Returns the first event with samples. */
  #firstEvent(): number {
    const some = this.#tables.events.findIndex((_, event) => this.#tables.rows.event.includes(event));
    return Math.max(0, some);
  }

  #wire(): void {
    const events = byId<HTMLSelectElement>("event");
    this.#tables.events.forEach(({ name, rate }, event) =>
      events.add(new Option(`${name}, ${rate}`, `${event}`))
    );
    byId("event-choice").hidden = this.#tables.events.length < 2;
    events.addEventListener("change", () => this.#showEvent(Number(events.value)));

    byId("search").addEventListener("input", () => this.#search());
    byId("search").addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      byId<HTMLInputElement>("search").value = "";
      this.#search();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      byId("search").focus();
    });
    byId("reset-zoom").addEventListener("click", () => this.#flame.resetZoom());
    byId("unfocus").addEventListener("click", () => this.#focusOn(-1));
    byId("reset-choice").addEventListener("click", () => this.#timeline.clear());
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=direction]")) {
      radio.addEventListener("change", () => this.#flame.invert(radio.value === "down"));
    }
    followTheme(() => this.#timeline.redraw());
    let waiting = 0;
    addEventListener("resize", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.#redraw(), 100);
    });
  }

  #redraw(): void {
    this.#timeline.redraw();
    this.#flame.redraw();
  }

  #showEvent(event: number): void {
    this.#event = event;
    byId<HTMLSelectElement>("event").value = `${event}`;
    this.#whole = weighStacks(this.#tables, { event }).whole.count;
    this.#timeline.show(event);
    this.#show(this.#timeline.choice);
  }

  #show(choice: TimelineChoice): void {
    const selection: SampleSelection = { event: this.#event, ...choice };
    this.#weights = weighStacks(this.#tables, selection);
    this.#table.show(this.#weights);
    this.#drawFlame();
    this.#tellChoice(choice);
  }

  #drawFlame(): void {
    const weights = this.#focus < 0
      ? this.#weights
      : weightsThrough(this.#tables, this.#weights, this.#focus);
    this.#flame.draw(weights, this.#tables.events[this.#event]?.name ?? "");
    this.#tellFound();
  }

  /** Writes what is shown, and the `pmuctl report` command that shows the same. */
  #tellChoice({ range, lane }: TimelineChoice): void {
    const { start, bucketNs, events } = this.#tables;
    const { count, period } = this.#weights.whole;
    const parts = [
      range || lane
        ? `${groupDigits(count)} of ${samples(this.#whole)} (${share(count, this.#whole)})`
        : samples(count),
    ];
    if (period > 0) parts.push(weight(period, events[this.#event].unit));
    if (range) {
      const from = (range.from - 1) * bucketNs, to = (range.to - 1) * bucketNs;
      parts.push(`${amountText(to - from, "ns")} from ${amountText(from, "ns")}`);
      // --time includes both ends, and the next bucket begins where this one ends
      const [first, last] = [clockSeconds(start, from), clockSeconds(start, to - 1)];
      byId("same-command").textContent = `pmuctl report ${
        this.#tables.places.inlined.includes(1) ? "--inline " : ""
      }--time ${first},${last}`;
    }
    if (lane) parts.push(lane.label);
    byId("choice").textContent = parts.join(" · ");
    byId("same").hidden = !range;
    byId<HTMLButtonElement>("reset-choice").disabled = !range && !lane;
  }

  #focusOn(place: number): void {
    this.#focus = place;
    byId("focus").hidden = place < 0;
    if (place >= 0) byId("focus-name").textContent = this.#fullName(place);
    this.#table.pick(place);
    this.#drawFlame();
    if (place >= 0) byId("flame-section").scrollIntoView({ block: "nearest" });
  }

  /** Returns the name of a place with its object, for where there is one line for it. */
  #fullName(place: number): string {
    const { object, named } = this.#tables.places;
    const name = nameOf(this.#tables, place);
    return object[place] >= 0 && named[place] ? `${name} (${objectNameOf(this.#tables, place)})` : name;
  }

  #search(): void {
    const box = byId<HTMLInputElement>("search");
    let matcher: Matcher;
    try {
      matcher = matcherOf(box.value);
      box.setCustomValidity("");
    } catch {
      box.setCustomValidity("not a regular expression");
    }
    box.classList.toggle("wrong", !box.validity.valid);
    this.#flame.search(matcher);
    this.#table.search(matcher);
    this.#tellFound();
  }

  #tellFound(): void {
    const box = byId<HTMLInputElement>("search");
    byId("found").textContent = box.validity.valid ? this.#flame.found : box.validationMessage;
  }
}

loadTables("data").then((tables) => {
  new Page(tables);
  document.documentElement.dataset.ready = "true";
}).catch((error) => {
  const line = byId("failed");
  line.hidden = false;
  line.textContent = `This page could not show its data: ${error}. It needs a browser of 2023 or later.`;
  throw error;
});
