/** Keys that work anywhere in the page, and the dialog that lists all keys. */

import { byId } from "./dom.ts";

/** Wires the keys; `startSearch` moves to the search box. */
export function followKeys(startSearch: () => void): void {
  const dialog = byId<HTMLDialogElement>("keys");
  const showKeys = () => dialog.open ? dialog.close() : dialog.showModal();
  const goTo = (...ids: string[]) => {
    const target = ids.map((id) => byId(id)).find((each) => each.checkVisibility());
    target?.focus({ preventScroll: true });
    target?.scrollIntoView({ block: "nearest" });
  };
  const actions: Record<string, () => void> = {
    "?": showKeys,
    "/": startSearch,
    t: () => goTo("lane-plot", "heat-plot"),
    f: () => goTo("flame"),
    s: () => byId("symbols").querySelector<HTMLElement>("tbody .link")?.focus(),
  };
  byId("show-keys").addEventListener("click", showKeys);
  byId("close-keys").addEventListener("click", () => dialog.close());
  document.addEventListener("keydown", (event) => {
    const { key } = event;
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || takesText(event.target)) {
      return;
    }
    if (!Object.hasOwn(actions, key) || (dialog.open && key !== "?")) return;
    event.preventDefault();
    actions[key]();
  });
}

/** Tells whether letters that are typed there mean something to it. */
function takesText(target: EventTarget | null): boolean {
  return target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && target.type === "search");
}
