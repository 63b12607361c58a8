/** Program of the HTML report: one state, and the views of it. It runs in the browser and loads nothing. */

import { groupDigits } from "../../base/text/plural.ts";
import { nameOf, objectNameOf } from "../html/calls.ts";
import { findPlace, placeId } from "../html/ids.ts";
import { type StackWeights, weighStacks, weightsThrough } from "../html/select.ts";
import { bucketCount, decodeTables, type PageTables } from "../html/tables.ts";
import { amountText } from "../shared/amount.ts";
import { type CodeTables, decodeCode } from "../html/code_tables.ts";
import { CodePanel } from "./code/panel.ts";
import { byId } from "./shared/dom.ts";
import { type FlameBase, FlameGraph } from "./flame.ts";
import { clockSeconds, samples, share, weight } from "./shared/format.ts";
import { followKeys } from "./keys.ts";
import { type LinkedView, ViewLink } from "./shared/link.ts";
import type { BucketRange } from "./range.ts";
import { SearchBox } from "./search_box.ts";
import { SymbolsView } from "./symbols_view.ts";
import { Theme } from "./theme.ts";
import { type TimeChoice, TimeSection } from "./time_section.ts";

/** Page with all its views. What the reader has chosen is in them and in the link. */
class Page implements LinkedView {
  readonly #tables: PageTables;
  readonly #flame: FlameGraph;
  readonly #table: SymbolsView;
  /** Undefined in a page without code. */
  readonly #code: CodePanel | undefined;
  readonly #time: TimeSection;
  readonly #search: SearchBox;
  readonly #link: ViewLink;
  #event = 0;
  /** Weights of the samples that were chosen, and of all samples of the event. */
  #weights!: StackWeights;
  #all!: StackWeights;
  /** Samples of the range that was chosen to compare with, if any. */
  #base: FlameBase | undefined;
  /** Symbol that all stacks of the flame graph go through; -1 for all stacks. */
  #focus = -1;
  /** Timer of a choice that is to be shown; 0 for none. */
  #waiting = 0;

  constructor(tables: PageTables, code: CodeTables | undefined) {
    this.#tables = tables;
    const note = (kind?: string) => this.#link.note(kind);
    const theme = new Theme((byReader) => {
      this.#time.redraw();
      if (byReader) note();
    });
    this.#flame = new FlameGraph(tables, note);
    this.#table = new SymbolsView(tables, { picked: (place) => this.#pick(place), changed: note });
    this.#code = code &&
      new CodePanel(tables, code, { changed: note, resized: () => this.#flame.redraw() });
    this.#time = new TimeSection(tables, (kind) => this.#chosen(kind));
    this.#search = new SearchBox(() => {
      this.#showFound();
      this.#table.show({ matcher: this.#search.matcher });
      note("find");
    });
    byId("timeline").hidden = tables.bucketNs === 0;
    const views: LinkedView[] = [this, theme, this.#time, this.#flame, this.#table, this.#search];
    if (this.#code) views.push(this.#code);
    views.push(sections(note));
    this.#link = new ViewLink(views, () => this.#showAll());
    this.#wire();
    this.#link.open();
    this.#showAll();
  }

  write(link: URLSearchParams): void {
    if (this.#event !== this.#firstEvent()) link.set("event", this.#eventKeys()[this.#event]);
    if (this.#focus >= 0) link.set("through", placeId(this.#tables, this.#focus));
  }

  read(link: URLSearchParams): void {
    const event = this.#eventKeys().indexOf(link.get("event") ?? "");
    this.#event = event < 0 ? this.#firstEvent() : event;
    const through = link.get("through");
    this.#focus = through === null ? -1 : findPlace(this.#tables, through);
  }

  /** Returns the name of each event in a link: the second one of a name has a number. */
  #eventKeys(): string[] {
    const names = this.#tables.events.map(({ name }) => name);
    return names.map((name, event) => names.indexOf(name) === event ? name : `${name} ${event}`);
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
    events.addEventListener("change", () => {
      this.#event = Number(events.value);
      this.#showAll();
      this.#link.note();
    });
    followKeys({ startSearch: () => this.#search.focus(), goToCode: () => this.#goToCode() });
    byId("unfocus").addEventListener("click", () => {
      this.#focusOn(-1);
      byId("flame").focus({ preventScroll: true }); // the button is gone
    });
    byId("show-code").hidden = this.#code === undefined;
    byId("show-code").addEventListener("click", () => this.#showCode());
    byId("reset-choice").addEventListener("click", () => this.#time.clear());
    let waiting = 0;
    addEventListener("resize", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.#redraw(), 100);
    });
  }

  #redraw(): void {
    this.#time.redraw();
    this.#flame.redraw();
  }

  /** Shows what the views have been told to, whatever they showed before. */
  #showAll(): void {
    byId<HTMLSelectElement>("event").value = `${this.#event}`;
    this.#all = weighStacks(this.#tables, { event: this.#event });
    this.#time.show(this.#event);
    this.#showChoice();
  }

  /**
   * Shows a new choice of samples and notes it. One that goes on, as with a key held down, waits for the input that has
   * come meanwhile: browsers handle that before timers.
   */
  #chosen(kind = ""): void {
    const show = () => {
      this.#showChoice();
      this.#link.note(kind);
    };
    if (kind === "") show();
    else if (this.#waiting === 0) this.#waiting = setTimeout(show);
  }

  /** Shows the samples that were chosen in the timeline. */
  #showChoice(): void {
    clearTimeout(this.#waiting);
    this.#waiting = 0;
    const { choice } = this.#time;
    this.#weights = choice.range || choice.lane
      ? weighStacks(this.#tables, { event: this.#event, ...choice })
      : this.#all;
    this.#base = choice.base && {
      weights: weighStacks(this.#tables, { event: this.#event, lane: choice.lane, range: choice.base }),
      scale: this.#lengthOf(choice.range) / this.#lengthOf(choice.base),
    };
    this.#table.show({
      samples: {
        weights: this.#weights,
        base: this.#base,
        unit: this.#tables.events[this.#event]?.unit ?? "events",
      },
      matcher: this.#search.matcher,
      picked: this.#focus,
    });
    this.#drawFlame();
    const isPart = choice.range !== undefined || choice.lane !== undefined;
    this.#code?.show({ event: this.#event, all: this.#all, isPart });
    this.#tellChoice(choice);
  }

  /** Returns the length of a range, or of all time, in buckets. */
  #lengthOf(range: BucketRange | undefined): number {
    return range ? range.to - range.from : bucketCount(this.#tables);
  }

  #drawFlame(): void {
    const focus = this.#focus, base = this.#base;
    byId("focus").hidden = focus < 0;
    if (focus >= 0) byId("focus-name").textContent = this.#fullName(focus);
    const part = (weights: StackWeights) =>
      focus < 0 ? weights : weightsThrough(this.#tables, weights, focus);
    this.#flame.draw(
      part(this.#weights),
      this.#event,
      base && { ...base, weights: part(base.weights) },
    );
    this.#showFound();
  }

  /** Writes what is shown, and the `pmuctl report` command that shows the same. */
  #tellChoice({ range, lane, base }: TimeChoice): void {
    const { start, bucketNs, events } = this.#tables;
    const { count, period } = this.#weights.whole, all = this.#all.whole.count;
    const parts = [
      range || lane ? `${groupDigits(count)} of ${samples(all)} (${share(count, all)})` : samples(count),
    ];
    if (period > 0) parts.push(weight(period, events[this.#event].unit));
    if (range) {
      parts.push(this.#timeText(range));
      const from = (range.from - 1) * bucketNs, to = (range.to - 1) * bucketNs;
      // --time includes both ends, and the next bucket begins where this one ends
      const [first, last] = [clockSeconds(start, from), clockSeconds(start, to - 1)];
      byId("same-command").textContent = `pmuctl report ${
        this.#tables.places.inlined.includes(1) ? "--inline " : ""
      }--time ${first},${last}`;
    }
    if (lane) parts.push(lane.label);
    if (base) parts.push(`against ${samples(this.#base!.weights.whole.count)}, ${this.#timeText(base)}`);
    byId("choice").textContent = parts.join(" · ");
    byId("compared").hidden = !base;
    byId("same").hidden = !range || base !== undefined;
    byId<HTMLButtonElement>("reset-choice").disabled = !range && !lane && !base;
  }

  #timeText({ from, to }: BucketRange): string {
    const { bucketNs } = this.#tables;
    return `${amountText((to - from) * bucketNs, "ns")} from ${amountText((from - 1) * bucketNs, "ns")}`;
  }

  /** Shows the stacks through a symbol that was picked in the table, and its code; -1: none any more. */
  #pick(place: number): void {
    this.#code?.open(place);
    this.#focusOn(place);
    if (this.#code?.isOpen) byId("code").scrollIntoView({ block: "nearest" });
  }

  /** Moves the focus to the code; in the flame graph, to that of the frame there. */
  #goToCode(): void {
    if (document.activeElement?.closest("#flame")) this.#showCode();
    this.#code?.focus();
  }

  /** Shows the code of the frame that was zoomed to, or moved to by keys. */
  #showCode(): void {
    this.#code?.open(this.#flame.place);
    this.#link.note();
  }

  #focusOn(place: number): void {
    this.#focus = place;
    this.#table.show({ matcher: this.#search.matcher, picked: place });
    this.#drawFlame();
    if (place >= 0) byId("flame-section").scrollIntoView({ block: "nearest" });
    this.#link.note();
  }

  /** Returns the name of a place with its object, for where there is one line for it. */
  #fullName(place: number): string {
    const { object, named } = this.#tables.places;
    const name = nameOf(this.#tables, place);
    return object[place] >= 0 && named[place] ? `${name} (${objectNameOf(this.#tables, place)})` : name;
  }

  /** Marks what is searched for in the flame graph, and tells how much it is. */
  #showFound(): void {
    this.#flame.search(this.#search.matcher);
    byId("found").textContent = this.#search.problem || this.#flame.found;
  }
}

/** Returns the sections of the page that open and close, and calls `changed` when one has. */
function sections(changed: () => void): LinkedView {
  const all = [...document.querySelectorAll<HTMLDetailsElement>("details[id]")];
  const state = () => all.filter((each) => each.open).map(({ id }) => id).join(".");
  let known = state();
  for (const each of all) {
    each.addEventListener("toggle", () => {
      if (state() === known) return; // a link did it
      known = state();
      changed();
    });
  }
  return {
    write(link) {
      if (known !== "") link.set("open", known);
    },
    read(link) {
      const open = (link.get("open") ?? "").split(".");
      for (const each of all) each.open = open.includes(each.id);
      known = state();
    },
  };
}

/** Decodes the tables of the profile, which the page has as base64 of gzip (see html.ts). */
async function loadTables(): Promise<PageTables> {
  return decodeTables(await unpacked(document.getElementById("data")!));
}

/** Decodes the code of functions; undefined if the page was made without. */
async function loadCode(): Promise<CodeTables | undefined> {
  const data = document.getElementById("code-data");
  return data ? decodeCode(await unpacked(data)) : undefined;
}

async function unpacked(data: HTMLElement): Promise<Uint8Array> {
  const binary = atob(data.textContent!.trim());
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < packed.length; i++) packed[i] = binary.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Promise.all([loadTables(), loadCode()]).then(([tables, code]) => {
  new Page(tables, code);
  document.documentElement.dataset.ready = "true";
}).catch((error) => {
  const line = byId("failed");
  line.hidden = false;
  line.textContent = `This page could not show its data: ${error}. It needs a browser of 2023 or later.`;
  throw error;
});
