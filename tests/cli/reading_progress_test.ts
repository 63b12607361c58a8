import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ByteInput } from "../../lib/base/bytes/byte_source.ts";
import { fetchingNotes, renderFetching, withProgress } from "../../lib/cli/reading_progress.ts";

/** A file of `size` bytes, none of which is there. */
function hollow(size: number | undefined, beside?: ByteInput[]): ByteInput {
  return { name: "big", size, read: (into) => into.length, readAt: (_, into) => into.length, beside };
}

/** The lines shown while `chunks` of ten million bytes are read, the clock going on by `step` ms each. */
async function shownWhile(input: ByteInput, chunks: number, step: number, stderrIsTerminal = true) {
  const lines: string[] = [];
  let time = 0;
  const chunk = new Uint8Array(10_000_000);
  await withProgress(input, { stderrIsTerminal, status: (line) => lines.push(line) }, (counted) => {
    for (let i = 0; i < chunks; i++) i % 2 === 0 ? counted.read(chunk) : counted.readAt!(0, chunk);
    for (const part of counted.beside ?? []) part.read(chunk);
    return Promise.resolve();
  }, () => time += step);
  return lines;
}

Deno.test("withProgress() shows how much of a long file is read, not more often than ten times a second", async () => {
  assertEquals(await shownWhile(hollow(100_000_000), 10, 50), [
    "reading  10% of 95.4 MiB",
    "reading  30% of 95.4 MiB",
    "reading  50% of 95.4 MiB",
    "reading  70% of 95.4 MiB",
    "reading  90% of 95.4 MiB",
    "",
  ]);
});

Deno.test("withProgress() counts all files of a folder, and never more than all of them", async () => {
  const folder = hollow(50_000_000, [hollow(30_000_000), hollow(20_000_000)]);
  const lines = await shownWhile(folder, 9, 200);
  assertEquals(lines.slice(-4), [
    "reading  90% of 95.4 MiB",
    "reading 100% of 95.4 MiB",
    "reading 100% of 95.4 MiB",
    "",
  ]);
});

Deno.test("withProgress() passes on all that is known of the input", async () => {
  const input = { ...hollow(1e9), modified: 1234 }, io = { stderrIsTerminal: true, status: () => {} };
  const { modified, size, name } = await withProgress(input, io, (counted) => Promise.resolve(counted));
  assertEquals({ modified, size, name }, { modified: 1234, size: 1e9, name: "big" });
});

Deno.test("withProgress() shows nothing for a short file, a pipe, or where there is no terminal", async () => {
  assertEquals(await shownWhile(hollow(99_000_000), 2, 200), []);
  assertEquals(await shownWhile(hollow(undefined), 2, 200), []);
  assertEquals(await shownWhile(hollow(200_000_000), 2, 200, false), []);
});

Deno.test("withProgress() takes its line away when reading fails", async () => {
  const lines: string[] = [];
  const io = { stderrIsTerminal: true, status: (line: string) => void lines.push(line) };
  const fail = () => Promise.reject(new Error("damaged"));
  await assertRejects(() => withProgress(hollow(1e9), io, fail), Error, "damaged");
  assertEquals(lines, [""]);
});

const FETCHING = { done: 2, files: 7, received: 5 << 20, announced: 50 << 20 };

Deno.test("the line of fetching fits its width, and leaves out what does not", () => {
  assertEquals(
    renderFetching(FETCHING, 80),
    "fetching 7 debug files: 2 done, 5.0 MiB of 50.0 MiB  (Ctrl-C goes on without)",
  );
  assertEquals(renderFetching(FETCHING, 60), "fetching 7 debug files: 2 done, 5.0 MiB of 50.0 MiB");
  assertEquals(
    renderFetching({ done: 0, files: 1, received: 0, announced: 0 }, 40),
    "fetching 1 debug file: 0 done",
  );
  for (let columns = 1; columns < 100; columns++) assert(renderFetching(FETCHING, columns).length < columns);
});

Deno.test("fetching is a status line, which goes away at the end", () => {
  const shown: string[] = [];
  const tell = fetchingNotes({ columns: 80, status: (line) => void shown.push(line) });
  tell(FETCHING);
  tell(undefined);
  assertEquals(shown, [renderFetching(FETCHING, 80), ""]);
});
