/**
 * A real Chromium without a window, driven through its debugging protocol
 * (https://chromedevtools.github.io/devtools-protocol), for tests of what pmuctl writes for browsers.
 */

import { TextLineStream } from "@std/streams";
import { CHROMIUM_NAMES, hasCommand } from "../needs.ts";

/** Nothing of its own goes over the network, and nothing is asked of anybody. */
const ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--hide-scrollbars",
  "--remote-debugging-port=0",
];

/** How long it may take to answer, in ms. */
const PATIENCE = 60_000;

// deno-lint-ignore no-explicit-any
type Json = any;

export interface PageOptions {
  /** In CSS pixels. */
  width?: number;
  height?: number;
  /** What prefers-color-scheme says. */
  dark?: boolean;
}

/** Calls `body` with a page of a fresh browser, which is gone afterwards. */
export async function withPage(options: PageOptions, body: (page: Page) => Promise<void>): Promise<void> {
  const profile = await Deno.makeTempDir({ prefix: "pmuctl-chromium-" });
  const child = new Deno.Command(CHROMIUM_NAMES.find(hasCommand)!, {
    args: [...ARGS, `--user-data-dir=${profile}`, "about:blank"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  try {
    const wire = await Wire.connect(await debuggerAddress(child.stderr));
    try {
      await body(await Page.attach(wire, options));
    } finally {
      await wire.close();
    }
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // it has ended already
    }
    await child.status;
    await Deno.remove(profile, { recursive: true }).catch(() => {}); // its children may still be ending
  }
}

/** Waits for the line that says where the debugger listens; the rest of standard error is dropped. */
async function debuggerAddress(stderr: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const said: string[] = [];
  const lines = stderr.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
  for (;;) {
    const { value, done } = await lines.read();
    if (done) throw new Error(`Chromium did not start: ${said.join("\n")}`);
    const address = /^DevTools listening on (ws:\S+)/.exec(value)?.[1];
    if (address !== undefined) {
      (async () => {
        while (!(await lines.read()).done);
      })();
      return address;
    }
    said.push(value);
  }
}

/** The connection: commands with their answers, and events. */
class Wire {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { resolve(result: Json): void; reject(error: Error): void }>();
  readonly #listeners: ((method: string, params: Json) => void)[] = [];
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
  }

  static async connect(address: string): Promise<Wire> {
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error(`cannot connect to Chromium at ${address}`));
    });
    return new Wire(socket);
  }

  /** Sends a command; resolves to its result. Rejects with what Chromium says, or when it takes too long. */
  send(method: string, params: Json = {}, sessionId?: string): Promise<Json> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    const timer = setTimeout(() => reject(new Error(`Chromium does not answer ${method}`)), PATIENCE);
    this.#waiting.set(id, { resolve, reject });
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(id);
    });
  }

  onEvent(listener: (method: string, params: Json) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#socket.close();
    await closed;
  }

  #take({ id, result, error, method, params }: Json) {
    if (method !== undefined) { for (const listener of this.#listeners) listener(method, params); }
    else if (error) this.#waiting.get(id)?.reject(new Error(error.message));
    else this.#waiting.get(id)?.resolve(result);
  }
}

/** One page. `problems` and `requests` gather from the moment it is there. */
export class Page {
  /** What was written to the console as a warning or an error, and what was thrown and not caught. */
  readonly problems: string[] = [];
  /** Every address that was asked for, but those of files and of data that is in the address itself. */
  readonly requests: string[] = [];
  readonly #wire: Wire;
  readonly #session: string;

  private constructor(wire: Wire, session: string) {
    this.#wire = wire;
    this.#session = session;
    wire.onEvent((method, params) => this.#hear(method, params));
  }

  static async attach(wire: Wire, { width = 1200, height = 800, dark = false }: PageOptions): Promise<Page> {
    const { targetId } = await wire.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await wire.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(wire, sessionId);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.send(`${domain}.enable`);
    await page.resize(width, height);
    await page.prefer(dark);
    return page;
  }

  /** A command of the protocol to this page. */
  send(method: string, params?: Json): Promise<Json> {
    return this.#wire.send(method, params, this.#session);
  }

  /** Goes to `url` (a path is a file's) and waits until it is loaded. */
  async open(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) =>
      this.#wire.onEvent((method) => method === "Page.loadEventFired" && resolve())
    );
    const { errorText } = await this.send("Page.navigate", {
      url: url.startsWith("/") ? `file://${url}` : url,
    });
    if (errorText) throw new Error(`Chromium cannot open ${url}: ${errorText}`);
    await loaded;
  }

  /** The value of a JavaScript expression in the page; a promise is awaited. Throws what it throws. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Resolves when the expression is true. Throws when that takes too long. */
  async until(expression: string): Promise<void> {
    for (const end = Date.now() + PATIENCE; !(await this.evaluate<boolean>(`!!(${expression})`));) {
      if (Date.now() > end) throw new Error(`this did not become true: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Presses and releases the mouse's left button at a point of the window. */
  async click(x: number, y: number): Promise<void> {
    await this.move(x, y);
    await this.#mouse("mousePressed", x, y);
    await this.#mouse("mouseReleased", x, y);
  }

  /** Clicks into the middle of the element that the selector finds, of which at least a part has to be in sight. */
  async clickOn(selector: string): Promise<void> {
    const [x, y] = await this.#middleOf(selector);
    await this.click(x, y);
  }

  /** Moves the mouse there. */
  async move(x: number, y: number): Promise<void> {
    await this.send("Input.dispatchMouseEvent", { type: "mouseMoved", x, y });
  }

  /** Presses at one point, moves to another, releases. */
  async drag(fromX: number, fromY: number, toX: number, toY: number): Promise<void> {
    await this.move(fromX, fromY);
    await this.#mouse("mousePressed", fromX, fromY);
    await this.send("Input.dispatchMouseEvent", {
      type: "mouseMoved",
      x: toX,
      y: toY,
      button: "left",
      buttons: 1,
    });
    await this.#mouse("mouseReleased", toX, toY);
  }

  /** A key by its name: `Enter`, `Escape`, `ArrowUp`, `/`; `shift` holds Shift down meanwhile. */
  async key(key: string, { shift = false } = {}): Promise<void> {
    const text = key.length === 1 ? key : key === "Enter" ? "\r" : undefined;
    const windowsVirtualKeyCode = KEY_CODES[key];
    const modifiers = shift ? 8 : 0;
    await this.send("Input.dispatchKeyEvent", {
      type: "keyDown",
      key,
      text,
      windowsVirtualKeyCode,
      modifiers,
    });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, windowsVirtualKeyCode, modifiers });
  }

  /** Types text into what has the focus. */
  async type(text: string): Promise<void> {
    for (const key of text) await this.key(key);
  }

  async resize(width: number, height: number): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
  }

  /** Sets what prefers-color-scheme says. */
  async prefer(dark: boolean): Promise<void> {
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
    await this.send("Emulation.setEmulatedMedia", { features });
  }

  /** What the window shows, as a PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    return Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  }

  #mouse(type: string, x: number, y: number): Promise<Json> {
    return this.send("Input.dispatchMouseEvent", { type, x, y, button: "left", buttons: 1, clickCount: 1 });
  }

  async #middleOf(selector: string): Promise<[number, number]> {
    const box = await this.evaluate<[number, number] | null>(`(() => {
      const box = document.querySelector(${JSON.stringify(selector)})?.getBoundingClientRect();
      return box ? [box.x + box.width / 2, box.y + box.height / 2] : null;
    })()`);
    if (!box) throw new Error(`there is no ${selector} in the page`);
    return box;
  }

  #hear(method: string, params: Json) {
    if (method === "Network.requestWillBeSent") {
      const { url } = params.request;
      if (!/^(file|data|blob|about):/.test(url)) this.requests.push(url);
    } else if (method === "Runtime.exceptionThrown") {
      const { exception, text } = params.exceptionDetails;
      this.problems.push(exception?.description ?? text);
    } else if (method === "Runtime.consoleAPICalled" && /^(error|warning|assert)$/.test(params.type)) {
      this.problems.push(params.args.map((arg: Json) => arg.value ?? arg.description).join(" "));
    } else if (method === "Log.entryAdded" && /^(error|warning)$/.test(params.entry.level)) {
      this.problems.push(params.entry.text);
    }
  }
}

const KEY_CODES: Readonly<Record<string, number>> = {
  Enter: 13,
  Escape: 27,
  Tab: 9,
  Backspace: 8,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
};
