/** Texts of source lines, and what is said about files whose lines are not shown. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  BundledSources,
  type SourceExcerpt,
  writeSources,
} from "../../lib/symbols/bundle/bundled_sources.ts";
import { excerptOf, shownLines, SourceFiles, SourceTexts } from "../../lib/symbols/source_texts.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const line = (file: string, line: number, samples = 0) => ({ file, line, samples });
const linesIn = (bytes: Uint8Array, numbers: number[]) =>
  shownLines({ ...excerptOf(bytes, numbers), modified: 0 }, numbers);

Deno.test("lines are found by their numbers, and a last one without an end", () => {
  const { texts, problem } = linesIn(bytes("one\n\nthree"), [1, 2, 3]);
  assertEquals([...texts], [[1, "one"], [2, ""], [3, "three"]]);
  assertEquals(problem, undefined);
});

Deno.test("a file with fewer lines is another version than was compiled", () => {
  for (const text of ["", "one", "one\n", "one\n\n"]) {
    const { problem = "" } = linesIn(bytes(text), [9]);
    assertMatch(problem, /not the version that was compiled: it has no line 9/);
  }
  assertEquals(linesIn(bytes("one\n"), [1, 2]).texts.get(1), "one");
});

Deno.test("a very long line is cut, and that is said", () => {
  for (const letter of ["x", "é", "😀"]) {
    const { texts, problem } = linesIn(bytes(`${letter.repeat(1 << 20)}\nnext`), [1, 2]);
    const text = texts.get(1)!;
    assert(text.length <= 501 && text.endsWith(`${letter}…`), text.slice(-3));
    assertEquals(texts.get(2), "next");
    assertEquals(problem, "lines are cut at 500 characters");
  }
});

/** Calls `body` with a folder, removed afterwards. */
function inFolder(body: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" });
  try {
    body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("each file whose text is not shown is named with the cause, the one with most samples first", () => {
  inFolder((folder) => {
    const big = `${folder}/big.c`,
      old = `${folder}/old.c`,
      good = `${folder}/good.c`,
      newer = `${folder}/newer.c`;
    Deno.writeTextFileSync(good, "int x;\n");
    Deno.writeTextFileSync(newer, "int y;\n");
    Deno.writeTextFileSync(old, "int z;\n");
    Deno.truncateSync((Deno.writeTextFileSync(big, ""), big), 1 << 25);
    for (const file of [good, old]) Deno.utimeSync(file, 1000, 1000);
    const lines = [
      line(`${folder}/gone.c`, 1, 1),
      line("relative.c", 1, 2),
      line(big, 1, 3),
      line(folder, 1, 4),
      line(old, 77, 5),
      line(newer, 1, 6),
      line(good, 1, 7),
      line(good, 0),
    ];
    const texts = new SourceTexts(lines);
    assertEquals([texts.of(lines[6]), texts.of(lines[7]), texts.of(lines[0])], [
      "int x;",
      undefined,
      undefined,
    ]);
    assertEquals(texts.of(lines[5]), "int y;");
    const warnings = texts.warnings(lines, 2000).map((each) => each.replaceAll(folder, "DIR"));
    assertEquals(warnings, [
      "source file DIR/newer.c: it is newer than the program: its lines may be other ones",
      "source file DIR/old.c: not the version that was compiled: it has no line 77",
      "source file DIR: not shown: it is a folder, not a regular file",
      "source file DIR/big.c: not shown: it is 33554432 bytes large; at most 16777216 bytes are read",
      "source file relative.c: not shown: the program does not say in which folder it is",
      "1 more source file not shown, or not as compiled",
    ]);
    assertEquals(texts.warnings([lines[0]], Infinity), [
      `source file ${folder}/gone.c: not shown: no such file or directory`,
    ]);
    assertEquals(texts.warnings([lines[6]], 2000), []);
  });
});

Deno.test("a file that not everybody may read is not shown to root, nor to those who may not read it", () => {
  inFolder((folder) => {
    const path = `${folder}/secret.c`;
    Deno.writeTextFileSync(path, "secret\n");
    Deno.chmodSync(path, 0o200);
    const lines = [line(path, 1)], texts = new SourceTexts(lines);
    assertEquals(texts.of(lines[0]), undefined);
    const why = Deno.uid() === 0 ? "as root, only files that everybody may read are" : "permission denied";
    assertEquals(texts.warnings(lines, Infinity), [`source file ${path}: not shown: ${why}`]);
  });
});

Deno.test("of very many files, five are named", () => {
  const lines = Array.from({ length: 3000 }, (_, i) => line(`/nowhere/${i}.c`, 1, 3000 - i));
  const warnings = new SourceTexts(lines).warnings(lines, Infinity);
  assertEquals(warnings.length, 6);
  assertEquals(warnings[0], "source file /nowhere/0.c: not shown: no such file or directory");
  assertEquals(warnings[5], "2995 more source files not shown, or not as compiled");
});

/** Sources that a recording carries, with `texts` of a file. */
function carrying(path: string, excerpt: SourceExcerpt): BundledSources {
  return new BundledSources(writeSources(new Map([[path, excerpt]])).subarray(8));
}

Deno.test("lines that the recording carries are shown as they were in the file, with the same warnings", () =>
  inFolder((folder) => {
    const path = `${folder}/x.c`, numbers = [1, 3, 9];
    Deno.writeTextFileSync(path, `one\ntwo\n${"😀".repeat(600)}\n`);
    const lines = numbers.map((number) => line(path, number, 1));
    for (const asked of [lines, lines.slice(0, 2), lines.slice(0, 1)]) {
      const carried = carrying(path, new SourceFiles(undefined).read(path, numbers));
      const read = new SourceTexts(asked), texts = asked.map((each) => read.of(each));
      const warnings = read.warnings(asked, Infinity), newer = read.warnings(asked, 0);
      Deno.renameSync(path, `${path}.old`);
      const again = new SourceTexts(asked, carried);
      assertEquals(asked.map((each) => again.of(each)), texts);
      assertEquals([again.warnings(asked, Infinity), again.warnings(asked, 0)], [warnings, newer]);
      Deno.renameSync(`${path}.old`, path);
    }
  }));

Deno.test("a file is read where the recording has not all of its lines, and else the recording says why", () =>
  inFolder((folder) => {
    const path = `${folder}/x.c`, asked = [line(path, 1, 1), line(path, 2, 1)];
    const partly = carrying(path, { texts: new Map([[1, "carried"]]), modified: 0 });
    const problem = carrying(path, { texts: new Map(), modified: 0, problem: "not shown: as secret" });
    assertEquals(new SourceTexts(asked, partly).of(asked[0]), "carried");
    assertMatch(new SourceTexts(asked, partly).warnings(asked, 9)[0], /does not carry line 2/);
    assertMatch(new SourceTexts(asked, problem).warnings(asked, 9)[0], /as secret/);
    Deno.writeTextFileSync(path, "one\ntwo\n");
    for (const carried of [partly, problem]) {
      assertEquals(asked.map((each) => new SourceTexts(asked, carried).of(each)), ["one", "two"]);
    }
  }));
