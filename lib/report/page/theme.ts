/** Colors of the page: light or dark as the system has them, until the reader changes them by the button. */

import { byId } from "./dom.ts";

/** Applies the colors, wires the button, and calls `changed` whenever the colors have changed. */
export function followTheme(changed: () => void): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = byId<HTMLButtonElement>("theme");
  let chosen: "light" | "dark" | undefined;
  const apply = () => {
    const theme = chosen ?? (system.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
    button.ariaLabel = `Change to ${theme === "dark" ? "light" : "dark"} colors`;
  };
  apply();
  system.addEventListener("change", () => {
    apply();
    changed();
  });
  button.addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    apply();
    changed();
  });
}
