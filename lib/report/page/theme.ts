/** Light and dark: the system's choice, until the button makes another one. */

import { byId } from "./dom.ts";

/** Wires the button; `changed` is called whenever the colours have changed. */
export function followTheme(changed: () => void): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = byId<HTMLButtonElement>("theme");
  let chosen: "light" | "dark" | undefined;
  const apply = () => {
    const theme = chosen ?? (system.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
    button.ariaLabel = `Change to ${theme === "dark" ? "light" : "dark"} colours`;
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
