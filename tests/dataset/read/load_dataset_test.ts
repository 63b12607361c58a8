import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadDataset } from "../../../lib/dataset/read/load_dataset.ts";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { sampleCount } from "../../../lib/profile/model/profile.ts";
import { bytesKept } from "../../memory.ts";
import { DAY, exported, filesOf, loaded, recordingOf, rowsOf, withDataset } from "../datasets.ts";

const WEB = [
  "nginx nginx!main;nginx!serve;libc.so!write 3",
  "nginx nginx!main;nginx! 2",
  "sh sh!main;[kernel]!exec 1",
];
const DB = ["postgres postgres!main;postgres!scan;libc.so!write 4", "nginx nginx!main;nginx!serve 1"];
const micros = (ms: number) => ms * 1000;

/** Makes a dataset of two hosts and three days. */
function fill(dataset: string): void {
  exported(dataset, recordingOf(WEB), { labels: new Map([["release", "1"], ["region", "eu"]]) });
  exported(dataset, recordingOf(DB, { host: "db-1", wallStart: DAY + 86400_000 }), {
    labels: new Map([["release", "2"], ["region", "eu"]]),
    service: "orders",
  });
  exported(dataset, recordingOf(WEB, { host: "web/2", wallStart: DAY + 2 * 86400_000 - 3 }), {
    labels: new Map([["release", "2"]]),
  });
}

Deno.test("the profile of a recording comes out of a dataset as it went in", async () => {
  await withDataset(async (dataset) => {
    const profile = recordingOf(WEB);
    exported(dataset, profile);
    const read = await loaded(dataset);
    assertEquals(rowsOf(read), rowsOf(profile));
    assertEquals(read.meta, profile.meta);
    assertEquals(read.times!.at, profile.times!.at);
    assertEquals([...read.times!.period], [...profile.times!.period]);
    assertEquals(read.events, profile.events);
  });
});

Deno.test("recordings of many hosts add up", async () => {
  await withDataset(async (dataset) => {
    fill(dataset);
    const read = await loaded(dataset);
    assertEquals(rowsOf(read), rowsOf(recordingOf([...WEB, ...DB, ...WEB])));
    assertEquals([read.meta.host, read.meta.wallStart], ["3 hosts", DAY]);
  });
});

Deno.test("hosts, services, labels and times choose samples", async () => {
  await withDataset(async (dataset) => {
    fill(dataset);
    const count = async (selection: Parameters<typeof loadDataset>[1]["selection"]) =>
      sampleCount(await loaded(dataset, { selection }));
    assertEquals(await count({ hosts: new Set(["db-1"]) }), 5);
    assertEquals(await count({ hosts: new Set(["web/2", "db-1"]) }), 11);
    assertEquals(await count({ hosts: new Set(["web"]) }), 0);
    assertEquals(await count({ services: new Set(["nginx"]) }), 10);
    assertEquals(await count({ services: new Set(["orders", "sh"]) }), 7);
    assertEquals(await count({ labels: new Map([["release", "2"]]) }), 11);
    assertEquals(await count({ labels: new Map([["release", "2"], ["region", "eu"]]) }), 5);
    // the third recording is from 3 ms before midnight to 2 ms behind it
    const midnight = micros(DAY + 2 * 86400_000);
    assertEquals(await count({ since: midnight }), 3);
    assertEquals(await count({ until: midnight }), 14);
    assertEquals(await count({ since: midnight - 1000, until: midnight + 1000 }), 2);
    assertEquals(
      await count({ since: micros(DAY + 1), until: micros(DAY + 3), services: new Set(["nginx"]) }),
      2,
    );
  });
});

Deno.test("the frame of all code in no function has the lowest and the highest address of all recordings", async () => {
  await withDataset(async (dataset) => {
    const at = (from: number, to: number, start: bigint) => {
      const profile = recordingOf(["app lib.so! 2"], { start });
      profile.unnamed.from[0] = from;
      profile.unnamed.to[0] = to;
      return profile;
    };
    exported(dataset, at(0x2000, 0x3000, 1n));
    exported(dataset, at(0x1000, 0x2800, 2n));
    assertEquals(rowsOf(await loaded(dataset)), ["app lib.so+0x1000..0x3000 self 4 total 4"]);
  });
});

Deno.test("inlined functions count for the function that they were inlined into, unless they are asked for", async () => {
  await withDataset(async (dataset) => {
    const profile = recordingOf(["app app!main;app!run;app!sort 2"]), { frames } = profile;
    const frameOf = (name: string) => frames.symbol.indexOf(profile.symbols.name.indexOf(name));
    frames.inlinedInto = new Int32Array(frames.symbol.length).fill(-1);
    frames.inlinedInto[frameOf("sort")] = frameOf("run");
    exported(dataset, profile);
    assertEquals(rowsOf(await loaded(dataset)), rowsOf(profile));
    assertEquals(rowsOf(await loaded(dataset, { inline: false })), [
      "app main self 0 total 2",
      "app run self 2 total 2",
    ]);
    assertEquals(rowsOf(await loaded(dataset, { inline: false, leafOnly: true })), [
      "app run self 2 total 2",
    ]);
  });
});

Deno.test("row groups are ruled out by their statistics", async () => {
  await withDataset(async (dataset) => {
    const count = 600_000, profile = recordingOf(["app app!main;app!work 600000"]);
    exported(dataset, profile);
    const options = {
      inline: true,
      leafOnly: false,
      lines: false,
      mergeCpus: true,
      mergeThreads: true,
      times: false,
    };
    const selection = { since: micros(DAY + count - 1000) };
    const { profile: last, groups } = await loadDataset(dataset, { selection, ...options });
    assertEquals([sampleCount(last), groups.read, groups.skipped], [1000, 1, 2]);
    // what is kept does not grow with the samples
    const whole = (await loadDataset(dataset, { selection: {}, ...options })).profile;
    assertEquals(sampleCount(whole), count);
    assert(bytesKept(() => structuredClone(whole)) < 100_000);
  });
});

Deno.test("a damaged file is named in one line, and nothing else goes wrong", async () => {
  await withDataset(async (dataset) => {
    exported(dataset, recordingOf(WEB));
    for (const file of filesOf(dataset)) {
      const path = `${dataset}/${file}`, whole = Deno.readFileSync(path);
      let state = 7;
      for (let round = 0; round < 40; round++) {
        const bytes = whole.slice(0, round % 4 === 0 ? Math.floor(whole.length * round / 40) : undefined);
        for (let change = 0; change < 4 && bytes.length > 0; change++) {
          state = Math.imul(state, 1103515245) + 12345 & 0x7fffffff;
          bytes[state % bytes.length] ^= 1 << (state >>> 20 & 7);
        }
        Deno.writeFileSync(path, bytes);
        try {
          await loaded(dataset);
        } catch (error) {
          assert(error instanceof BadInputError, `${file}, round ${round}: ${error}`);
        }
      }
      Deno.writeFileSync(path, whole);
    }
    Deno.removeSync(`${dataset}/${filesOf(dataset)[0]}`);
    await assertRejects(() => loaded(dataset), BadInputError, "/frames/");
  });
});
