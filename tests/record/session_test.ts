/** Order of a session's steps, with a command, events and outputs that need no kernel. */

import { assertEquals, assertRejects } from "@std/assert";
import type { MeasuredCommandOptions, StopSignals } from "../../ffi/command.ts";
import type { Controlled } from "../../ffi/control.ts";
import type { Exit } from "../../ffi/pmu.ts";
import { UnsupportedError } from "../../lib/base/system/errors.ts";
import { makeLedger } from "../../lib/perfdata/format/ledger.ts";
import { BACKEND_VERSION, type Operations } from "../../lib/record/backends/backend.ts";
import { clockBackend } from "../../lib/record/backends/perf_event_backends.ts";
import { BackendRegistry } from "../../lib/record/backends/registry.ts";
import type { EventOnCpus } from "../../lib/record/open/open_on_cpus.ts";
import type { RecordRequest } from "../../lib/record/request/request.ts";
import {
  runSession,
  type SessionCommand,
  type SessionControl,
  type SessionOutputs,
  type SessionSteps,
} from "../../lib/record/session.ts";
import { eventually } from "../eventually.ts";
import { fakeRequest, fakeSampler } from "./fake_rings.ts";

const EXIT: Exit = {
  code: 3,
  signal: 0,
  usage: { utimeNs: 2e6, stimeNs: 1e6 } as Exit["usage"],
};

/** A session whose steps are logged; a step named in `fails` throws. */
class FakeSession {
  readonly log: string[] = [];
  readonly notes: string[] = [];
  readonly first = Promise.withResolvers<number>();
  readonly exit = Promise.withResolvers<Exit>();
  readonly failed = Promise.withResolvers<never>();
  readonly registry = new BackendRegistry();
  /** Acts on what the command says. */
  controlled: Controlled | undefined;
  bytes = 0;
  cuts: string[] = [];
  readonly #fails: string | undefined;
  readonly #hasTracker: boolean;

  constructor({ fails, tracker = true }: { fails?: string; tracker?: boolean } = {}) {
    this.#fails = fails;
    this.#hasTracker = tracker;
    const operations: Operations = {
      ...clockBackend,
      open: ({ event }) => ({ ...fakeSampler(), event, places: [] }),
      start: () => this.#step("sampling: start"),
      stop: () => this.#step("sampling: stop"),
    };
    this.registry.register("clock", BACKEND_VERSION, operations);
  }

  /** Runs the session, its command ending at once unless it is said to go on. */
  run(changes: Partial<RecordRequest> = {}) {
    const request = fakeRequest("out.data", { target: { kind: "cpus", argv: ["work"] }, ...changes });
    const stopper: StopSignals = {
      first: this.first.promise,
      second: new Promise(() => {}),
      commandGetsSignals: false,
    };
    const note = (line: string) => void this.notes.push(line);
    return runSession({ request, stopper, note }, this.#steps());
  }

  #step(name: string): void {
    this.log.push(name);
    if (name === this.#fails) throw new UnsupportedError({ attempt: name, cause: "the test says so" });
  }

  #steps(): SessionSteps {
    return {
      backends: this.registry,
      startCommand: (argv, options) => this.#command(argv, options),
      openControl: ({ request: { control } }) => control && this.#control(),
      openEvents: (_inputs, owner, pid) => {
        this.#step(`events: open (pid ${pid})`);
        const { event, attr } = fakeSampler();
        const where = { tids: [-1], cpus: [0], target: "test" };
        const { standing } = fakeRequest("");
        const sampler = owner.openEvent({ event, attrOf: () => attr }, { where, standing }, () => {});
        const tracker: EventOnCpus = { event, attr, places: [] };
        return this.#hasTracker ? [tracker, sampler] : [sampler];
      },
      openOutputs: () => {
        this.#step("outputs: open");
        return this.#outputs();
      },
    };
  }

  #control(): SessionControl {
    this.#step("control: open");
    return {
      attach: (target) => {
        this.#step("control: attach");
        this.controlled = target;
      },
      close: () => this.#step("control: close"),
    };
  }

  #command(argv: readonly string[], { outputToStderr }: MeasuredCommandOptions): SessionCommand {
    this.#step(`command: start ${argv.join(" ")}${outputToStderr ? " >&2" : ""}`);
    return {
      pid: 42,
      timedOut: false,
      release: () => Promise.resolve(this.#step("command: release")),
      cancel: () => this.#step("command: cancel"),
      untilDone: () => this.exit.promise,
    };
  }

  #outputs(): SessionOutputs {
    const { log } = this;
    const step = (name: string) => this.#step(`outputs: ${name}`);
    const bytes = () => this.bytes;
    return {
      get bytes() {
        return bytes();
      },
      progress: { samples: 0, lost: 0, bytes: 0 },
      completed: 0,
      segmentBytes: 0,
      error: undefined,
      failed: this.failed.promise,
      begin: () => step("begin"),
      holdProgramsOf: (pid) => step(`hold programs of ${pid}`),
      reopen: () => Promise.resolve(true),
      switch: () => Promise.resolve(step("switch")),
      end: async () => {
        await Promise.resolve();
        step("end");
        const closed = { ledger: makeLedger([]), bytes: 100, cuts: this.cuts, paths: ["out.data"] };
        return closed;
      },
      discard: () => void log.push("outputs: discard"),
      free: () => void log.push("outputs: free"),
    };
  }
}

Deno.test("a session records a command from its release on, and samples last of all", async () => {
  const session = new FakeSession();
  session.exit.resolve(EXIT);
  const recording = await session.run({ target: { kind: "cpus", argv: ["work", "hard"] } });
  assertEquals(session.log, [
    "command: start work hard",
    "events: open (pid 42)",
    "outputs: open",
    "outputs: begin",
    "sampling: start",
    "command: release",
    "outputs: hold programs of 42",
    "sampling: stop",
    "outputs: end",
    "outputs: free",
  ]);
  assertEquals([recording.exit?.code, recording.paths, recording.timedOut], [3, ["out.data"], false]);
  assertEquals(recording.events, [{ name: "cpu-clock:u", rate: "4000 Hz", backend: "clock" }]);
  session.registry.open().close(); // the backends are free again
});

Deno.test("a session leaves it to the kernel to start the events of a command at its exec", async () => {
  const session = new FakeSession();
  session.exit.resolve(EXIT);
  const recording = await session.run({ target: { kind: "command", argv: ["work"] } });
  assertEquals(session.log.includes("sampling: start"), false);
  assertEquals(recording.cpuTime, { userNs: 2e6, kernelNs: 1e6 });
});

Deno.test("a session without a tracker samples before it reads /proc, so that nothing falls between", async () => {
  const session = new FakeSession({ tracker: false });
  session.exit.resolve(EXIT);
  await session.run();
  const order = session.log.filter((step) => step === "sampling: start" || step === "outputs: begin");
  assertEquals(order, ["sampling: start", "outputs: begin"]);
});

Deno.test("a session with a delay starts sampling after the command, and not any more once it is over", async () => {
  const late = new FakeSession();
  const recorded = late.run({ delayMs: 5 });
  await eventually(() => late.log.includes("sampling: start"), "sampling to start");
  late.exit.resolve(EXIT);
  await recorded;
  assertEquals(late.log.indexOf("sampling: start") > late.log.indexOf("command: release"), true);
  const delayMs = 250; // longer than the rest of a session
  const short = new FakeSession();
  short.exit.resolve(EXIT);
  await short.run({ delayMs });
  // timers of the same delay fire in the order they were set: one that the session left behind would fire first
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  assertEquals(short.log.includes("sampling: start"), false);
});

Deno.test("a session without a command ends at the user's word", async () => {
  const session = new FakeSession();
  const recorded = session.run({ target: { kind: "cpus", argv: [] } });
  session.first.resolve(2);
  assertEquals((await recorded).exit, undefined);
  assertEquals(session.log[0], "events: open (pid undefined)");
});

Deno.test("a session that reaches its size or time stops, says so, and waits for the command", async () => {
  for (
    const [changes, line] of [
      [
        { maxBytes: 1000 },
        "recording stopped: out.data has reached its size (--max-size); work keeps running",
      ],
      [{ seconds: 0.001 }, "recording stopped: 0.001 s are over (--duration); work keeps running"],
    ] as const
  ) {
    const session = new FakeSession();
    session.bytes = 1000;
    const recorded = session.run(changes);
    await eventually(() => session.notes.includes(line), "the note");
    assertEquals(session.log.at(-1), "outputs: end");
    session.exit.resolve(EXIT);
    const { exit, cpuTime } = await recorded;
    assertEquals([exit?.code, cpuTime], [3, undefined]); // its CPU time is not the recording's
  }
});

Deno.test("a session says that samples are missing where the kernel cut programs short, but not on whole CPUs", async () => {
  for (
    const [target, cutShort] of [
      [{ kind: "command", argv: ["work"] }, true],
      [{ kind: "cpus", argv: ["work"] }, false],
    ] as const
  ) {
    const session = new FakeSession();
    session.cuts = ["sudo"];
    session.exit.resolve(EXIT);
    const recording = await session.run({ target: { ...target, argv: [...target.argv] } });
    assertEquals(recording.cutShort, cutShort);
    assertEquals(session.notes.some((line) => line.startsWith("warning: samples are missing")), cutShort);
  }
});

Deno.test("a session that fails before its command runs cancels it, and leaves no output", async () => {
  for (
    const [fails, after] of [
      ["events: open (pid 42)", ["command: cancel"]],
      ["outputs: open", ["command: cancel"]],
      ["outputs: begin", ["command: cancel", "outputs: discard", "outputs: free"]],
      ["command: release", ["command: cancel", "outputs: discard", "outputs: free"]],
    ] as const
  ) {
    const session = new FakeSession({ fails });
    await assertRejects(() => session.run(), UnsupportedError, fails);
    assertEquals(session.log.slice(session.log.indexOf(fails) + 1), [...after]);
    session.registry.open().close();
  }
});

Deno.test("a session that fails once its command runs keeps what it has recorded", async () => {
  const session = new FakeSession({ fails: "outputs: end" });
  session.exit.resolve(EXIT);
  await assertRejects(() => session.run(), UnsupportedError, "outputs: end");
  assertEquals(session.log.slice(-2), ["command: cancel", "outputs: free"]);
});

Deno.test("a session whose outputs fail while it goes on completes them, and tells why they failed", async () => {
  for (const fails of [undefined, "outputs: end"]) {
    const session = new FakeSession({ fails });
    const recorded = session.run();
    session.failed.reject(new TypeError("unforeseen"));
    await assertRejects(() => recorded, TypeError, "unforeseen");
    assertEquals(session.log.slice(-4), [
      "sampling: stop",
      "outputs: end",
      "command: cancel",
      "outputs: free",
    ]);
    session.registry.open().close();
  }
});

Deno.test("a session samples what its command enables, and ends when it says so", async () => {
  const session = new FakeSession();
  const control = { commands: "ctl", startDisabled: true };
  const recorded = session.run({ control });
  await eventually(() => session.log.includes("control: attach"), "the session to begin");
  assertEquals(session.log.filter((step) => /sampling|control/.test(step)), [
    "control: open",
    "control: attach",
  ]);
  const { enable, disable, stop } = session.controlled!;
  for (const act of [disable, enable, enable, disable, enable]) act();
  stop!();
  session.exit.resolve(EXIT);
  assertEquals((await recorded).neverEnabled, undefined);
  assertEquals(session.log.filter((step) => /sampling|control: c/.test(step)), [
    "sampling: start",
    "sampling: stop",
    "sampling: start",
    "sampling: stop",
    "control: close",
  ]);
  assertEquals(session.notes, ["recording stopped: 'stop' came through ctl (--control); work keeps running"]);

  const never = new FakeSession();
  never.exit.resolve(EXIT);
  assertEquals((await never.run({ control })).neverEnabled, "ctl");
  const started = new FakeSession();
  started.exit.resolve(EXIT);
  assertEquals(
    (await started.run({ control: { ...control, startDisabled: false } })).neverEnabled,
    undefined,
  );
});
