import { assert, assertEquals, assertThrows } from "@std/assert";
import { BadInputError, UnsupportedError } from "../../../lib/base/system/errors.ts";
import { DAY, exported, filesOf, loaded, recordingOf, rowsOf, withDataset } from "../datasets.ts";

const WEB = [
  "nginx nginx!main;nginx!serve;libc.so!write 3",
  "nginx nginx!main;nginx!serve 2",
  "sh sh!main;[kernel]!exec 1",
];
const DB = ["postgres postgres!main;postgres!scan 4"];

Deno.test("a recording is a file in each table, by the date on which it began and its host", async () => {
  await withDataset((dataset) => {
    const { recording, added, samples } = exported(dataset, recordingOf(WEB));
    assertEquals([added, samples], [true, 6]);
    const files = ["frames", "stacks", "recordings", "samples"]
      .map((table) => `${table}/date=2026-11-30/host=web-1/2026-11-30-${recording}.parquet`);
    assertEquals(filesOf(dataset), files);
  });
});

Deno.test("the same recording is in a dataset once, whatever its file, labels and names of functions", async () => {
  await withDataset(async (dataset) => {
    const profile = recordingOf(WEB);
    exported(dataset, profile);
    assertEquals(
      exported(dataset, profile, { source: "copy.data", modified: 1e9, host: "other" }).added,
      false,
    );
    const unnamed = {
      ...profile,
      symbols: { ...profile.symbols, name: profile.symbols.name.map(() => "x") },
    };
    assertEquals(exported(dataset, unnamed).added, false);
    assertEquals(rowsOf(await loaded(dataset)), rowsOf(profile));
  });
});

Deno.test("recordings that differ in the time of one sample are two", async () => {
  await withDataset((dataset) => {
    const one = recordingOf(WEB), other = recordingOf(WEB);
    other.times!.at[2] += 1;
    assertEquals([exported(dataset, one).added, exported(dataset, other).added], [true, true]);
  });
});

Deno.test("samples whose recording does not tell the time of day are as old as its file", async () => {
  await withDataset((dataset) => {
    const told = exported(dataset, recordingOf(WEB));
    const untold = exported(dataset, recordingOf(DB, { wallStart: -1 }), {
      modified: DAY / 1000 + 86400.001,
    });
    assertEquals([told.timeSource, untold.timeSource], ["clock", "file"]);
    assert(
      filesOf(dataset).some((file) => /date=2026-11-30.host=web-1.2026-12-01-/.test(file)),
      "it began before midnight",
    );
  });
});

Deno.test("a part is there whole or not at all, whenever its writer ends, and adding it again completes it", async () => {
  const profile = recordingOf(WEB), other = recordingOf(DB, { host: "db-1" });
  const { renameSync, removeSync } = Deno;
  for (let renamed = 0; renamed <= 4; renamed++) {
    await withDataset(async (dataset) => {
      exported(dataset, other);
      let left = renamed;
      // a killed writer neither renames more nor removes anything
      Deno.renameSync = (from, to) => {
        if (left-- === 0) throw new Error("killed");
        renameSync(from, to);
      };
      Deno.removeSync = () => {};
      try {
        if (renamed < 4) assertThrows(() => exported(dataset, profile), Error, "killed");
        else exported(dataset, profile);
      } finally {
        Object.assign(Deno, { renameSync, removeSync });
      }
      assertEquals(
        rowsOf(await loaded(dataset)),
        rowsOf(renamed < 4 ? other : recordingOf([...WEB, ...DB])),
        `${renamed} renamed`,
      );
      assertEquals(exported(dataset, profile).added, renamed < 4);
      assertEquals(rowsOf(await loaded(dataset)), rowsOf(recordingOf([...WEB, ...DB])));
    });
  }
});

Deno.test("what a writer left that was killed is removed a day later", async () => {
  await withDataset((dataset) => {
    exported(dataset, recordingOf(WEB));
    const folder = `${dataset}/samples/date=2026-11-30/host=web-1`;
    for (const [name, age] of [[".old.tmp", 25], [".new.tmp", 1]] as const) {
      Deno.writeTextFileSync(`${folder}/${name}`, "half");
      const time = new Date(Date.now() - age * 3600_000);
      Deno.utimeSync(`${folder}/${name}`, time, time);
    }
    exported(dataset, recordingOf(DB));
    const hidden = Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) =>
      name.startsWith(".")
    );
    assertEquals(hidden, [".new.tmp"]);
  });
});

Deno.test("a recording without samples, or with weights that no counter has, is refused in one line", async () => {
  await withDataset((dataset) => {
    const none = { ...recordingOf(WEB), samples: recordingOf([]).samples };
    assertThrows(() => exported(dataset, none), BadInputError, "cannot export perf.data: it has no samples");
    const heavy = recordingOf(WEB);
    heavy.times!.period[1] = 2 ** 60;
    assertThrows(() => exported(dataset, heavy), BadInputError, "it has samples with a weight above 2^51");
  });
});

Deno.test("a dataset that cannot be written is refused in one line", async () => {
  await withDataset((dataset) => {
    Deno.writeTextFileSync(dataset, "");
    assertThrows(
      () => exported(dataset, recordingOf(WEB)),
      UnsupportedError,
      `cannot make the dataset ${dataset}`,
    );
  });
});
