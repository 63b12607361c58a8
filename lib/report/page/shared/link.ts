/** Link to what the page shows: the hash of its address, and the browser's history of it. */

/** Part of the page that the reader can change. */
export interface LinkedView {
  /** Adds to a link what was chosen, and nothing for what the page shows at first. */
  write(link: URLSearchParams): void;
  /**
   * Takes the choice of a link, without drawing anything. What is missing, malformed or not in this page is as it was
   * at first: anybody can have written the link.
   */
  read(link: URLSearchParams): void;
}

/** Number of characters of a hash that are looked at. */
const MAX_HASH = 16_384;
/** Time in ms within which changes of one kind are one step of the history. */
const ONE_STEP = 1000;
/** Time in ms that a change of the same step waits for the next one: browsers refuse hundreds within seconds. */
const CALM = 200;

/** Keeps the hash and the views in step, and calls `show` when the views have read a link. */
export class ViewLink {
  readonly #views: readonly LinkedView[];
  readonly #show: () => void;
  /** Hash that the views show. */
  #hash = "";
  #kind = "";
  #changedAt = 0;
  #waiting = 0;

  constructor(views: readonly LinkedView[], show: () => void) {
    this.#views = views;
    this.#show = show;
    // a browser fires one of them or both, depending on what changed the address
    addEventListener("popstate", () => this.#follow());
    addEventListener("hashchange", () => this.#follow());
  }

  /** Reads the address, for the first time. */
  open(): void {
    this.#hash = location.hash.slice(1);
    this.#read();
  }

  /**
   * Notes that the reader has changed something. Changes of one `kind`, such as letters being typed, are one step of the
   * history while they come one soon after the other.
   */
  note(kind = ""): void {
    const now = performance.now();
    const sameStep = kind !== "" && kind === this.#kind && now - this.#changedAt < ONE_STEP;
    this.#kind = kind;
    this.#changedAt = now;
    if (!sameStep) this.#settle();
    const link = new URLSearchParams();
    for (const view of this.#views) view.write(link);
    const hash = link.toString();
    if (hash === this.#hash) return;
    this.#hash = hash;
    if (!sameStep) this.#enter("pushState");
    else if (this.#waiting === 0) this.#waiting = setTimeout(() => this.#settle(), CALM);
  }

  /** Enters the change that still waits. */
  #settle(): void {
    if (this.#waiting === 0) return;
    clearTimeout(this.#waiting);
    this.#waiting = 0;
    this.#enter("replaceState");
  }

  #enter(how: "pushState" | "replaceState"): void {
    try {
      history[how](null, "", this.#hash === "" ? location.href.replace(/#.*/s, "") : `#${this.#hash}`);
    } catch {
      // a page inside another one may have no address of its own: it works without links
    }
  }

  #follow(): void {
    const hash = location.hash.slice(1);
    if (hash === this.#hash) return;
    clearTimeout(this.#waiting);
    this.#waiting = 0;
    this.#kind = "";
    this.#hash = hash;
    this.#read();
    this.#show();
  }

  #read(): void {
    const link = new URLSearchParams(this.#hash.slice(0, MAX_HASH));
    for (const view of this.#views) view.read(link);
  }
}
