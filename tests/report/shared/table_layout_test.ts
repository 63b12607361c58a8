import { assertEquals } from "@std/assert";
import type { SortKey } from "../../../lib/profile/request/sort_keys.ts";
import { layTable, shortObject } from "../../../lib/report/shared/table_layout.ts";

const NUMBERS = [{ title: "Overhead", width: 8 }, { title: "Samples", width: 8, yields: 0 }];
const VECTOR = "std::vector<std::__cxx11::basic_string<char>, std::allocator<int> >::push_back(int&&)";

/** The lines of a table with these rows of cells, by key. */
function table(keys: SortKey[], cells: Partial<Record<SortKey, string>>[], width: number): string[] {
  const layout = layTable({
    rows: cells.map((_, place) => ({ group: 0, place })),
    numbers: NUMBERS,
    figures: () => ["  12.34%", "      51"],
    keys,
    text: (key, { place }) => cells[place][key] ?? "",
  }, width);
  const rows = cells.map((_, place) => layout.line({ group: 0, place }));
  return [...layout.above, layout.title, ...rows].map((line) => line.trimEnd());
}

const LONG = [
  { comm: "worker-threads", dso: "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30", sym: `[.] ${VECTOR}` },
  { comm: "main", dso: "[kernel.kallsyms]", sym: "[k] native_queued_spin_lock_slowpath" },
];

Deno.test("layTable() leaves all whole without a width", () => {
  assertEquals(table(["comm", "dso", "sym"], LONG, Infinity), [
    "Overhead  Samples  Command         Object                                         Symbol",
    `  12.34%       51  worker-threads  /usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30  [.] ${VECTOR}`,
    "  12.34%       51  main            [kernel.kallsyms]                              [k] native_queued_spin_lock_slowpath",
  ]);
});

Deno.test("layTable() gives symbols half of a terminal, and shortens the other cells", () => {
  assertEquals(table(["comm", "dso", "sym"], LONG, 80), [
    "Overhead Samples  Command   Object      Symbol",
    "  12.34%      51  worker-…  …stdc++.so  [.] std::vector<…>::push_back(int&&)",
    "  12.34%      51  main      [kernel.…]  [k] native_queued_spin_lock_slowpath",
  ]);
});

Deno.test("layTable() does not shorten the objects of all rows for the sake of one long symbol", () => {
  const usual = { comm: "app", dso: "ld-linux-x86-64.so.2", sym: "[.] _dl_lookup_symbol_x" };
  const rows = [...Array(40).fill(usual), { ...usual, comm: "sh", sym: `[.] ${VECTOR}` }];
  const lines = table(["comm", "dso", "sym"], rows, 80);
  assertEquals(lines[1], "  12.34%       51  app      ld-linux-x86-64.so.2  [.] _dl_lookup_symbol_x");
  assertEquals(lines.filter((line) => line.length > 80), []);
  assertEquals(lines[41].includes("push_back(…)"), true, "the long one is folded");
});

Deno.test("layTable() cuts the name of an inlined function, not its mark", () => {
  const name = "_ZN3foo3barIiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiEEvT_";
  const rows = [{ comm: "app", dso: "app", sym: `[.] ${VECTOR} (inlined)` }, {
    comm: "app",
    dso: "app",
    sym: `[.] ${name} (inlined)`,
  }];
  const [, folded, cut] = table(["comm", "dso", "sym"], rows, 70).slice(-3);
  assertEquals(folded.slice(folded.indexOf("[.]")), "[.] std::vector<…>::push_back(…) (inlined)");
  assertEquals(cut.replace(/.*\[\.\] /, "").replace(/i+…/, "i…"), "_ZN3foo3barIi… (inlined)");
  assertEquals(cut.length <= 70, true, cut);
});

Deno.test("layTable() shortens nothing that has room", () => {
  const short = [{ comm: "app", dso: "libc.so.6", sym: "[.] malloc" }, {
    comm: "sh",
    dso: "sh",
    sym: "[.] f",
  }];
  assertEquals(table(["comm", "dso", "sym"], short, 80), [
    "Overhead  Samples  Command  Object     Symbol",
    "  12.34%       51  app      libc.so.6  [.] malloc",
    "  12.34%       51  sh       sh         [.] f",
  ]);
  const [, first] = table(["comm", "dso", "sym"], LONG, 200);
  assertEquals(first, `  12.34%       51  worker-threads  …/libstdc++.so.6.0.30             [.] ${VECTOR}`);
});

Deno.test("layTable() says once what all rows have in common, where there is no room for a column of it", () => {
  const alike = LONG.map((row) => ({ ...row, comm: "worker-threads" }));
  assertEquals(table(["comm", "dso", "sym"], alike, 80), [
    "Command: worker-threads",
    "Overhead Samples  Object                Symbol",
    "  12.34%      51  libstdc++.so.6.0.30   [.] std::vector<…>::push_back(int&&)",
    "  12.34%      51  [kernel.kallsyms]     [k] native_queued_spin_lock_slowpath",
  ]);
});

Deno.test("layTable() leaves columns of numbers out last, and says which", () => {
  const lines = table(["comm", "pid", "dso", "sym"], LONG.map((row, i) => ({ ...row, pid: `${i}:app` })), 76);
  assertEquals(lines[0], "No room for Samples: widen the terminal, or --full-names");
  assertEquals(lines[1].startsWith("Overhead  Command"), true);
  for (const line of lines) assertEquals(line.length <= 76, true, line);
});

Deno.test("layTable() keeps columns below each other behind symbols, and counts wide letters", () => {
  const cells = [{ sym: `[.] ${VECTOR}`, srcline: "vector.tcc:12" }, {
    sym: "[.] 漢字",
    srcline: "main.c:1",
  }];
  assertEquals(table(["sym", "srcline"], cells, 70), [
    "Overhead  Samples  Symbol                                Source:Line",
    "  12.34%       51  [.] std::vector<…>::push_back(int&&)  vector.tcc:12",
    "  12.34%       51  [.] 漢字                              main.c:1",
  ]);
});

Deno.test("shortObject() shortens from the left, and keeps what names the object", () => {
  assertEquals(
    shortObject("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", 35),
    "…/x86_64-linux-gnu/libstdc++.so.6",
  );
  assertEquals(shortObject("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", 20), "…/libstdc++.so.6");
  assertEquals(shortObject("libstdc++.so.6.0.30", 13), "libstdc++.so…");
  assertEquals(shortObject("libstdc++.so.6.0.30", 10), "…stdc++.so");
  assertEquals(shortObject("a-program-of-a-long-name", 12), "…a-long-name");
  assertEquals(shortObject("[kernel.kallsyms]", 10), "[kernel.…]");
  assertEquals(shortObject("libc.so.6", 10), "libc.so.6");
});
