/** Table of the symbols. */

import { groupDigits, plural } from "../../base/text/plural.ts";
import { nameOf, objectNameOf } from "../html/calls.ts";
import {
  type ComparedRow,
  comparedRows,
  type FunctionRow,
  functionRows,
  type StackWeights,
} from "../html/select.ts";
import type { PageTables } from "../html/tables.ts";
import { relativeChangeText } from "../shared/amount.ts";
import { byId, element } from "./shared/dom.ts";
import { share } from "./shared/format.ts";
import type { LinkedView } from "./shared/link.ts";
import type { Matcher } from "./search.ts";

/** Columns to sort by. */
const SORTS = ["self", "self-samples", "total", "total-samples", "change", "symbol", "object"] as const;
type SortBy = (typeof SORTS)[number];

/** Formats a number of symbols: `1 symbol`, `12,345 symbols`. */
const symbols = (n: number) => `${groupDigits(n)} ${plural(n, "symbol")}`;

/** Number of rows that are shown at first, that are added at a time, and that a link can ask for. */
const PAGE = 100, MORE = 500, MOST = 5100;

/** Receiver of what is chosen in the table. */
export interface TableListener {
  /** Takes the symbol that was picked; -1: none any more. */
  picked(place: number): void;
  /** Hears that the order or the number of rows has changed. */
  changed(): void;
}

/** Samples that the table is of. */
export interface TableSamples {
  weights: StackWeights;
  /** Samples that they are compared with, if any. */
  base?: { weights: StackWeights; scale: number };
  unit: "ns" | "events";
}

/** Contents of the table. */
export interface TableContents {
  samples: TableSamples;
  /** Test of what is searched for: only those symbols are shown whose name or object matches. */
  matcher: Matcher;
  /** Symbol whose row is marked; -1 for none. */
  picked: number;
}

const changeOf = (row: FunctionRow | ComparedRow) => "change" in row ? row.change : 0;

/** Draws, sorts and filters the table of the symbols. */
export class SymbolsView implements LinkedView {
  readonly #tables: PageTables;
  readonly #listener: TableListener;
  readonly #body = byId("symbols").querySelector("tbody")!;
  #rows: (FunctionRow | ComparedRow)[] = [];
  #isCompared = false;
  #unit: "ns" | "events" = "events";
  #whole = { count: 0, period: 0 };
  #matcher: Matcher;
  #sortBy: SortBy = "self";
  #descending = true;
  #shown = PAGE;
  #picked = -1;
  /** Symbols in the rows that are drawn. */
  #places: number[] = [];

  constructor(tables: PageTables, listener: TableListener) {
    this.#tables = tables;
    this.#listener = listener;
    for (const button of byId("symbols").querySelectorAll<HTMLButtonElement>("th button")) {
      button.addEventListener("click", () => this.#sort(button.dataset.sort as SortBy));
    }
    this.#body.addEventListener("keydown", (event) => this.#key(event));
    byId("more-symbols").addEventListener("click", () => {
      const before = this.#shown;
      this.#shown += MORE;
      this.#draw();
      // to where the reader goes on: the button may be gone
      this.#links()[before]?.focus({ preventScroll: true });
      this.#listener.changed();
    });
  }

  /** Shows these contents, or what has changed of them. */
  show({ samples, matcher, picked }: Partial<TableContents> & Pick<TableContents, "matcher">): void {
    if (samples) {
      const { weights, base, unit } = samples;
      this.#rows = base ? comparedRows(this.#tables, weights, base) : functionRows(this.#tables, weights);
      this.#whole = weights.whole;
      this.#unit = unit;
      this.#isCompared = base !== undefined;
      byId("symbols").classList.toggle("compared", base !== undefined);
    }
    this.#matcher = matcher;
    this.#picked = picked ?? this.#picked;
    this.#draw();
  }

  write(link: URLSearchParams): void {
    const direction = this.#descending ? "down" : "up";
    if (this.#sortBy !== "self" || !this.#descending) link.set("sort", `${this.#sortBy}.${direction}`);
    if (this.#shown > PAGE) link.set("rows", `${this.#shown}`);
  }

  read(link: URLSearchParams): void {
    const [by, direction] = (link.get("sort") ?? "").split(".");
    const known = SORTS.find((each) => each === by);
    this.#sortBy = known ?? "self";
    this.#descending = known === undefined || direction !== "up";
    const rows = link.get("rows") ?? "";
    this.#shown = /^\d{3,4}$/.test(rows) ? Math.min(MOST, Math.max(PAGE, Number(rows))) : PAGE;
  }

  #sort(by: SortBy): void {
    const text = by === "symbol" || by === "object";
    this.#descending = this.#sortBy === by ? !this.#descending : !text;
    this.#sortBy = by;
    this.#draw();
    this.#listener.changed();
  }

  /** Column that rows are in the order of: without a comparison none has changed. */
  get #order(): SortBy {
    return this.#sortBy === "change" && !this.#isCompared ? "self" : this.#sortBy;
  }

  #compare(a: FunctionRow, b: FunctionRow): number {
    const text = (of: (row: FunctionRow) => string) => of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0;
    switch (this.#order) {
      case "change":
        return changeOf(a) - changeOf(b);
      case "self":
        return a.selfPeriod - b.selfPeriod || a.selfCount - b.selfCount || a.totalPeriod - b.totalPeriod;
      case "self-samples":
        return a.selfCount - b.selfCount;
      case "total":
        return a.totalPeriod - b.totalPeriod || a.totalCount - b.totalCount || a.selfPeriod - b.selfPeriod;
      case "total-samples":
        return a.totalCount - b.totalCount;
      case "symbol":
        return text(({ place }) => nameOf(this.#tables, place).toLowerCase());
      case "object":
        return text(({ place }) => objectNameOf(this.#tables, place).toLowerCase()) ||
          b.selfPeriod - a.selfPeriod;
    }
  }

  #draw(): void {
    const matcher = this.#matcher;
    const rows = matcher
      ? this.#rows.filter(({ place }) =>
        matcher(nameOf(this.#tables, place)) || matcher(objectNameOf(this.#tables, place))
      )
      : this.#rows.slice();
    rows.sort((a, b) => this.#descending ? this.#compare(b, a) : this.#compare(a, b));
    const focused = this.#links().indexOf(document.activeElement as HTMLElement);
    const place = focused < 0 ? -1 : this.#places[focused];
    const shown = rows.slice(0, this.#shown);
    this.#body.replaceChildren(...shown.map((row) => this.#line(row)));
    this.#places = shown.map((row) => row.place);
    // the rows are made anew
    if (place >= 0) this.#links()[this.#places.indexOf(place)]?.focus({ preventScroll: true });
    for (const header of byId("symbols").querySelectorAll("th")) {
      const by = header.querySelector("button")!.dataset.sort;
      if (by === this.#order) header.ariaSort = this.#descending ? "descending" : "ascending";
      else header.removeAttribute("aria-sort");
    }
    const left = rows.length - Math.min(rows.length, this.#shown);
    byId("more-symbols").hidden = left === 0;
    byId("more-symbols").textContent = `Show more: ${groupDigits(left)} left`;
    byId("symbol-count").textContent = matcher
      ? `${groupDigits(rows.length)} of ${symbols(this.#rows.length)}`
      : symbols(rows.length);
  }

  #links(): HTMLElement[] {
    return [...this.#body.querySelectorAll<HTMLElement>(".link")];
  }

  /** Handles a key: arrows go from row to row. */
  #key(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const links = this.#links();
    const to = links[links.indexOf(event.target as HTMLElement) + step];
    if (!to) return;
    event.preventDefault();
    to.focus();
  }

  #line(row: FunctionRow): HTMLTableRowElement {
    const line = element("tr", row.place === this.#picked ? "picked" : "");
    const name = element("button", "link", nameOf(this.#tables, row.place));
    name.title = `Only the stacks through ${name.textContent}`;
    name.addEventListener("click", () => this.#listener.picked(row.place === this.#picked ? -1 : row.place));
    const symbol = element("td", "symbol");
    if (this.#tables.places.kernel[row.place]) symbol.append(element("span", "tag", "kernel"));
    if (this.#tables.places.inlined[row.place]) symbol.append(element("span", "tag", "inlined"));
    symbol.append(name);
    line.append(
      this.#shareCell(row.selfPeriod, row.selfCount),
      element("td", "number", groupDigits(row.selfCount)),
      this.#shareCell(row.totalPeriod, row.totalCount),
      element("td", "number", groupDigits(row.totalCount)),
      ...this.#isCompared
        ? [element("td", "number change", relativeChangeText(Math.round(changeOf(row)), this.#unit))]
        : [],
      symbol,
      element("td", "object", objectNameOf(this.#tables, row.place)),
    );
    return line;
  }

  #shareCell(period: number, count: number): HTMLTableCellElement {
    const [part, of] = this.#whole.period > 0 ? [period, this.#whole.period] : [count, this.#whole.count];
    const cell = element("td", "number share", share(part, of));
    cell.style.setProperty("--share", `${of > 0 ? 100 * part / of : 0}%`);
    return cell;
  }
}
