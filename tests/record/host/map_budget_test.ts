import { assertEquals } from "@std/assert";
import { MapBudget } from "../../../lib/record/host/map_budget.ts";
import { type Proc, readProcess } from "../../../lib/record/host/procfs.ts";

/** Processes 1 to 9 with a mapping each, numbers below 5 of user 1000, those from 5 on of root. */
const proc: Proc = {
  list: (path) => [path.split("/")[2]],
  text(path) {
    const [, , pid, , , comm] = path.split("/");
    if (comm === "comm") return "x\n";
    const uid = Number(pid) < 5 ? 12345 : 0;
    return path.endsWith("/maps")
      ? "1000-2000 r-xp 0 fe:01 9 /x\n"
      : `PPid:\t1\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`;
  },
};

Deno.test("a user whose processes have too many mappings costs no more than the budget, and is named", () => {
  const budget = new MapBudget(40); // a line and a half
  const maps = [1, 2, 3, 4, 5, 6, 7].map((pid) => readProcess(proc, pid, "executable", budget)!.maps.length);
  assertEquals(maps, [1, 1, 0, 0, 1, 1, 1]);
  assertEquals(budget.notes().map((line) => line.split(" of user")[0] + line.split(":")[1]), [
    "the mappings of 2 processes their samples have no symbols",
  ]);
});
