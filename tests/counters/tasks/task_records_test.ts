import { assertEquals } from "@std/assert";
import { PERF_RECORD, PERF_RECORD_USER } from "../../../lib/base/system/abi.ts";
import { lifecycleAttr } from "../../../lib/counters/tasks/task_counters.ts";
import { type TaskRecord, TaskRecordStream } from "../../../lib/counters/tasks/task_records.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import { encodeComm, encodeMmap, encodeRecord } from "../../../lib/perfdata/format/record_encoders.ts";

const ATTR = lifecycleAttr("processes");
const LAYOUT = compileLayout(ATTR);
const END_OF_ROUND = Uint8Array.from([PERF_RECORD_USER.FINISHED_ROUND, 0, 0, 0, 0, 0, 8, 0]);

/** Encodes the fork or the exit of a thread of process 1. */
function task(kind: "FORK" | "EXIT", tid: number, time: bigint): Uint8Array {
  return encodeRecord(PERF_RECORD[kind], 0, LAYOUT, { time }, (w) => {
    w.i32(1).i32(1).i32(tid).i32(1).u64(time);
  });
}

function joined(...records: Uint8Array[]): Uint8Array {
  return Uint8Array.from(records.flatMap((record) => [...record]));
}

/** A stream, what it has let arrive, and what it has handed out in turn: kind and thread, or the number lost. */
function watched() {
  const arrived: string[] = [], inTurn: string[] = [];
  const name = (record: TaskRecord) => `${record.kind} ${record.kind === "lost" ? record.count : record.tid}`;
  const stream = new TaskRecordStream(ATTR, {
    arrived: (record) => arrived.push(name(record)),
    inTurn: (record) => inTurn.push(name(record)),
  });
  return { stream, arrived, inTurn, taken: () => inTurn.splice(0) };
}

Deno.test("records of threads arrive at once, and come in turn when a later round has ended", () => {
  const { stream, arrived, taken } = watched();
  // two CPUs: the second one's ring is read later, with what happened before
  stream.feed(joined(task("FORK", 3, 30n), task("EXIT", 3, 50n), task("FORK", 2, 20n)));
  assertEquals([arrived, taken()], [["fork 3", "exit 3", "fork 2"], []]);
  stream.feed(END_OF_ROUND);
  assertEquals(taken(), [], "a record of the first round may still come in the second");
  stream.feed(joined(task("FORK", 4, 40n), task("FORK", 6, 60n), END_OF_ROUND));
  assertEquals(taken(), ["fork 2", "fork 3", "fork 4", "exit 3"]);
  stream.feed(joined(task("EXIT", 6, 70n), END_OF_ROUND));
  assertEquals(taken(), ["fork 6"]);
  stream.end();
  assertEquals(taken(), ["exit 6"]);
});

Deno.test("records come in turn by age when no round ends, and each comes once", () => {
  const { stream, taken } = watched();
  stream.feed(joined(task("FORK", 3, 30n), task("FORK", 2, 20n), task("FORK", 4, 40n)));
  stream.releaseUntil(30n);
  assertEquals(taken(), ["fork 2", "fork 3"]);
  stream.releaseUntil(30n);
  assertEquals(taken(), []);
  stream.end();
  stream.end();
  assertEquals(taken(), ["fork 4"]);
});

Deno.test("records may be cut anywhere between two pieces of the stream", () => {
  const bytes = joined(
    task("FORK", 2, 20n),
    encodeComm({ pid: 2, tid: 2, comm: "sort", exec: true }, LAYOUT, { pid: 2, tid: 2, time: 25n }),
    task("EXIT", 2, 30n),
    END_OF_ROUND,
    END_OF_ROUND,
  );
  for (let size = 1; size <= bytes.length; size++) {
    const { stream, taken } = watched();
    for (let at = 0; at < bytes.length; at += size) stream.feed(bytes.subarray(at, at + size));
    assertEquals(taken(), ["fork 2", "exec 2", "exit 2"], `in pieces of ${size}`);
  }
});

Deno.test("programs that start, mappings, and losses are told; another name of a thread is not", () => {
  const { stream, inTurn } = watched();
  const own = { pid: 2, tid: 5 };
  stream.feed(joined(
    encodeComm({ ...own, comm: "renamed", exec: false }, LAYOUT, { ...own, time: 10n }),
    encodeComm({ ...own, comm: "program", exec: true }, LAYOUT, { ...own, time: 20n }),
    encodeMmap({ ...own, start: 0x1000, length: 8, pgoff: 0, filename: "/x" }, LAYOUT, { ...own, time: 30n }),
    encodeRecord(PERF_RECORD.LOST, 0, LAYOUT, { ...own, time: 40n }, (w) => {
      w.u64(1n).u64(7n);
    }),
  ));
  stream.end();
  assertEquals(inTurn, ["exec 5", "map 5", "lost 7"]);
});
