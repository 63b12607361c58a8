/**
 * Protocol between pmuctl and the process that it starts to fetch files. The request is a line of JSON on standard
 * input, which stays open as long as the files are wanted. The answers are frames on standard output:
 *
 *     u32 number of the file in the request; u32 kind (FRAME); u32 length; then `length` bytes
 *
 * in the byte order of the machine.
 */

import type { DebugServers } from "./servers.ts";
import type { ServedKind } from "../files/debuginfod_cache.ts";

/** Name of the internal command. */
export const FETCH_COMMAND = "fetch-files";

/** Request: what to fetch from which servers. */
export interface FetchRequest {
  servers: DebugServers;
  files: { buildId: string; kind: ServedKind }[];
}

/** Request, and a promise that resolves when nobody waits for the files any more. */
export interface PendingRequest {
  request: FetchRequest;
  closed: Promise<void>;
}

/** Reads a request. Throws SyntaxError if the stream ends before it is complete. */
export async function readRequest(input: ReadableStream<Uint8Array>): Promise<PendingRequest> {
  const reader = input.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .getReader();
  let text = "";
  for (let isOpen = true; isOpen && !text.includes("\n");) {
    const { value = "", done } = await reader.read();
    text += value;
    isOpen = !done;
  }
  const drain = async () => {
    while (!(await reader.read()).done);
  };
  return { request: JSON.parse(text.slice(0, text.indexOf("\n"))), closed: drain() };
}

/** Kinds of frames. */
export const FRAME = {
  /** A server begins to send the file: JSON of AnnouncedFile. What was sent before is void. */
  START: 1,
  /** Bytes of the file. */
  DATA: 2,
  /** The file is complete, or not to be had: JSON of FetchOutcome. */
  END: 3,
} as const;

/** File that a server begins to send. */
export interface AnnouncedFile {
  /** Size in bytes, if the server has said. */
  size?: number;
}

/** Result for one file. */
export interface FetchOutcome {
  /** `missing`: no server has it; `failed`: a server could not be asked, or did not send all of it. */
  result: "complete" | "missing" | "failed";
  /** Server that sent the file, or that failed, and why. */
  server?: string;
  cause?: string;
}

const HEAD = 12;
/** Most bytes in a frame. */
const MAX_LENGTH = 1 << 24;

/** Returns a frame's head. */
export function frameHead(file: number, kind: number, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint32Array([file, kind, length]).buffer);
}

/** Frame with its bytes, which are valid until the next one is read. */
export interface FetchFrame {
  file: number;
  kind: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Splits a stream into frames. Ends quietly where the stream does, and throws Error for what is no frame. */
export async function* readFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<FetchFrame> {
  let held = new Uint8Array(1 << 17), end = 0;
  for await (const chunk of stream) {
    if (end + chunk.length > held.length) {
      const larger = new Uint8Array(2 * (end + chunk.length));
      larger.set(held.subarray(0, end));
      held = larger;
    }
    held.set(chunk, end);
    end += chunk.length;
    let at = 0;
    while (end - at >= HEAD) {
      const [file, kind, length] = new Uint32Array(held.slice(at, at + HEAD).buffer);
      if (length > MAX_LENGTH) throw new Error("a frame of the fetching process is too long");
      if (end - at - HEAD < length) break;
      yield { file, kind, bytes: held.subarray(at + HEAD, at + HEAD + length) };
      at += HEAD + length;
    }
    held.copyWithin(0, at, end);
    end -= at;
  }
}
