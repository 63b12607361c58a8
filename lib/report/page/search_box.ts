/** Search box of the page. */

import { byId } from "./shared/dom.ts";
import type { LinkedView } from "./shared/link.ts";
import { isQuick, type Matcher, matcherOf } from "./search.ts";

/** Search box; calls `changed` after each change of what is searched for. */
export class SearchBox implements LinkedView {
  readonly #box = byId<HTMLInputElement>("search");
  readonly #changed: () => void;
  #matcher: Matcher;
  /** Text that the reader has entered: no link is in the way of that. */
  #entered = "";
  #problem = "";

  constructor(changed: () => void) {
    this.#changed = changed;
    this.#box.addEventListener("input", () => this.#enter());
    this.#box.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" && key !== "Enter") return;
      if (key === "Escape") this.#box.value = "";
      this.#enter();
    });
  }

  /** Test of names; undefined when nothing is searched for. */
  get matcher(): Matcher {
    return this.#matcher;
  }

  /** Reason why the text is not searched for; "" when it is. */
  get problem(): string {
    return this.#problem;
  }

  /** Moves the focus here. */
  focus(): void {
    this.#box.focus();
  }

  write(link: URLSearchParams): void {
    if (this.#box.value !== "") link.set("find", this.#box.value);
  }

  read(link: URLSearchParams): void {
    this.#box.value = link.get("find") ?? "";
    this.#match(this.#box.value === this.#entered || isQuick(this.#box.value));
  }

  #enter(): void {
    this.#entered = this.#box.value;
    this.#match(true);
    this.#changed();
  }

  #match(mayRun: boolean): void {
    this.#problem = "";
    this.#matcher = undefined;
    if (!mayRun) this.#problem = "a regular expression from a link: Enter searches for it";
    else {
      try {
        this.#matcher = matcherOf(this.#box.value);
      } catch {
        this.#problem = "not a regular expression";
      }
    }
    this.#box.setCustomValidity(this.#problem);
    this.#box.classList.toggle("wrong", this.#problem !== "");
  }
}
