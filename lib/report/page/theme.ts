/** Colors of the page: light or dark as the system has them, until the reader changes them by the button. */

import { byId } from "./shared/dom.ts";
import type { LinkedView } from "./shared/link.ts";

type Colors = "light" | "dark";

/** Applies the colors, and calls `changed` whenever they have changed; `byReader` says by whom. */
export class Theme implements LinkedView {
  readonly #system = matchMedia("(prefers-color-scheme: dark)");
  readonly #button = byId<HTMLButtonElement>("theme");
  #chosen: Colors | undefined;

  constructor(changed: (byReader: boolean) => void) {
    this.#system.addEventListener("change", () => {
      this.#apply();
      changed(false);
    });
    this.#button.addEventListener("click", () => {
      this.#chosen = this.#opposite;
      this.#apply();
      changed(true);
    });
    this.#apply();
  }

  write(link: URLSearchParams): void {
    if (this.#chosen) link.set("colors", this.#chosen);
  }

  read(link: URLSearchParams): void {
    const colors = link.get("colors");
    this.#chosen = colors === "light" || colors === "dark" ? colors : undefined;
    this.#apply();
  }

  get #opposite(): Colors {
    return document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  }

  #apply(): void {
    document.documentElement.dataset.theme = this.#chosen ?? (this.#system.matches ? "dark" : "light");
    const other = this.#opposite;
    this.#button.textContent = other === "dark" ? "Dark" : "Light";
    this.#button.ariaLabel = `Change to ${other} colors`;
  }
}
