import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Control } from "../../ffi/control.ts";
import { BadInputError } from "../../lib/base/system/errors.ts";
import { eventually } from "../eventually.ts";
import { run, withFolder } from "../live/harness.ts";

/** Open FIFOs with both ends at hand, and what their commands did. */
interface Opened {
  say(text: string): void;
  /** Waits for this many bytes of answers. */
  hear(bytes: number): Promise<Uint8Array>;
  control: Control;
  done: string[];
  notes: string[];
}

async function withControl(body: (opened: Opened) => Promise<void>, stops = true): Promise<void> {
  await withFolder(async (folder) => {
    const [commands, answers] = [`${folder}/ctl`, `${folder}/ack`];
    assertEquals((await run("mkfifo", [commands, answers])).status, 0);
    const done: string[] = [], notes: string[] = [];
    const control = Control.open({ commands, answers }, (line) => notes.push(line));
    const act = (what: string) => () => void done.push(what);
    const stop = stops ? { stop: act("stop") } : {};
    control.attach({ enable: act("enable"), disable: act("disable"), ...stop });
    using to = Deno.openSync(commands, { write: true });
    using from = Deno.openSync(answers, { read: true, write: true });
    try {
      await body({
        say: (text) => void to.writeSync(new TextEncoder().encode(text)),
        hear: async (bytes) => {
          const heard = new Uint8Array(bytes);
          for (let at = 0; at < bytes;) at += await from.read(heard.subarray(at)) ?? 0;
          return heard;
        },
        ...{ control, done, notes },
      });
    } finally {
      control.close();
    }
  });
}

const ACK = [..."ack\n\0"].map((letter) => letter.charCodeAt(0));

Deno.test("Control acts on each command, in order, and answers it as perf does", () =>
  withControl(async ({ say, hear, done, notes }) => {
    say("enable\ndis");
    assertEquals([...await hear(5)], ACK);
    assertEquals(done, ["enable"]);
    say("able\n");
    say("ping\n\nstop\0  enable \r\n");
    assertEquals([...await hear(20)], [...ACK, ...ACK, ...ACK, ...ACK]);
    assertEquals(done, ["enable", "disable", "stop", "enable"]);
    assertEquals(notes, []);
  }));

Deno.test("Control notes what is no command, a few times, and does not answer it", () =>
  withControl(async ({ say, hear, done, notes }) => {
    say("snapshot\nstop\nenable cycles\n\x1b[31mred\nx\ny\nz\nevlist\nenable\n");
    assertEquals([...await hear(5)], ACK);
    assertEquals(done, ["enable"]);
    assertEquals(notes.length, 5);
    assertMatch(
      notes[0],
      /^warning: .*ctl: 'snapshot' is no command: expected enable, disable or ping, a line each$/,
    );
    assertMatch(notes[3], /'\\x1b\[31mred' is no command/);
    assertMatch(notes[4], /; others like it are not shown$/);
  }, false));

Deno.test("Control passes over a line without an end, however long, and lets nobody wait", () =>
  withControl(async ({ say, hear, control, done, notes }) => {
    // another process, since a FIFO has room for 64 KiB and this one has to read it
    const flood = "yes enable | tr '\\n' ' ' | head -c 1000000 >\"$1\"";
    assertEquals((await run("sh", ["-c", flood, "sh", control.path])).status, 0);
    say("\nenable\n");
    await hear(5);
    assertEquals(done, ["enable"]);
    assertEquals(notes.length, 1);
    assert(notes[0].length < 250, notes[0]);
  }));

Deno.test("Control drops answers that nobody reads, and says so once", () =>
  withControl(async ({ say, done, notes }) => {
    const many = 1000;
    for (let i = 0; i < 20; i++) {
      say("ping\n".repeat(many));
      say("enable\n");
      await eventually(() => done.length === i + 1, "the commands to be read");
    }
    assertEquals(notes.length, 1);
    assertMatch(notes[0], /^warning: .*ack is full of answers that nobody reads: no more are written$/);
  }));

Deno.test("Control drops what is left of a run before, and acts on nothing between runs", () =>
  withControl(async ({ say, hear, control, done }) => {
    say("enable\n");
    await eventually(() => done.length === 1, "the command to be read");
    control.detach();
    say("disable\nping\ndisab");
    await hear(15); // answered, though nothing was there to act
    assertEquals(done, ["enable"]);
    control.attach({ enable: () => done.push("second enable"), disable: () => {} });
    say("enable\n");
    await eventually(() => done.length === 2, "the command to be read");
    assertEquals(done, ["enable", "second enable"]);
  }));

Deno.test("Control refuses what is no FIFO, and waits for nobody at its other end", async () => {
  await withFolder(async (folder) => {
    await run("mkfifo", [`${folder}/fifo`]);
    await Deno.writeTextFile(`${folder}/file`, "");
    await Deno.symlink(`${folder}/fifo`, `${folder}/link`);
    const cases: [string, RegExp][] = [
      [`${folder}/file`, /it is no FIFO: make it with mkfifo$/],
      [folder, /is a directory/],
      [`${folder}/none`, /no such file or directory/],
      ["/dev/null", /it is no FIFO/],
    ];
    for (const [path, cause] of cases) {
      for (const paths of [{ commands: path }, { commands: `${folder}/fifo`, answers: path }]) {
        assertMatch(assertThrows(() => Control.open(paths, () => {}), BadInputError).message, cause);
      }
    }
    for (const path of ["fifo", "link"]) Control.open({ commands: `${folder}/${path}` }, () => {}).close();
  });
});
