/** The other things that read what they have not written: object files, symbol lists, sets, specs, messages. */

import { MemoryBytes } from "../../lib/base/byte_source.ts";
import { parseReply, parseRequest, replyLine, requestLine } from "../../lib/cpc/protocol.ts";
import { parseSet } from "../../lib/cpc/set_file.ts";
import { parseSpec } from "../../lib/cpc/spec.ts";
import { parseEvents } from "../../lib/events/grammar.ts";
import { decodeSessionInfo, encodeSessionInfo } from "../../lib/perfdata/session_info.ts";
import { ElfFile } from "../../lib/symbols/elf.ts";
import { elfSymbols } from "../../lib/symbols/elf_symbols.ts";
import { parseKallsyms } from "../../lib/symbols/kallsyms.ts";
import { parsePerfMap } from "../../lib/symbols/perf_map.ts";
import { intel } from "../cpc/machines.ts";
import { buildElf } from "../symbols/build_elf.ts";
import { mutateBytes, mutateText } from "./mutate.ts";
import type { Random } from "./random.ts";
import { type Subject, textSubject } from "./subject.ts";

const SYMBOLS = [
  { name: "main", value: 0x11000, size: 0x80 },
  { name: "$x.1", value: 0x11020, size: 0, type: 0 },
  { name: "helper", value: 0x11080, size: 0x40, bind: 0 },
  { name: "helper_alias", value: 0x11080, size: 0x40, bind: 2 },
];
const ELVES = [[true, true], [true, false], [false, true], [false, false]].map(([is64, littleEndian]) =>
  trimmed(buildElf({
    is64,
    littleEndian,
    machine: is64 ? 62 : 40,
    symbols: SYMBOLS,
    buildId: new Uint8Array(20).fill(7),
  }))
);

/** Without the room that the text has in it, to which few changes would make a difference. */
function trimmed(elf: Uint8Array): { head: Uint8Array; tail: Uint8Array; whole: Uint8Array } {
  return { head: elf.subarray(0, 64), tail: elf.subarray(0x2000), whole: elf };
}

function mutatedElf(random: Random): Uint8Array {
  const { head, tail, whole } = random.pick(ELVES);
  const out = new Uint8Array(whole);
  if (random.oneIn(3)) {
    const changed = mutateBytes(head, random);
    out.set(changed.subarray(0, 64));
  } else {
    const changed = mutateBytes(tail, random);
    out.set(changed.subarray(0, tail.length), 0x2000);
  }
  return random.oneIn(20) ? out.subarray(0, random.below(out.length)) : out;
}

function readElf(bytes: Uint8Array): void {
  const file = new ElfFile(new MemoryBytes(bytes, "object"));
  file.buildId();
  file.debugLink();
  const table = elfSymbols(file);
  for (const address of [0, 0x1000, 0x1080, 0x7fffffff]) table?.find(address);
}

const KALLSYMS = [
  "ffffffff81000000 T _text\nffffffff81000100 t do_work\nffffffff81000200 W weak\nffffffffc0000000 t f\t[mod]\n",
  "0000000000000000 T _text\n0000000000000000 t do_work\n",
];
const PERF_MAPS = ["400000 100 JS:fib a.js:1\n400100 80 JS:*main\n", "7fbb977c6040 180 x\n"];
const SETS = [
  '{"flags":0,"reqs":[{"event":"cycles","preset":"0","flags":2,"attrs":{"picnum":0}}]}',
  '{"flags":0,"reqs":[{"event":"instructions","preset":"0x10"},{"event":"cpu/event=0x3c/"}]}',
];
const SPECS = ["pic0=cycles,pic1=instructions,sys", "cycles,nouser0,umask0=0x10", "cpu/event=0x3c,umask=0/"];
const EVENTS = [
  "cycles:u,{instructions,branches}:S,cpu/event=0x3c/",
  "sched:sched_switch:k,r1a8",
  "mem:0x1000/8:rw:u",
  "cpu-clock/period=1000,name='x y'/ppp",
];
const WORDS = [
  "{",
  "}",
  "/",
  ":",
  ",",
  "=",
  "'",
  "0x",
  "-1",
  "1e99",
  "pic",
  "pic99999999999",
  "sys",
  "\n",
  "\t",
  " ",
  "]",
  "[",
  "ffffffffffffffff",
  "cycles",
  "mem:",
  "r",
  "*",
  "S",
  "null",
  "true",
  '"',
  "\\u0000",
  '{"bigint":"x"}',
  '{"set":1}',
];
const INFO = [encodeSessionInfo({
  tool: "0.1.0",
  command: ["a", "b"],
  seconds: 1.5,
  ledger: { rows: [{ cpu: 0, sample: 1 }], total: { sample: 1, overflow: 0, dropbuf_sample: 0 } },
})];
const MESSAGES = [
  requestLine({ do: "preset", index: 0, value: 12n }),
  requestLine({ do: "sample", since: true }),
  replyLine({ refused: { errno: "EAGAIN", cause: "busy" } } as unknown as Parameters<typeof replyLine>[0]),
  '{"v":1,"ok":{"info":{"name":"x"}}}\n',
];

/** The subjects that are no recordings. */
export function otherSubjects(): Subject[] {
  const machine = intel();
  const bytes = new TextEncoder();
  const mutated = (seeds: readonly string[]) => (random: Random) => mutateText(seeds, WORDS, random);
  return [
    {
      name: "ELF file",
      weight: 3,
      make(random) {
        const elf = mutatedElf(random);
        return { bytes: elf, made: "changed", run: () => readElf(elf) };
      },
    },
    textSubject("kallsyms", 1, mutated(KALLSYMS), (text) => {
      const kernel = parseKallsyms(bytes.encode(text));
      kernel.reference("_text");
      kernel.tables.get("")?.find(-0x7f000000);
    }),
    textSubject(
      "perf map",
      1,
      mutated(PERF_MAPS),
      (text) => parsePerfMap(bytes.encode(text))?.find(0x400010),
    ),
    textSubject("set file", 1, mutated(SETS), (text) => void parseSet(bytes.encode(text), "set.json")),
    textSubject("spec", 1, mutated(SPECS), (text) => void parseSpec(text, machine)),
    textSubject("events", 1, mutated(EVENTS), (text) => void parseEvents(text)),
    textSubject("session info", 1, mutated(INFO), (text) => void decodeSessionInfo(text)),
    textSubject("request", 1, mutated(MESSAGES), (text) => {
      try {
        parseRequest(text);
      } finally {
        parseReply(text);
      }
    }),
  ];
}
