import { assertEquals, assertThrows } from "@std/assert";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import {
  fromLine,
  parseReply,
  parseRequest,
  type ProtocolReply,
  type ProtocolRequest,
  replyLine,
  requestLine,
  toLine,
} from "../../../lib/counters/named/protocol.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";

Deno.test("every request comes back from its line as it was", () => {
  const requests: ProtocolRequest[] = [
    { do: "describe" },
    { do: "sample", since: true },
    { do: "preset", index: 3, value: (1n << 64n) - 1n },
    { do: "restart" },
    { do: "enable" },
    { do: "disable" },
    { do: "unbind" },
  ];
  for (const request of requests) assertEquals(parseRequest(requestLine(request)), request);
});

Deno.test("parseRequest() refuses what is no request of this version", () => {
  const lines = [
    "",
    "{",
    "[]",
    "null",
    '{"do":"sample"}',
    '{"v":2,"do":"sample"}',
    '{"v":1,"do":"explode"}',
    '{"v":1,"do":"preset","index":0,"value":5}',
    '{"v":1,"do":"preset","index":"0","value":{"bigint":"5"}}',
    '{"v":1,"do":"preset","index":0,"value":{"bigint":"five"}}',
  ];
  for (const line of lines) assertThrows(() => parseRequest(line), BadInputError, undefined, line);
});

Deno.test("a reply comes back from its line as it was", () => {
  const replies: ProtocolReply[] = [
    { refused: { errno: "EAGAIN", cause: "it is invalid" } },
    {
      ok: {
        info: {
          name: "web",
          target: { kind: "thread", tids: [4] },
          pmus: ["cpu"],
          state: "counting",
          counters: [{ name: "cycles", unit: "" }],
          boundAtMs: 1,
          holder: 2,
        },
        buffer: { hrtimeNs: 1n << 60n, tickNs: 3n, counts: [1n << 63n], places: [] },
      },
    },
  ];
  for (const reply of replies) assertEquals(parseReply(replyLine(reply)), reply);
});

Deno.test("parseReply() refuses what is no reply of this version", () => {
  const lines = [
    "",
    "7",
    '{"v":1}',
    '{"v":2,"ok":{"info":{}}}',
    '{"v":1,"ok":{}}',
    '{"v":1,"refused":{"errno":"EDOM"}}',
  ];
  for (const line of lines) assertThrows(() => parseReply(line), BadInputError, undefined, line);
});

Deno.test("an event to be opened goes through a line unchanged", () => {
  const [{ events }] = resolveEvents("page-faults:u");
  const line = toLine(events);
  assertEquals(line.indexOf("\n"), line.length - 1);
  assertEquals(fromLine(line), events);
});
