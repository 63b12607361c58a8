/**
 * Fetching over HTTP, in a process of its own: the only one of pmuctl's that may use the network, and it may use nothing
 * else. Several files at a time; all servers are asked for each, and the first one that has it sends it.
 */

import { VERSION } from "../../base/system/version.ts";
import { type FetchOutcome, type FetchRequest, FRAME, frameHead } from "./frames.ts";
import { type DebugServers, withoutPassword } from "./servers.ts";

/** Files that are fetched at the same time. */
const PARALLEL = 6;
/** Most redirections that are followed for one file. */
const MAX_REDIRECTS = 5;
/** Bytes that a server has to send in DEBUGINFOD_TIMEOUT. */
const MIN_BYTES = 100 << 10;
/** Failures in a row, of connections and not of files, after which a server is not asked again. */
const MAX_FAILURES = 2;
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
/** Largest frame in bytes. */
const MAX_FRAME = 1 << 20;

/** Writes a frame's bytes. Blocks. */
export type WriteBytes = (bytes: Uint8Array<ArrayBuffer>) => void;

/** Cause why a server did not send a file. */
class Refusal extends Error {
  /** Whether the server answered that it does not have the file. */
  readonly isMissing: boolean;
  readonly server: Server;

  constructor(server: Server, cause: string, isMissing = false) {
    super(cause);
    this.server = server;
    this.isMissing = isMissing;
  }
}

/** Server, and whether it still answers. */
interface Server {
  url: string;
  failures: number;
}

/** File that a server sends, and the control that ends it. */
interface Answer {
  server: Server;
  /** Size in bytes, if the server has said. */
  size?: number;
  body: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  /** First bytes, which were waited for. */
  first: Uint8Array<ArrayBuffer>;
  watch: Watch;
}

/** Fetches all files of a request, and writes frames. */
export async function serveFetches({ servers, files }: FetchRequest, write: WriteBytes): Promise<void> {
  const fetching = new Fetching(servers, write);
  let next = 0;
  const work = async () => {
    while (next < files.length) {
      const number = next++;
      await fetching.file(number, `buildid/${files[number].buildId}/${files[number].kind}`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

/** State of a request. */
class Fetching {
  readonly #limits: DebugServers;
  readonly #servers: Server[];
  readonly #write: WriteBytes;
  /** Bytes received of all files. */
  #received = 0;

  constructor(limits: DebugServers, write: WriteBytes) {
    this.#limits = limits;
    this.#servers = limits.urls.map((url) => ({ url, failures: 0 }));
    this.#write = write;
  }

  /** Fetches one file from whichever server has it, and reports how that ended. */
  async file(number: number, path: string): Promise<void> {
    const tried = new Set<Server>();
    let failed: Refusal | undefined, missing = 0;
    for (;;) {
      const asked = this.#servers.filter((server) => server.failures < MAX_FAILURES && !tried.has(server));
      if (asked.length === 0) break;
      const { answer, refusals } = await this.#firstAnswer(asked, path);
      for (const refusal of refusals) {
        tried.add(refusal.server);
        if (refusal.isMissing) missing++;
        else failed ??= refusal;
      }
      if (answer === undefined) continue;
      try {
        await this.#receive(number, answer);
        answer.server.failures = 0;
        return this.#end(number, { result: "complete", server: withoutPassword(answer.server.url) });
      } catch (error) {
        failed = refusalOf(error, answer.server, answer.watch);
        tried.add(answer.server);
      } finally {
        answer.watch.end();
      }
    }
    if (failed === undefined && missing === this.#servers.length) {
      return this.#end(number, { result: "missing" });
    }
    this.#end(number, {
      result: "failed",
      server: withoutPassword(failed?.server.url ?? this.#servers[0].url),
      cause: failed?.message ?? "it did not answer before",
    });
  }

  /** Asks servers at the same time. Returns the first one's answer that has the file, and ends the other requests. */
  async #firstAnswer(
    servers: readonly Server[],
    path: string,
  ): Promise<{ answer?: Answer; refusals: Refusal[] }> {
    const refusals: Refusal[] = [], watches: Watch[] = [];
    let answer: Answer | undefined;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const asking = servers.map(async (server) => {
      const watch = new Watch(this.#limits);
      watches.push(watch);
      try {
        const response = await this.#ask(server, path, watch);
        // some servers say that they have a file before they look
        const body = response.body!.getReader(), { value: first } = await watch.unlessAborted(body.read());
        if (answer !== undefined) return watch.end();
        if (first === undefined) throw new Refusal(server, "its answer is empty");
        // a login page of a network, an error of a proxy
        if (!startsAsElf(first)) throw new Refusal(server, "it sent something that is not an ELF file");
        answer = { server, size: sizeOf(response), body, first, watch };
        resolve();
      } catch (error) {
        if (answer !== undefined) return; // ended here
        const refusal = refusalOf(error, server, watch);
        watch.end();
        if (error instanceof Refusal) server.failures = 0;
        else server.failures++;
        refusals.push(refusal);
      }
    });
    await Promise.race([done, Promise.all(asking)]);
    for (const watch of watches) if (watch !== answer?.watch) watch.end();
    return { answer, refusals };
  }

  /** Asks one server. Throws Refusal if it answers that it does not send the file, and what `fetch` throws. */
  async #ask(server: Server, path: string, { signal }: Watch): Promise<Response> {
    const { maxBytes, headers } = this.#limits;
    let url = new URL(`${server.url}/${path}`);
    const { origin } = url;
    for (let redirects = 0;; redirects++) {
      const own: [string, string][] = [
        ["user-agent", `pmuctl/${VERSION}`],
        ["accept-encoding", "identity"],
        ...maxBytes > 0 ? [["x-debuginfod-maxsize", String(maxBytes)] as [string, string]] : [],
        ...url.origin === origin ? headers : [],
      ];
      const response = await fetch(url, { headers: own, redirect: "manual", signal });
      const { status } = response;
      if (status === 200) return this.#checked(server, response);
      response.body?.cancel().catch(() => {});
      const location = status >= 300 && status < 400 ? response.headers.get("location") : null;
      if (location === null) throw refusalOfStatus(server, status);
      if (redirects === MAX_REDIRECTS) throw new Refusal(server, "too many redirections");
      url = redirected(server, url, location);
    }
  }

  #checked(server: Server, response: Response): Response {
    const size = sizeOf(response), { maxBytes } = this.#limits;
    if (maxBytes > 0 && size !== undefined && size > maxBytes) {
      response.body?.cancel().catch(() => {});
      throw new Refusal(server, tooLarge(maxBytes));
    }
    if (response.body === null) throw new Refusal(server, "its answer is empty");
    return response;
  }

  /** Passes the bytes of an answer on. Throws Refusal for too many of them, and what the stream throws. */
  async #receive(number: number, { server, size, body, first, watch }: Answer): Promise<void> {
    const { maxBytes, maxTotalBytes } = this.#limits;
    this.#frame(number, FRAME.START, json({ size }));
    let bytes = 0, turns = 0;
    for (
      let chunk: typeof first | undefined = first;
      chunk !== undefined;
      chunk = (await watch.unlessAborted(body.read())).value
    ) {
      bytes += chunk.length;
      this.#received += chunk.length;
      if (maxBytes > 0 && bytes > maxBytes) throw new Refusal(server, tooLarge(maxBytes));
      if (maxTotalBytes > 0 && this.#received > maxTotalBytes) {
        throw new Refusal(server, `all files together have more than ${maxTotalBytes} bytes`);
      }
      watch.received(chunk.length);
      for (let at = 0; at < chunk.length; at += MAX_FRAME) {
        this.#frame(number, FRAME.DATA, chunk.subarray(at, at + MAX_FRAME));
      }
      // a fast server leaves no time for clocks and other files
      if (Math.floor(bytes / MAX_FRAME) > turns) {
        turns = Math.floor(bytes / MAX_FRAME);
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
  }

  #end(number: number, outcome: FetchOutcome): void {
    this.#frame(number, FRAME.END, json(outcome));
  }

  #frame(number: number, kind: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#write(frameHead(number, kind, bytes.length));
    this.#write(bytes);
  }
}

/** Clock of one request: aborts it when the server sends too little, or takes too long. */
class Watch {
  /** Cause of the abort; undefined while there is none. */
  cause: string | undefined;
  readonly #controller = new AbortController();
  readonly #aborted: Promise<never>;
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  #bytes = 0;

  constructor({ timeout, maxTime }: DebugServers) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.#aborted = promise;
    promise.catch(() => {}); // nothing may be waiting
    this.signal.addEventListener("abort", () => reject(this.signal.reason));
    if (timeout > 0) {
      this.#timers.push(setInterval(() => {
        if (this.#bytes < MIN_BYTES) {
          this.#abort(`it sent less than 100 KiB in ${timeout / 1000} s (DEBUGINFOD_TIMEOUT)`);
        }
        this.#bytes = 0;
      }, timeout));
    }
    if (maxTime > 0) {
      const cause = `it took more than ${maxTime / 1000} s (DEBUGINFOD_MAXTIME)`;
      this.#timers.push(setTimeout(() => this.#abort(cause), maxTime));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  received(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Waits for a part of the answer. The runtime does not end such a wait itself when the request is aborted. */
  unlessAborted<T>(part: Promise<T>): Promise<T> {
    return Promise.race([part, this.#aborted]);
  }

  /** Ends the request, if it is not over, and its clock. */
  end(): void {
    this.#timers.forEach((timer) => clearTimeout(timer));
    this.#controller.abort();
  }

  #abort(cause: string): void {
    this.cause ??= cause;
    this.#controller.abort();
  }
}

/** Returns where a server redirects to. Throws Refusal for what is no web address, or is less secure. */
function redirected(server: Server, from: URL, location: string): URL {
  const to = URL.parse(location, from);
  const isWeb = to !== null && (to.protocol === "https:" || to.protocol === "http:");
  if (!isWeb || (from.protocol === "https:" && to.protocol === "http:")) {
    throw new Refusal(server, "it redirects to what is not http:// or https://, or from https:// to http://");
  }
  return to;
}

function startsAsElf(bytes: Uint8Array): boolean {
  return ELF_MAGIC.every((byte, i) => i >= bytes.length || bytes[i] === byte);
}

function refusalOfStatus(server: Server, status: number): Refusal {
  if (status === 404 || status === 410) return new Refusal(server, "it does not have the file", true);
  if (status === 406) return new Refusal(server, "the file is larger than DEBUGINFOD_MAXSIZE");
  return new Refusal(server, `it answered with HTTP status ${status}`);
}

function refusalOf(error: unknown, server: Server, { cause }: Watch): Refusal {
  if (error instanceof Refusal) return error;
  return new Refusal(server, cause ?? innermostCause(error));
}

/** Returns the last part of an error's message, which of the runtime's is the cause: `Connection refused`. */
function innermostCause(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  const message = innermost instanceof Error ? innermost.message : String(innermost);
  const certificate = /invalid peer certificate: (.*)/.exec(message);
  if (certificate) return `its certificate is not trusted (${certificate[1].slice(0, 100)})`;
  return message.slice(message.lastIndexOf(": ") + 1).trim().replace(/ \(os error \d+\)$/, "").slice(0, 200);
}

function tooLarge(maxBytes: number): string {
  return `the file has more than ${maxBytes} bytes (DEBUGINFOD_MAXSIZE)`;
}

/** Returns the size that a server announces. */
function sizeOf({ headers }: Response): number | undefined {
  for (const name of ["content-length", "x-debuginfod-size"]) {
    const text = headers.get(name);
    if (text !== null && /^\d{1,15}$/.test(text)) return Number(text);
  }
  return undefined;
}

function json(value: object): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
