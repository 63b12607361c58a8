import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type SetInfo } from "../../../lib/counters/named/protocol.ts";
import { Registry } from "../../../lib/counters/named/registry.ts";
import { ask, type RequestOutcome, serve } from "../../../lib/counters/named/socket.ts";
import { SetError } from "../../../lib/counters/open/states.ts";

const INFO: SetInfo = {
  name: "web",
  target: { kind: "thread", tids: [4] },
  pmus: [],
  state: "counting",
  counters: [],
  boundAtMs: 0,
  holder: 1,
};

/** A registry in a folder of its own, and what there can be in it. All of it goes when the test ends. */
class World implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" });
  readonly registry = new Registry(this.folder);
  readonly #listeners: Deno.UnixListener[] = [];

  path(name: string): string {
    return `${this.folder}/${name}.sock`;
  }

  exists(name: string): boolean {
    return Array.from(Deno.readDirSync(this.folder)).some((entry) => entry.name === `${name}.sock`);
  }

  /** A holder that answers. */
  living(
    name: string,
    handle: () => RequestOutcome = () => ({ reply: { ok: { info: { ...INFO, name } } } }),
  ) {
    this.#listeners.push(serve(this.path(name), handle));
  }

  /** A holder that takes connections and says nothing. */
  hanging(name: string): Deno.UnixListener {
    const listener = Deno.listen({ transport: "unix", path: this.path(name) });
    this.#listeners.push(listener);
    return listener;
  }

  /** The socket of a holder that was killed. */
  dead(name: string) {
    const listener = Deno.listen({ transport: "unix", path: `${this.folder}/once` });
    Deno.renameSync(`${this.folder}/once`, this.path(name));
    Deno.writeTextFileSync(`${this.folder}/once`, ""); // which closing removes
    listener.close();
  }

  [Symbol.dispose]() {
    for (const listener of this.#listeners) listener.close();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

async function errorOf(asking: Promise<unknown>): Promise<SetError> {
  return await assertRejects(() => asking, SetError);
}

Deno.test("the registry gives a set's answer, and its refusal as an error", async () => {
  using world = new World();
  world.living("web");
  world.living("no", () => ({ reply: { refused: { errno: "EAGAIN", cause: "it is invalid" } } }));
  assertEquals((await world.registry.ask("web", { do: "restart" }, "restart set 'web'")).info.name, "web");
  const refused = await errorOf(world.registry.ask("no", { do: "restart" }, "restart set 'no'"));
  assertEquals([refused.message, refused.status], ["cannot restart set 'no': it is invalid (EAGAIN)", 3]);
});

Deno.test("a set that is not there is EINVAL, the caller's mistake", async () => {
  using world = new World();
  const error = await errorOf(world.registry.ask("web", { do: "unbind" }, "unbind set 'web'"));
  assertEquals([error.errno, error.status], ["EINVAL", 2]);
});

Deno.test("a holder that died is EINVAL, no mistake of the caller's, and its socket goes", async () => {
  using world = new World();
  world.dead("web");
  const error = await errorOf(world.registry.ask("web", { do: "unbind" }, "unbind set 'web'"));
  assertEquals([error.errno, error.status], ["EINVAL", 3]);
  assertStringIncludes(error.message, "its holder died");
  assertEquals(world.exists("web"), false);
});

Deno.test("all() lists who lives, names who hangs, and cleans up after who died", async () => {
  using world = new World();
  world.living("b");
  world.living("a");
  world.dead("gone");
  world.hanging("stuck");
  Deno.writeTextFileSync(`${world.folder}/not a name.sock`, "");
  const entries = await world.registry.all();
  assertEquals(entries.map((entry) => entry.name), ["a", "b", "stuck"]);
  assertEquals("problem" in entries[2] && entries[2].problem, "its holder does not answer");
  assertEquals([world.exists("gone"), world.exists("stuck")], [false, true]);
});

Deno.test("clean-up does not remove the socket of a set that was bound anew in the meantime", async () => {
  using world = new World();
  world.dead("web");
  const held = await world.registry.lock("bind set 'web'");
  const cleaning = world.registry.clean("web"); // it waits for the lock
  await new Promise((resolve) => setTimeout(resolve, 50));
  Deno.removeSync(world.path("web"));
  world.living("web");
  held.release();
  assertEquals(await cleaning, false);
  assertEquals((await world.registry.ask("web", { do: "describe" }, "describe")).info.name, "web");
});

Deno.test("the lock is one bind's at a time", async () => {
  using world = new World();
  const order: string[] = [];
  const first = await world.registry.lock("bind");
  const second = new Registry(world.folder).lock("bind").then((held) => {
    order.push("second");
    held.release();
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  order.push("first");
  first.release();
  await second;
  assertEquals(order, ["first", "second"]);
});

Deno.test("ask() does not wait longer than it is told for a holder that hangs", async () => {
  using world = new World();
  world.hanging("web");
  assertEquals(await ask(world.path("web"), { do: "describe" }, 50), { failure: "silent" });
});

/** What a client that says `text` hears. */
async function hear(path: string, text: string): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode(text)).catch(() => {});
  return await new Response(connection.readable).text().catch(() => "");
}

Deno.test("a client that talks nonsense, too much or nothing keeps nobody else from the set", async () => {
  using world = new World();
  world.living("web");
  const path = world.path("web");
  using mute = await Deno.connect({ transport: "unix", path });
  assertStringIncludes(await hear(path, "nonsense\n"), '"errno":"EINVAL"');
  assertEquals(await hear(path, "x".repeat(100_000)), "");
  assertEquals((await world.registry.ask("web", { do: "describe" }, "describe")).info.name, "web");
  assertEquals(await mute.read(new Uint8Array(1)), null); // it is hung up on at last
});

Deno.test("a holder that fails at one request says so, and answers the next", async () => {
  using world = new World();
  let asked = 0;
  world.living("web", () => {
    if (asked++ === 0) throw new Error("a bug");
    return { reply: { ok: { info: INFO } } };
  });
  const error = await errorOf(world.registry.ask("web", { do: "describe" }, "describe set 'web'"));
  assertEquals(error.message, "cannot describe set 'web': its holder failed: a bug (EAGAIN)");
  assertEquals((await world.registry.ask("web", { do: "describe" }, "describe")).info.name, "web");
});

Deno.test("a holder that always hangs up without an answer is taken for one that died", async () => {
  using world = new World();
  const listener = world.hanging("web");
  (async () => {
    for await (const connection of listener) connection.close();
  })();
  const error = await errorOf(world.registry.ask("web", { do: "unbind" }, "unbind set 'web'"));
  assertStringIncludes(error.message, "its holder died");
});
