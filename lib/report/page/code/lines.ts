/** Lines of a function's code, with heat, among which keys move. */

import { greatest } from "../../../base/bytes/lists.ts";
import { groupDigits } from "../../../base/text/plural.ts";
import type { CodeRow } from "../../html/code_rows.ts";
import { byId, element } from "../shared/dom.ts";
import { samples, share } from "../shared/format.ts";

/** Share of the function from which a line is a stop of the keys n and p. */
const HOT = 0.005;
/** Number of lines that browsers lay out together, once they come into sight. */
const PART = 200;
/** Strength in percent of the heat of the hottest line. */
const MAX_HEAT = 60;

/** Shows lines, and tells the one that is moved to. */
export class CodeLines {
  readonly #host = byId("code-lines");
  readonly #told = byId("code-at");
  #rows: readonly CodeRow[] = [];
  #lines: HTMLElement[] = [];
  /** Row that keys move from; -1 for none. */
  #at = -1;

  /** @param close called when the reader wants to see no more of it. */
  constructor(close: () => void) {
    this.#host.addEventListener("keydown", (event) => this.#key(event, close));
    this.#host.addEventListener("click", (event) => {
      const line = (event.target as Element).closest<HTMLElement>(".line");
      const row = line ? this.#lines.indexOf(line) : -1;
      if (row < 0 || !isStop(this.#rows[row])) return;
      this.#moveTo(row);
      if ((event.target as Element).closest(".arrow")) this.#jump();
    });
  }

  /** Shows these lines, from the hottest on. */
  show(rows: readonly CodeRow[]): void {
    this.#rows = rows;
    const widest = (of: (row: CodeRow) => string) => greatest(rows.map((row) => of(row).length));
    this.#host.style.setProperty("--count", `${widest(countText)}ch`);
    this.#host.style.setProperty("--place", `${widest((row) => isStop(row) ? row.place : "")}ch`);
    const most = greatest(rows.map((row) => row.share));
    this.#lines = rows.map((row) => lineOf(row, most));
    const isMarked = rows.some((row) => row.isInlined);
    const all = element("div", isMarked ? "lines marked" : "lines");
    for (let first = 0; first < rows.length; first += PART) {
      const part = element("div", "part"), lines = this.#lines.slice(first, first + PART);
      part.style.setProperty("--lines", `${lines.length}`);
      part.append(...lines);
      all.append(part);
    }
    this.#host.replaceChildren(all);
    this.#at = -1;
    const isFirst = isMarked ? (row: CodeRow) => row.isInlined : isStop;
    const hottest = greatest(rows.filter(isFirst).map(({ share }) => share));
    this.#moveTo(rows.findIndex((row) => row.share === hottest && isFirst(row)), "center");
  }

  /** Moves the focus here. */
  focus(): void {
    this.#host.focus({ preventScroll: true });
  }

  #moveTo(row: number, block: "nearest" | "center" = "nearest"): void {
    this.#lines[this.#at]?.classList.remove("at");
    this.#at = row;
    const line = this.#lines[row];
    this.#told.textContent = line ? rowText(this.#rows[row]) : "";
    this.#host.scrollLeft = 0;
    if (!line) return void (this.#host.scrollTop = 0);
    line.classList.add("at");
    // scrollIntoView() would scroll the page, too
    const { clientHeight, scrollTop } = this.#host, { top: above } = this.#host.getBoundingClientRect();
    const box = line.getBoundingClientRect(), top = box.top - above + scrollTop, end = top + box.height;
    if (block === "center") this.#host.scrollTop = top - clientHeight / 2;
    else if (top < scrollTop) this.#host.scrollTop = top;
    else if (end > scrollTop + clientHeight) this.#host.scrollTop = end - clientHeight;
  }

  /** Moves by lines that pass a test. */
  #step(by: 1 | -1, test: (row: CodeRow) => boolean): void {
    const rows = this.#rows;
    let row = this.#at + by;
    while (row >= 0 && row < rows.length && !(isStop(rows[row]) && test(rows[row]))) row += by;
    if (row >= 0 && row < rows.length) this.#moveTo(row);
  }

  /** Moves to where the line jumps to. */
  #jump(): void {
    const target = this.#rows[this.#at]?.target ?? -1;
    if (target >= 0) this.#moveTo(target, "center");
  }

  #key(event: KeyboardEvent, close: () => void): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const isHot = ({ share }: CodeRow) => share >= HOT;
    const actions: Record<string, () => void> = {
      ArrowUp: () => this.#step(-1, () => true),
      ArrowDown: () => this.#step(1, () => true),
      n: () => this.#step(1, isHot),
      p: () => this.#step(-1, isHot),
      Enter: () => this.#jump(),
      Escape: close,
    };
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  }
}

/** Returns whether keys move to a row: it is code itself. */
function isStop({ kind }: CodeRow): boolean {
  return kind === "instruction" || kind === "source";
}

function lineOf(row: CodeRow, most: number): HTMLElement {
  const line = element("div", `line ${row.kind}${row.isInlined ? " inlined" : ""}`);
  if (!isStop(row)) {
    line.append(element("span", "place", row.place), element("span", "text", row.text));
    return line;
  }
  if (row.samples > 0) {
    // the square root keeps rare samples in sight
    line.style.setProperty("--heat", `${MAX_HEAT * Math.sqrt(most > 0 ? row.share / most : 0)}%`);
    line.classList.add("hot");
  }
  line.append(
    element("span", "share", row.samples > 0 ? share(row.share, 1) : ""),
    element("span", "count", countText(row)),
    element("span", "place", row.place),
    element("span", row.arrow === "" ? "" : "arrow", row.arrow || " "),
    element("span", "text", row.text),
  );
  return line;
}

function countText({ samples }: CodeRow): string {
  return samples > 0 ? groupDigits(samples) : "";
}

function rowText({ kind, place, text, samples: count, share: part }: CodeRow): string {
  const weight = count > 0 ? `${share(part, 1)}, ${samples(count)}` : "no samples";
  return `${weight}; ${kind === "source" ? "line " : ""}${place}: ${text.trim()}`;
}
