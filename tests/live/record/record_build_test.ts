/** A build of a real C project (LMDB, as npm's lmdb package brings it), recorded system-wide by both recorders at once. */

import { assert, assertEquals } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { jsonReport, perfOk, perfReportRows, pmuctl, run, withFolder } from "../harness.ts";

const PACKAGE = "lmdb@3.4.4";
const PROJECT = "package/dependencies/lmdb/libraries/liblmdb";

/** The project's folder, unpacked into `folder`. */
async function project(folder: string): Promise<string> {
  const packed = await run("npm", ["pack", "--silent", PACKAGE], { cwd: folder });
  assertEquals(packed.status, 0, packed.stderr);
  const unpacked = await run("tar", ["xzf", packed.stdout.trim(), PROJECT], { cwd: folder });
  assertEquals(unpacked.status, 0, unpacked.stderr);
  return `${folder}/${PROJECT}`;
}

/** Samples that perf shows by their address, and all of them. */
async function perfUnresolved(file: string): Promise<{ samples: number; unresolved: number }> {
  const rows = await perfReportRows(file);
  const sum = (of: typeof rows) => of.reduce((total, row) => total + row.samples, 0);
  return {
    samples: sum(rows),
    unresolved: sum(rows.filter(({ symbol }) => /^0x[0-9a-f]+$|^\[unknown\]$/.test(symbol))),
  };
}

async function oursUnresolved(file: string): Promise<{ samples: number; unresolved: number }> {
  const { events, unresolved } = await jsonReport(file);
  return {
    samples: events.reduce((sum, event) => sum + event.samples, 0),
    unresolved: unresolved.reduce((sum, each) => sum + each.samples, 0),
  };
}

testNeeding(
  ["perf", "make", "npm"],
  "of a make -j2, no more samples stay without a symbol than with perf",
  () =>
    withFolder(async (folder) => {
      const [ours, perfs] = [`${folder}/ours.data`, `${folder}/perfs.data`];
      const make = ["make", "-j2", "-B", "-C", await project(folder), "mdb_stat", "mdb_load"];
      // -B -N: perf 6.1 can fail while it saves what it found, on systems with many programs of one build id
      const perf = ["perf", "record", "-q", "-B", "-N", "-e", "cpu-clock", "-F", "999", "-a", "-o", perfs];
      const recorded = await pmuctl([
        "record",
        "-e",
        "cpu-clock",
        "-F",
        "999",
        "-a",
        "-o",
        ours,
        "--",
        ...perf,
        "--",
        ...make,
      ]);
      assertEquals(recorded.status, 0, recorded.stderr);

      // the same file, read by both: the same samples have no symbol, or fewer
      const [own, ownByPerf] = [await oursUnresolved(ours), await perfUnresolved(ours)];
      assert(own.samples > 1000, `${own.samples} samples`);
      assertEquals(own.samples, ownByPerf.samples);
      assert(own.unresolved <= ownByPerf.unresolved, `${own.unresolved}, perf has ${ownByPerf.unresolved}`);

      // the same build, each recorded and read by its own tool; the two did not sample at the same moments
      const theirs = await perfUnresolved(perfs);
      const share = ({ samples, unresolved }: typeof own) => unresolved / samples;
      assert(share(own) <= share(theirs) + 0.01, `${share(own)} of ours, ${share(theirs)} of perf's`);
      await perfOk(["buildid-list", "-i", ours]);
    }),
);
