/** Texts of pmuctl's own files and messages. */

import { parseBaseline } from "../../../lib/check/baseline/baseline.ts";
import { parseReply, parseRequest } from "../../../lib/counters/named/protocol.ts";
import { parseSet } from "../../../lib/counters/verify/set_file.ts";
import { readStoredProfile } from "../../../lib/profile/model/stored.ts";
import type { Bomb } from "./bomb.ts";

const deep = (n: number) => "[".repeat(n) + "]".repeat(n);
export const textBombs: readonly Bomb[] = [
  {
    name: "deep-json",
    sizes: [1000, 1e6],
    go(n) {
      const readers = [
        (text: string) => parseSet(new TextEncoder().encode(text), "x"),
        (text: string) => parseBaseline("x", text),
        (text: string) => readStoredProfile("x", text),
        parseReply,
        parseRequest,
      ];
      let refused = 0;
      for (const read of readers) {
        try {
          read(deep(n));
        } catch (error) {
          if ((error as Error).name !== "BadInputError") throw error;
          refused++;
        }
      }
      if (refused < readers.length) throw new Error("one took it");
    },
  },
  {
    name: "large-bigint",
    sizes: [1000, 5e6],
    go(n) {
      const text = `{"v":1,"do":"preset","index":0,"value":{"bigint":"${"9".repeat(n)}"}}`;
      try {
        parseRequest(text);
      } finally {
        readStoredProfile("x", text);
      }
    },
  },
];
