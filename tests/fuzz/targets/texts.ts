/** Short texts: specifications, events, symbol lists and mangled names. */

import { parseSpec } from "../../../lib/counters/verify/spec.ts";
import { parseEvents } from "../../../lib/events/grammar.ts";
import { parseTracepointFormat } from "../../../lib/perfdata/tracepoints/format.ts";
import { tracepointPrinter } from "../../../lib/perfdata/tracepoints/print.ts";
import { Demangler } from "../../../lib/symbols/table/demangle.ts";
import { parseKallsyms } from "../../../lib/symbols/kernel/kallsyms.ts";
import { intel } from "../../counters/machines.ts";
import { mutateText } from "../mutate/mutate.ts";
import type { Random } from "../random.ts";
import { type Target, textTarget } from "../target.ts";

const KALLSYMS = [
  "ffffffff81000000 T _text\nffffffff81000100 t do_work\nffffffff81000200 W weak\nffffffffc0000000 t f\t[mod]\n",
  "0000000000000000 T _text\n0000000000000000 t do_work\n",
];
const SPECS = ["pic0=cycles,pic1=instructions,sys", "cycles,nouser0,umask0=0x10", "cpu/event=0x3c,umask=0/"];
const EVENTS = [
  "cycles:u,{instructions,branches}:S,cpu/event=0x3c/",
  "sched:sched_switch:k,r1a8",
  "mem:0x1000/8:rw:u",
  "cpu-clock/period=1000,name='x y'/ppp",
];
const WORDS = [
  ..."{}/:,='[]*\n\t ".split(""),
  "0x",
  "-1",
  "1e99",
  "pic",
  "pic99999999999",
  "sys",
  "ffffffffffffffff",
  "cycles",
  "mem:",
  "r",
  "S",
];
const FIELDS = [
  "char comm[16];\toffset:8;\tsize:16;\tsigned:0;",
  "int pid;\toffset:24;\tsize:4;\tsigned:1;",
  "u64 flags;\toffset:28;\tsize:8;\tsigned:0;",
  "__data_loc char[] name;\toffset:36;\tsize:4;\tsigned:0;",
  "u32 list[4];\toffset:40;\tsize:16;\tsigned:0;",
].map((field) => `\tfield:${field}\n`).join("");
const TRACEPOINTS = [
  '"comm=%s pid=%d", REC->comm, REC->pid',
  '"%s %s", __print_flags(REC->flags & 0xff, "|", { 1, "R" }, { (1UL << 2), "W" }), __get_str(name)',
  '"%08llx [%*s] %ps", (unsigned long)REC->flags, REC->pid, REC->pid > 3 ? "a" : "b", (void *)REC->flags',
  '"%s %s", __print_symbolic(REC->list[1], { 0, "none" }), __print_array(REC->list, 4, 4)',
].map((print) => `name: made\nID: 7\nformat:\n${FIELDS}\nprint fmt: ${print}\n`);
const TRACEPOINT_WORDS = [
  ..."()[]{},?:*-~!&|<>/%\"'\n ".split(""),
  ...[
    "REC->",
    "REC",
    "__get_str(",
    "__print_hex(",
    "__get_dynamic_array_len(",
    "%s",
    "%*.*lld",
    "%pI6c",
    "%pISpc",
    "(u8)",
  ],
  ...[
    "99999999999999999999",
    "0xffffffffffffffff",
    "offset:9999999;",
    "size:8;",
    "[]",
    "[999999999]",
    "__rel_loc ",
  ],
];
const MANGLED = [
  "_ZN5space3BoxIiE3getEi",
  "_Z7collatzi",
  "_ZNSt6vectorIiSaIiEE9push_backERKi",
  "_ZZN3foo3barEvENKUlRT_E_clIiEEDaS0_",
  "_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE",
  "_RNvCs1234_7mycrate4main",
  "_RINvNtC3std3mem8align_ofNtNtC3std3mem12DiscriminantEB4_",
  "_RNCNvC6simple4mains_0B3_",
  "__ZN3fooE@plt",
  "_ZTV3foo",
  "_ZGVZ1fvE1x",
];
const MANGLED_WORDS = [
  "_Z",
  "_R",
  "N",
  "E",
  "I",
  "S_",
  "S0_",
  "SZ_",
  "St",
  "T_",
  "T0_",
  "Ul",
  "Ut_",
  "L",
  "Li",
  "X",
  "K",
  "P",
  "R",
  "O",
  "DpT_",
  "sZ",
  "cv",
  "B",
  "Bs_",
  "C",
  "M",
  "Y",
  "Ks_",
  "u3abc",
  "17h0123456789abcdefE",
  "99999999999",
  "1a",
  "@plt",
  "\0",
  "\u00e9",
];

/** A mangled name put together from parts that refer to each other, each of which may hold the one before it twice. */
function nestedName(random: Random): string {
  const depth = 1 + random.below(30);
  const digit = (n: number) => n === 0 ? "S_" : `S${"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n - 1]}_`;
  let name = random.pick(["_Z1fSt4pairIiiE", "_ZN1aI1bEE", "_Z1fI1aE"]);
  for (let k = 1; k < depth; k++) {
    name += random.pick([
      `S_I${digit(k)}${digit(k)}E`,
      `P${digit(k)}`,
      `N${digit(k)}1xE`,
      `F${digit(k)}${digit(k)}E`,
    ]);
  }
  return random.oneIn(3) ? mutateText([name], MANGLED_WORDS, random) : name;
}

/** Names given to one demangler: what all of them together cost is bounded, so that later ones would not be looked at. */
const ONE_DEMANGLER = 1000;

export function textTargets(): Target[] {
  const machine = intel();
  const encoder = new TextEncoder();
  let loading = Demangler.load(), left = ONE_DEMANGLER;
  return [
    textTarget({
      name: "demangle",
      what: "names as compilers wrote them",
      weight: 10,
      make: (random) => random.oneIn(3) ? nestedName(random) : mutateText(MANGLED, MANGLED_WORDS, random),
      async take(text) {
        if (left-- === 0) [loading, left] = [Demangler.load(), ONE_DEMANGLER];
        const demangler = await loading;
        if (!(demangler instanceof Demangler)) throw new Error(demangler.failure);
        if (typeof demangler.readable(text) !== "string") throw new Error("no text");
      },
    }),
    textTarget({
      name: "kallsyms",
      what: "a list of the kernel's symbols",
      weight: 4,
      make: (random) => mutateText(KALLSYMS, WORDS, random),
      take(text) {
        const kernel = parseKallsyms(encoder.encode(text));
        kernel.reference("_text");
        kernel.tables.get("")?.find(-0x7f000000);
      },
    }),
    textTarget({
      name: "tracepoint",
      what: "the format of a tracepoint, and its data",
      weight: 4,
      make: (random) => mutateText(TRACEPOINTS, TRACEPOINT_WORDS, random),
      take(text) {
        const format = parseTracepointFormat(text), data = encoder.encode(text).subarray(0, 200);
        if (format === undefined) return;
        const printed = tracepointPrinter(format, (address) => ({ name: `f${address}`, offset: 4 }))(data);
        if (printed.length > 4096) throw new Error(`${printed.length} characters`);
      },
    }),
    textTarget({
      name: "spec",
      what: "counters as cpc's tools spell them",
      weight: 2,
      statuses: [2, 3, 4],
      make: (random) => mutateText(SPECS, WORDS, random),
      take: (text) => void parseSpec(text, machine),
    }),
    textTarget({
      name: "events",
      what: "events as perf's options spell them",
      weight: 2,
      statuses: [2, 3, 4],
      make: (random) => mutateText(EVENTS, WORDS, random),
      take: (text) => void parseEvents(text),
    }),
  ];
}
