/**
 * Fetching of debug files that this machine lacks, by build id, from the servers that the user named. The requests are
 * made by a process of its own (serve_fetches.ts), so that this one, which reads what strangers wrote, never needs the
 * network. Here files are checked and put into the cache: a file whose build id is not the one asked for is not kept.
 */

import { FileBytes } from "../../base/files/file_bytes.ts";
import { isDebugging } from "../../base/system/debug.ts";
import { ownCommand, ownEnvironment } from "../../base/system/launcher.ts";
import { counted } from "../../base/text/plural.ts";
import { sameBuildId } from "../elf/build_id.ts";
import { ElfFile } from "../elf/elf.ts";
import { DebuginfodCache, type ServedKind, type UnfinishedFile } from "../files/debuginfod_cache.ts";
import {
  type AnnouncedFile,
  FETCH_COMMAND,
  type FetchFrame,
  type FetchOutcome,
  type FetchRequest,
  FRAME,
  readFrames,
} from "./frames.ts";
import type { DebugServers } from "./servers.ts";

/** Most objects named in a warning. */
const MAX_NAMED = 3;

/** File to fetch, for an object with this name. */
export interface WantedFile {
  buildId: string;
  kind: ServedKind;
  object: string;
}

/** How far the fetching is. Sizes in bytes. */
export interface FetchProgress {
  /** Files that are over, and all. */
  done: number;
  files: number;
  /** Bytes received, and those announced so far. */
  received: number;
  announced: number;
}

/** Options of DebugFetcher. */
export interface FetchOptions {
  servers: DebugServers;
  /** Folder of the cache. */
  folder: string;
  /** Fetch the kernel's debug file, too; false by default. */
  fetchesKernel?: boolean;
  /** Receives how far the fetching is, and undefined at its end. */
  onProgress?(progress: FetchProgress | undefined): void;
  /** Returns a signal that ends the fetching, valid until it is disposed. */
  interruption?(): { signal: AbortSignal } & Disposable;
  /** Command that serves the request; default: pmuctl itself. */
  command?: string[];
}

/** State of a file that is being fetched. */
interface Fetch {
  wanted: WantedFile;
  file?: UnfinishedFile;
  received: number;
  announced: number;
  isOver: boolean;
}

/** Fetcher of one report. Asks for each file once. */
export class DebugFetcher {
  /** Problems, a sentence each. */
  readonly warnings: string[] = [];
  readonly fetchesKernel: boolean;
  readonly #options: FetchOptions;
  readonly #cache: DebuginfodCache;
  readonly #asked = new Set<string>();
  /** Names of objects whose files could not be fetched, by the server and the cause. */
  readonly #failures = new Map<string, Set<string>>();
  #isReady: boolean | undefined;
  #left: { time: number; bytes: number };

  constructor(options: FetchOptions) {
    this.#options = options;
    this.fetchesKernel = options.fetchesKernel ?? false;
    this.#cache = new DebuginfodCache(options.folder);
    const { maxTotalTime, maxTotalBytes } = options.servers;
    this.#left = { time: maxTotalTime || Infinity, bytes: maxTotalBytes || Infinity };
  }

  /** Returns whether asking for a file may bring one: none is in the cache, and no server was asked lately. */
  mayHave(buildId: string, kind: ServedKind): boolean {
    if (this.#isReady === undefined) this.#isReady = this.#prepare();
    return this.#isReady && !this.#asked.has(`${buildId} ${kind}`) && this.#cache.isUnknown(buildId, kind);
  }

  /** Fetches those of the files that mayHave() allows. What goes wrong is in `warnings`. */
  async fetch(files: readonly WantedFile[]): Promise<void> {
    const wanted = files.filter(({ buildId, kind }) => {
      if (!this.mayHave(buildId, kind)) return false;
      this.#asked.add(`${buildId} ${kind}`);
      return true;
    });
    if (wanted.length === 0) return;
    const fetches = wanted.map((wanted) => ({ wanted, received: 0, announced: 0, isOver: false }));
    try {
      await this.#run(fetches);
    } catch (error) {
      this.warnings.push(`cannot fetch debug files: ${error instanceof Error ? error.message : error}`);
    } finally {
      this.#options.onProgress?.(undefined);
    }
    this.#warnOfFailures();
  }

  #prepare(): boolean {
    const unsafe = this.#cache.prepare();
    if (unsafe) {
      this.warnings.push(
        `debug files are not fetched: ${unsafe.cause}: set DEBUGINFOD_CACHE_PATH to a folder that only you can write to`,
      );
    }
    return unsafe === undefined;
  }

  async #run(fetches: Fetch[]): Promise<void> {
    const { servers, interruption, command = ownCommand([FETCH_COMMAND]) } = this.#options;
    using interrupted = interruption?.();
    const [program, ...args] = command;
    const child = new Deno.Command(program, {
      args,
      env: ownEnvironment(),
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: isDebugging() ? "inherit" : "null",
    }).spawn();
    const began = performance.now(), input = child.stdin.getWriter();
    let stopped: string | undefined;
    const stop = (why: string) => {
      stopped ??= why;
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended
      }
    };
    const onAbort = () => stop("interrupted");
    interrupted?.signal.addEventListener("abort", onAbort);
    const limit = Number.isFinite(this.#left.time)
      ? setTimeout(
        () => stop(`they take more than ${servers.maxTotalTime / 1000} s (DEBUGINFOD_MAXTIME)`),
        this.#left.time,
      )
      : undefined;
    try {
      await this.#send(input, fetches);
      await this.#receive(child.stdout, fetches);
    } catch (error) {
      stop(error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(limit);
      await input.close().catch(() => {}); // it may have ended before
      const { code, signal } = await child.status;
      this.#left.time -= performance.now() - began;
      const unfinished = fetches.filter(({ isOver }) => !isOver);
      for (const { file } of unfinished) file?.drop();
      if (unfinished.length > 0) {
        if (stopped !== undefined) this.#isReady = false; // neither for others of this report
        const why = stopped ??
          `the process that fetches them ended early (${signal ?? `exit status ${code}`})`;
        this.warnings.push(`${counted(unfinished.length, "debug file")} not fetched: ${why}`);
      }
    }
  }

  async #send(input: WritableStreamDefaultWriter<Uint8Array>, fetches: readonly Fetch[]): Promise<void> {
    const { servers } = this.#options, { bytes } = this.#left;
    const request: FetchRequest = {
      servers: { ...servers, maxTotalBytes: Number.isFinite(bytes) ? Math.max(1, bytes) : 0 },
      files: fetches.map(({ wanted: { buildId, kind } }) => ({ buildId, kind })),
    };
    await input.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
  }

  async #receive(output: ReadableStream<Uint8Array>, fetches: readonly Fetch[]): Promise<void> {
    this.#tell(fetches);
    for await (const frame of readFrames(output)) {
      const fetch = fetches[frame.file];
      if (fetch === undefined || fetch.isOver) continue;
      try {
        this.#take(frame, fetch);
      } catch (error) {
        fetch.isOver = true;
        fetch.file?.drop();
        this.#fail(fetch, `${this.#cache.folder}: ${error instanceof Error ? error.message : error}`);
      }
      this.#tell(fetches);
    }
  }

  #take({ kind, bytes }: FetchFrame, fetch: Fetch): void {
    const { wanted } = fetch;
    if (kind === FRAME.DATA) {
      fetch.file?.write(bytes);
      fetch.received += bytes.length;
      this.#left.bytes -= bytes.length;
    } else if (kind === FRAME.START) {
      fetch.announced = fetch.received + (parse<AnnouncedFile>(bytes).size ?? 0);
      if (fetch.file) fetch.file.restart();
      else fetch.file = this.#cache.create(wanted.buildId, wanted.kind);
    } else if (kind === FRAME.END) this.#finish(parse<FetchOutcome>(bytes), fetch);
  }

  #finish({ result, server = "", cause = "" }: FetchOutcome, fetch: Fetch): void {
    const { file, wanted } = fetch;
    const wrong = result === "complete" && file ? whyNotOfBuild(file.path, wanted.buildId) : undefined;
    if (result === "complete" && wrong === undefined) file?.keep();
    else file?.drop();
    // another time that server may have it, or be asked through another network
    if (result === "missing") this.#cache.markMissing(wanted.buildId, wanted.kind);
    if (result === "failed" || wrong !== undefined) this.#fail(fetch, `${server}: ${wrong ?? cause}`);
    fetch.isOver = true;
  }

  #fail({ wanted: { object } }: Fetch, why: string): void {
    const objects = this.#failures.get(why) ?? new Set();
    this.#failures.set(why, objects.add(object));
  }

  #warnOfFailures(): void {
    for (const [why, objects] of this.#failures) {
      const names = [...objects].slice(0, MAX_NAMED).join(", "), more = objects.size - MAX_NAMED;
      this.warnings.push(
        `cannot fetch debug files of ${names}${more > 0 ? ` and ${more} more` : ""} from ${why}`,
      );
    }
    this.#failures.clear();
  }

  #tell(fetches: readonly Fetch[]): void {
    let done = 0, received = 0, announced = 0;
    for (const fetch of fetches) {
      if (fetch.isOver) done++;
      received += fetch.received;
      announced += Math.max(fetch.announced, fetch.received);
    }
    this.#options.onProgress?.({ done, files: fetches.length, received, announced });
  }
}

/** Returns what a server sent in place of the ELF file with this build id; undefined if it sent that. */
function whyNotOfBuild(path: string, buildId: string): string | undefined {
  const source = FileBytes.tryOpen(path, { owners: [Deno.uid()!] });
  if (source === undefined) return "the file that it sent cannot be opened";
  try {
    const own = new ElfFile(source).buildId();
    if (own === undefined) return "it sent a file without a build id";
    return sameBuildId(own, buildId) ? undefined : `it sent a file with another build id (${own})`;
  } catch {
    return "it sent a damaged ELF file"; // or one that is over a limit
  } finally {
    source.close();
  }
}

function parse<T>(bytes: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(bytes));
}
