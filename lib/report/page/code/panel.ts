/** Panel of the page with the source and assembly of one function, beside the flame graph. */

import { nameOf, objectNameOf } from "../../html/calls.ts";
import { CODE_VIEWS, codeRows, type CodeView } from "../../html/code_rows.ts";
import type { CodeTables } from "../../html/code_tables.ts";
import { findCode, type FoundCode } from "../../html/find_code.ts";
import { findPlace, placeId } from "../../html/ids.ts";
import type { StackWeights } from "../../html/select.ts";
import type { PageTables } from "../../html/tables.ts";
import { foldName } from "../../shared/fold_name.ts";
import { CodeLines } from "./lines.ts";
import { byId, element } from "../shared/dom.ts";
import { samples, share } from "../shared/format.ts";
import type { LinkedView } from "../shared/link.ts";

/** Number of functions that an inlined one was inlined into that are listed, and columns of each name. */
const MAX_OTHERS = 20, NAME_COLUMNS = 60;

/** Receiver of what happens in the panel. */
export interface CodeListener {
  /** Tells that something else was chosen to be shown. */
  changed(): void;
  /** Tells that the flame graph beside has got another width. */
  resized(): void;
}

/** Samples that the page shows. */
export interface ShownSamples {
  event: number;
  /** Weights of all samples of the event. */
  all: StackWeights;
  /** Whether only a part of them was chosen. */
  isPart: boolean;
}

/** Shows the code of the function that was chosen, or the reason why the page does not have it. */
export class CodePanel implements LinkedView {
  readonly #tables: PageTables;
  readonly #code: CodeTables;
  readonly #listener: CodeListener;
  readonly #section = byId("code");
  readonly #lines: CodeLines;
  #samples: ShownSamples | undefined;
  /** Function that was chosen; -1 for none. */
  #place = -1;
  /** Function that the chosen one was inlined into, if the reader has chosen that; -1 for the hottest. */
  #into = -1;
  #view: CodeView = "both";
  /** Element to return to when the panel closes. */
  #opener: Element | null = null;
  /** Function and part of it whose lines are drawn. */
  #drawn = "";

  constructor(tables: PageTables, code: CodeTables, listener: CodeListener) {
    this.#tables = tables;
    this.#code = code;
    this.#listener = listener;
    this.#lines = new CodeLines(() => this.#dismiss());
    byId("code-close").addEventListener("click", () => this.#dismiss());
    for (const radio of this.#views()) {
      radio.addEventListener("change", () => {
        this.#view = radio.value as CodeView;
        this.#draw();
        listener.changed();
      });
    }
  }

  /** Whether lines of code are shown. */
  get isOpen(): boolean {
    return !this.#section.hidden;
  }

  /** Shows the code of a function; -1 closes the panel. */
  open(place: number): void {
    if (place >= 0 && !this.#section.contains(document.activeElement)) this.#opener = document.activeElement;
    this.#place = place;
    this.#into = -1;
    this.#draw();
  }

  /** Moves the focus to the lines. */
  focus(): void {
    if (this.isOpen) this.#lines.focus();
  }

  /** Shows these samples. */
  show(samples: ShownSamples): void {
    this.#samples = samples;
    this.#draw();
  }

  write(link: URLSearchParams): void {
    if (this.#place < 0) return;
    link.set("code", placeId(this.#tables, this.#place));
    if (this.#into >= 0) link.set("into", placeId(this.#tables, this.#into));
    if (this.#view !== "both") link.set("codeview", this.#view);
  }

  read(link: URLSearchParams): void {
    const placeOf = (key: string) => {
      const id = link.get(key);
      return id === null ? -1 : findPlace(this.#tables, id);
    };
    this.#place = placeOf("code");
    this.#into = placeOf("into");
    this.#view = CODE_VIEWS.find((view) => view === link.get("codeview")) ?? "both";
  }

  #shortName(place: number): string {
    return foldName(nameOf(this.#tables, place), NAME_COLUMNS);
  }

  #views(): NodeListOf<HTMLInputElement> {
    return document.querySelectorAll<HTMLInputElement>("input[name=code-view]");
  }

  #dismiss(): void {
    const opener = this.#opener?.isConnected ? this.#opener as HTMLElement : byId("flame");
    this.open(-1);
    opener.focus({ preventScroll: true });
    this.#listener.changed();
  }

  #draw(): void {
    const found = this.#found(), wasOpen = this.isOpen, why = byId("code-why");
    const isWhy = found !== undefined && "why" in found;
    why.hidden = !isWhy;
    if (isWhy) why.textContent = `No code of ${this.#shortName(this.#place)}: ${found.why}.`;
    this.#section.hidden = found === undefined || isWhy;
    document.body.classList.toggle("with-code", this.isOpen);
    if (found !== undefined && !isWhy) this.#drawFound(found);
    else this.#drawn = "";
    if (this.isOpen !== wasOpen) this.#listener.resized();
  }

  /** Returns the code of the chosen function; undefined if none is chosen. */
  #found(): FoundCode | { why: string } | undefined {
    if (this.#place < 0 || this.#samples === undefined) return undefined;
    const { event, all } = this.#samples, { stacks } = this.#tables;
    const own = stacks.place.reduce(
      (sum, place, stack) => place === this.#place ? sum + all.selfCount[stack] : sum,
      0,
    );
    return findCode(this.#tables, this.#code, { place: this.#place, event, samples: own }, this.#into);
  }

  #drawFound(found: FoundCode): void {
    const tables = this.#tables, { heads, functions } = this.#code, { row, place, inlined } = found;
    const hasInstructions = functions.firstInstruction[row] < functions.firstInstruction[row + 1];
    const notes = [...heads[row].warnings, ...this.#code.warnings];
    const hasLines = functions.firstLine[row] < functions.firstLine[row + 1];
    const name = byId("code-name");
    name.textContent = name.title = nameOf(tables, place);
    byId("code-object").textContent = heads[row].object || objectNameOf(tables, place);
    byId("code-facts").textContent = this.#factsOf(row);
    byId("code-inlined").replaceChildren(...inlined === undefined ? [] : this.#inlinedParts(found));
    byId("code-notes").replaceChildren(...notes.map((text) => element("li", "", text)));
    byId("code-views").hidden = !hasInstructions || !hasLines;
    for (const radio of this.#views()) radio.checked = radio.value === this.#view;
    const view = hasLines ? this.#view : "assembly", drawn = [row, view, inlined].join("\0");
    if (drawn === this.#drawn) return; // the reader's place in it stays
    this.#drawn = drawn;
    this.#lines.show(codeRows(this.#code, row, view, inlined));
  }

  #factsOf(row: number): string {
    const { event, all: { whole }, isPart } = this.#samples!, { functions } = this.#code;
    const count = functions.samples[row], period = functions.period[row];
    const part = whole.period > 0 ? share(period, whole.period) : share(count, whole.count);
    const name = this.#tables.events[event].name;
    return `${samples(count)} in its code, ${part} of ${name}${isPart ? " in the whole recording" : ""}`;
  }

  /** Returns what is said of an inlined function: that it is here, and buttons for where else it is. */
  #inlinedParts({ inlined, others }: FoundCode): (Node | string)[] {
    const buttons = others.slice(0, MAX_OTHERS).map((place) => {
      const button = element("button", "link", this.#shortName(place));
      button.type = "button";
      button.title = nameOf(this.#tables, place);
      button.addEventListener("click", () => {
        this.#into = place;
        this.#draw();
        this.#lines.focus(); // the button is gone
        this.#listener.changed();
      });
      return button;
    });
    const here = element("b", "", foldName(inlined!, NAME_COLUMNS));
    here.title = inlined!;
    const also = buttons.flatMap((button, i) => [i === 0 ? " and into " : ", ", button]);
    return [here, " was inlined here", ...also];
  }
}
