/**
 * Both ends of a set's Unix socket. A peer can make neither wait forever, nor use more memory than it should. Deno
 * does not tell who the peer is, so the folder of the socket, which belongs to its owner alone (runtime_folder.ts),
 * keeps other users out. The socket's own mode does as well, as a second barrier.
 */

import { BadInputError } from "../../base/system/errors.ts";
import {
  MAX_REPLY,
  MAX_REQUEST,
  parseReply,
  parseRequest,
  type ProtocolReply,
  type ProtocolRequest,
  replyLine,
  requestLine,
} from "./protocol.ts";

/** Time limit in ms for a client to send its line, and to take the answer. */
const CLIENT_MS = 3000;
/** Maximum number of connections at a time. Newer ones are closed at once. */
const MAX_CLIENTS = 64;

/** Reply to a request, and what to do after it was delivered. */
export interface RequestOutcome {
  reply: ProtocolReply;
  afterwards?: () => void;
}

/**
 * Listens at `path` and answers each request, until the process ends. (Closing the listener would remove whatever is
 * at `path` by then, even another's socket.) Throws Deno.errors.AddrInUse when something is at `path`.
 */
export function serve(path: string, handle: (request: ProtocolRequest) => RequestOutcome): Deno.UnixListener {
  const listener = Deno.listen({ transport: "unix", path });
  Deno.chmodSync(path, 0o600);
  acceptAll(listener, handle);
  return listener;
}

async function acceptAll(
  listener: Deno.UnixListener,
  handle: (request: ProtocolRequest) => RequestOutcome,
): Promise<void> {
  let clients = 0;
  for (;;) {
    let connection: Deno.UnixConn;
    try {
      connection = await listener.accept();
    } catch (error) {
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
      await new Promise((resolve) => setTimeout(resolve, 100)); // out of descriptors
      continue;
    }
    if (clients >= MAX_CLIENTS) {
      connection.close();
      continue;
    }
    clients++;
    answer(connection, handle).finally(() => clients--);
  }
}

async function answer(
  connection: Deno.UnixConn,
  handle: (request: ProtocolRequest) => RequestOutcome,
): Promise<void> {
  const limit = setTimeout(() => close(connection), CLIENT_MS);
  try {
    const line = await readLine(connection, MAX_REQUEST);
    const { reply, afterwards } = handled(line, handle);
    await writeAll(connection, replyLine(reply));
    afterwards?.();
  } catch {
    // disconnected, or too slow
  } finally {
    clearTimeout(limit);
    close(connection);
  }
}

function handled(line: string, handle: (request: ProtocolRequest) => RequestOutcome): RequestOutcome {
  try {
    return handle(parseRequest(line));
  } catch (error) {
    if (error instanceof BadInputError) {
      return { reply: { refused: { errno: "EINVAL", cause: error.message } } };
    }
    const cause = `its holder failed: ${error instanceof Error ? error.message : error}`;
    return { reply: { refused: { errno: "EAGAIN", cause } } };
  }
}

/**
 * Result of asking a set:
 * - a reply;
 * - `absent`: there is no socket;
 * - `dead`: there is one, and nobody listens;
 * - `broken`: the connection ended without an answer, most likely with the holder;
 * - `silent`: no answer in time;
 * - `strange`: an invalid answer; `detail` says why.
 */
export type AskResult =
  | { reply: ProtocolReply }
  | { failure: "absent" | "dead" | "broken" | "silent" | "strange"; detail?: string };

/**
 * Sends a request to the set behind the socket at `path`. Throws Deno.errors.PermissionDenied when it is another
 * user's.
 */
export async function ask(path: string, request: ProtocolRequest, limitMs: number): Promise<AskResult> {
  let connection: Deno.UnixConn | undefined;
  let late = false;
  const { promise: expired, resolve } = Promise.withResolvers<AskResult>();
  const limit = setTimeout(() => {
    late = true;
    if (connection) close(connection);
    resolve({ failure: "silent" });
  }, limitMs);
  const asking = async (): Promise<AskResult> => {
    try {
      connection = await Deno.connect({ transport: "unix", path });
      if (late) return { failure: "silent" };
      await writeAll(connection, requestLine(request));
      return { reply: parseReply(await readLine(connection, MAX_REPLY)) };
    } catch (error) {
      return { ...failureOf(error) };
    } finally {
      if (connection) close(connection);
    }
  };
  try {
    return await Promise.race([asking(), expired]);
  } finally {
    clearTimeout(limit);
  }
}

function failureOf(error: unknown): AskResult {
  if (error instanceof Deno.errors.NotFound) return { failure: "absent" };
  if (error instanceof Deno.errors.ConnectionRefused) return { failure: "dead" };
  if (error instanceof Deno.errors.WouldBlock) return { failure: "silent" }; // its backlog is full
  if (error instanceof BadInputError) return { failure: "strange", detail: error.message };
  const broken = [
    Deno.errors.ConnectionReset,
    Deno.errors.BrokenPipe,
    Deno.errors.UnexpectedEof,
    Deno.errors.BadResource,
    Deno.errors.Interrupted,
    Deno.errors.NotConnected,
  ];
  if (broken.some((kind) => error instanceof kind)) return { failure: "broken" };
  throw error;
}

function close(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error; // already closed
  }
}

/**
 * Reads a line. Throws Deno.errors.UnexpectedEof when the connection ends first, and BadInputError for more than
 * `max` bytes.
 */
async function readLine(connection: Deno.UnixConn, max: number): Promise<string> {
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(1 << 16);
  let text = "";
  for (let size = 0;;) {
    const n = await connection.read(chunk);
    if (n === null) throw new Deno.errors.UnexpectedEof("the line has no end");
    const end = chunk.subarray(0, n).indexOf(0x0a);
    size += end < 0 ? n : end;
    if (size > max) throw new BadInputError(`this line is longer than ${max} bytes`);
    if (end >= 0) return text + decoder.decode(chunk.subarray(0, end));
    text += decoder.decode(chunk.subarray(0, n), { stream: true });
  }
}

async function writeAll(connection: Deno.UnixConn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
