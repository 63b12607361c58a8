/** The two ends of a named set's socket, each with somebody at the other end who says what they like. */

import { ask, serve } from "../../../lib/counters/named/socket.ts";
import { parseReply, parseRequest, replyLine, requestLine } from "../../../lib/counters/named/protocol.ts";
import { mutateBytes } from "../mutate/mutate.ts";
import { mutateJson } from "../mutate/mutate_json.ts";
import { ownPath } from "../own_folder.ts";
import type { Random } from "../random.ts";
import { choiceBy, type Input, type Target, textTarget } from "../target.ts";

const INFO = {
  name: "x",
  state: "counting",
  counters: [{ name: "cycles", unit: "" }],
  boundAtMs: 1_700_000_000_000,
  holder: 100,
  target: { kind: "cpus", cpus: [0, 1] },
};
const REPLIES = [
  replyLine({ refused: { errno: "EAGAIN", cause: "busy" } } as unknown as Parameters<typeof replyLine>[0]),
  replyLine({ ok: { info: INFO } } as unknown as Parameters<typeof replyLine>[0]),
  replyLine({ ok: { info: INFO, buffer: { hrtimeNs: 12n, rows: [{ cpu: 0, values: [1n, 2n] }] } } } as never),
];
const REQUESTS = [
  requestLine({ do: "preset", index: 0, value: 12n }),
  requestLine({ do: "sample", since: true }),
  requestLine({ do: "describe" }),
];
const WORDS = [
  '{"bigint":"x"}',
  '{"set":[]}',
  "describe",
  "unbind",
  "do",
  "v",
  "ok",
  "refused",
  "errno",
  "cause",
];

/** A line that is changed, with or without its end; more behind it now and then. */
function someBytes(lines: readonly string[], random: Random): Input {
  const encoder = new TextEncoder();
  const text = random.oneIn(3) ? random.pick(lines) : mutateJson(lines, WORDS, random).trimEnd() + "\n";
  let bytes: Uint8Array = encoder.encode(random.oneIn(8) ? text.trimEnd() : text);
  if (random.oneIn(4)) bytes = mutateBytes(bytes, random);
  if (random.oneIn(60)) bytes = new Uint8Array(random.pick([4095, 4097, 70_000])).fill(0x7b);
  return { bytes, made: "line changed" };
}

async function readAll(connection: Deno.UnixConn): Promise<string> {
  const chunk = new Uint8Array(1 << 14), decoder = new TextDecoder();
  let text = "";
  for (let n; (n = await connection.read(chunk).catch(brokenOff)) !== null;) {
    text += decoder.decode(chunk.subarray(0, n), { stream: true });
  }
  return text;
}

/** The other end may go whenever it likes. */
function brokenOff(error: unknown): null {
  if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe) return null;
  throw error;
}

async function writeAll(connection: Deno.UnixConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const n = await connection.write(bytes.subarray(at)).catch(brokenOff);
    if (n === null) return;
    at += n;
  }
}

/** Sends the bytes to a set that answers all it understands, and looks at the answer. */
function serverTarget(): Target {
  let path: string | undefined;
  const start = () => {
    serve(
      path = ownPath("server"),
      (request) => ({ reply: { ok: { info: { ...INFO, request } } } as never }),
    );
  };
  return {
    name: "set-server",
    what: "the holder of a named set, asked by anybody",
    weight: 3,
    make: (random) => someBytes(REQUESTS, random),
    async take(bytes) {
      if (path === undefined) start();
      using connection = await Deno.connect({ transport: "unix", path: path! });
      // in two parts, cut anywhere
      const cut = choiceBy(bytes, bytes.length + 1);
      await writeAll(connection, bytes.subarray(0, cut));
      await writeAll(connection, bytes.subarray(cut));
      await connection.closeWrite().catch(brokenOff);
      const answer = await readAll(connection);
      if (answer === "") {
        if (bytes.length > 4096 || !bytes.includes(0x0a)) return; // no line, or none that it takes
        throw new Error("a line got no answer");
      }
      parseReply(answer);
    },
  };
}

/** Asks a set that answers with the bytes. */
function clientTarget(): Target {
  let path: string | undefined, answer: Uint8Array = new Uint8Array(0);
  const start = () => {
    const listener = Deno.listen({ transport: "unix", path: path = ownPath("client") });
    (async () => {
      for await (const connection of listener) {
        await connection.read(new Uint8Array(4096)).catch(brokenOff);
        await writeAll(connection, answer);
        connection.close();
      }
    })();
  };
  return {
    name: "set-client",
    what: "who asks a named set, answered with anything",
    weight: 3,
    make: (random) => someBytes(REPLIES, random),
    async take(bytes) {
      if (path === undefined) start();
      answer = bytes;
      const asked = await ask(path!, { do: "describe" }, 10_000);
      if ("failure" in asked && !["strange", "broken"].includes(asked.failure)) {
        throw new Error(`it is said to be ${asked.failure}`);
      }
    },
  };
}

export function socketTargets(): Target[] {
  return [
    serverTarget(),
    clientTarget(),
    textTarget({
      name: "set-messages",
      what: "lines between a named set and who asks it",
      weight: 4,
      make: (random) => mutateJson([...REQUESTS, ...REPLIES], WORDS, random),
      take(text) {
        try {
          parseRequest(text);
        } finally {
          parseReply(text);
        }
      },
    }),
  ];
}
