import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkLayout,
  MARKER,
  partitionFolder,
  partitionsOf,
  refuseOtherFolder,
} from "../../../lib/dataset/layout/partitions.ts";
import { BadInputError, UsageError } from "../../../lib/base/system/errors.ts";
import { withDataset } from "../datasets.ts";

const HOSTS = [
  "web-1",
  "../../etc",
  "a=b/c%d",
  "..",
  "q\"'{}[]^*?:#\\",
  "日本 host",
  "a\nb\x1b[31m",
  "UP%2Fper",
];

Deno.test("a host whose name is any text has one folder, and that folder leads back to it", async () => {
  await withDataset((dataset) => {
    for (const host of HOSTS) {
      const folder = partitionFolder({ date: "2026-11-30", host });
      assertEquals(folder.split("/").length, 2, folder);
      Deno.mkdirSync(`${dataset}/samples/${folder}`, { recursive: true });
    }
    assertEquals(partitionsOf(dataset, "samples").map(({ host }) => host).sort(), [...HOSTS].sort());
  });
});

Deno.test("a host is escaped as Hive escapes partitions", () => {
  assertEquals(
    partitionFolder({ date: "2026-11-30", host: "a/b=c%\n" }),
    "date=2026-11-30/host=a%2Fb%3Dc%25%0A",
  );
});

Deno.test("the name of a host is cut where a folder name would become too long", () => {
  for (const host of ["h".repeat(5000), "/".repeat(5000), "日".repeat(5000), "😀".repeat(5000)]) {
    const name = partitionFolder({ date: "2026-11-30", host }).split("/")[1];
    assert(new TextEncoder().encode(name).length <= 255, `${name.length}`);
    assertEquals(name, name.replace(/\ufffd/g, ""), "no letter is cut");
  }
});

Deno.test("a folder with other files does not become a dataset", async () => {
  await withDataset((dataset) => {
    refuseOtherFolder(dataset);
    Deno.mkdirSync(dataset);
    refuseOtherFolder(dataset);
    Deno.writeTextFileSync(`${dataset}/notes.txt`, "");
    assertThrows(() => refuseOtherFolder(dataset), UsageError, "such as notes.txt");
    Deno.writeTextFileSync(`${dataset}/${MARKER}`, "{}");
    refuseOtherFolder(dataset);
  });
});

Deno.test("a dataset of another layout is refused in one line", async () => {
  await withDataset((dataset) => {
    Deno.mkdirSync(dataset);
    for (const text of ['{"layout":2}', "{}", "null", "nonsense"]) {
      Deno.writeTextFileSync(`${dataset}/${MARKER}`, text);
      assertThrows(() => checkLayout(dataset), BadInputError, "cannot read the dataset");
    }
  });
});
