/** Keys that work anywhere in the page, and the dialog that lists all keys. */

import { byId } from "./shared/dom.ts";

/** Receiver of the keys that work anywhere. */
export interface KeyListener {
  /** Moves the focus to the search box. */
  startSearch(): void;
  /** Moves the focus to the code of a function. */
  goToCode(): void;
}

/** Wires the keys. */
export function followKeys({ startSearch, goToCode }: KeyListener): void {
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
    c: goToCode,
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
