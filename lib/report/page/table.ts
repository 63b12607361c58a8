/** Table of the symbols. */

import { groupDigits, plural } from "../../base/text/plural.ts";
import { nameOf, objectNameOf } from "../html/calls.ts";
import { type FunctionRow, functionRows, type StackWeights } from "../html/select.ts";
import type { PageTables } from "../html/tables.ts";
import { byId, element } from "./dom.ts";
import { share } from "./format.ts";
import type { Matcher } from "./search.ts";

/** Columns to sort by. */
type SortBy = "self" | "self-samples" | "total" | "total-samples" | "symbol" | "object";

/** Formats a number of symbols: `1 symbol`, `12,345 symbols`. */
const symbols = (n: number) => `${groupDigits(n)} ${plural(n, "symbol")}`;

/** Number of rows that are shown at first. */
const PAGE = 100;

/** Draws, sorts and filters the table, and calls `onPick` with the symbol that was picked (-1: none any more). */
export class FunctionTable {
  readonly #tables: PageTables;
  readonly #onPick: (place: number) => void;
  readonly #body = byId("symbols").querySelector("tbody")!;
  #rows: FunctionRow[] = [];
  #whole = { count: 0, period: 0 };
  #matcher: Matcher;
  #sortBy: SortBy = "self";
  #descending = true;
  #shown = PAGE;
  #picked = -1;

  constructor(tables: PageTables, onPick: (place: number) => void) {
    this.#tables = tables;
    this.#onPick = onPick;
    for (const button of byId("symbols").querySelectorAll<HTMLButtonElement>("th button")) {
      button.addEventListener("click", () => this.#sort(button.dataset.sort as SortBy));
    }
    byId("more-symbols").addEventListener("click", () => {
      this.#shown += PAGE * 5;
      this.#draw();
    });
  }

  /** Shows the symbols that have any of these weights. */
  show(weights: StackWeights): void {
    this.#rows = functionRows(this.#tables, weights);
    this.#whole = weights.whole;
    this.#shown = PAGE;
    this.#draw();
  }

  /** Shows only the symbols whose name or object matches. */
  search(matcher: Matcher): void {
    this.#matcher = matcher;
    this.#shown = PAGE;
    this.#draw();
  }

  /** Marks the row of a symbol; -1 for none. */
  pick(place: number): void {
    this.#picked = place;
    this.#draw();
  }

  #sort(by: SortBy): void {
    const text = by === "symbol" || by === "object";
    this.#descending = this.#sortBy === by ? !this.#descending : !text;
    this.#sortBy = by;
    this.#draw();
  }

  #compare(a: FunctionRow, b: FunctionRow): number {
    const text = (of: (row: FunctionRow) => string) => of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0;
    switch (this.#sortBy) {
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
    this.#body.replaceChildren(...rows.slice(0, this.#shown).map((row) => this.#line(row)));
    for (const header of byId("symbols").querySelectorAll("th")) {
      const by = header.querySelector("button")!.dataset.sort;
      if (by === this.#sortBy) header.ariaSort = this.#descending ? "descending" : "ascending";
      else header.removeAttribute("aria-sort");
    }
    const left = rows.length - Math.min(rows.length, this.#shown);
    byId("more-symbols").hidden = left === 0;
    byId("more-symbols").textContent = `Show more: ${groupDigits(left)} left`;
    byId("symbol-count").textContent = matcher
      ? `${groupDigits(rows.length)} of ${symbols(this.#rows.length)}`
      : symbols(rows.length);
  }

  #line(row: FunctionRow): HTMLTableRowElement {
    const line = element("tr", row.place === this.#picked ? "picked" : "");
    const name = element("button", "link", nameOf(this.#tables, row.place));
    name.title = `Only the stacks through ${name.textContent}`;
    name.addEventListener("click", () => this.#onPick(row.place === this.#picked ? -1 : row.place));
    const symbol = element("td", "symbol");
    if (this.#tables.places.kernel[row.place]) symbol.append(element("span", "tag", "kernel"));
    if (this.#tables.places.inlined[row.place]) symbol.append(element("span", "tag", "inlined"));
    symbol.append(name);
    line.append(
      this.#shareCell(row.selfPeriod, row.selfCount),
      element("td", "number", groupDigits(row.selfCount)),
      this.#shareCell(row.totalPeriod, row.totalCount),
      element("td", "number", groupDigits(row.totalCount)),
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
