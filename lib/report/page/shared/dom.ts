/** Shorthands for the elements of the page. */

/** Returns the element with this id, which html.ts writes. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** Makes an element with a class and a text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Returns the value of a variable of the page's style sheet, such as `--accent`. */
export function styleValue(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Group of radio buttons, which html.ts writes; calls `changed` when the reader chooses another one. */
export class Choice<T extends string> {
  readonly #radios: HTMLInputElement[];

  constructor(name: string, changed: (value: T) => void) {
    this.#radios = [...document.querySelectorAll<HTMLInputElement>(`input[name=${name}]`)];
    for (const radio of this.#radios) radio.addEventListener("change", () => changed(radio.value as T));
  }

  /** Hides the whole group, or shows it. */
  set hidden(hidden: boolean) {
    this.#radios[0].closest("fieldset")!.hidden = hidden;
  }

  /** Checks the button of a value. */
  check(value: T): void {
    for (const radio of this.#radios) radio.checked = radio.value === value;
  }
}

/** Makes a canvas sharp on this screen, and returns its context, in CSS pixels. */
export function sizedContext(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D {
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d")!;
  context.scale(devicePixelRatio, devicePixelRatio);
  return context;
}
