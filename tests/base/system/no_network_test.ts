import { assertEquals } from "@std/assert";

const MODULE = new URL("../../../lib/base/system/no_network.ts", import.meta.url).href;

Deno.test("a process that gave up the network cannot connect, nor can what it starts, but to sockets in the file system", async () => {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const address = `{ hostname: "127.0.0.1", port: ${listener.addr.port} }`;
  const socket = Deno.makeTempFileSync();
  Deno.removeSync(socket);
  const program = `
    import { giveUpNetwork } from "${MODULE}";
    const tried = async (attempt) => { try { (await attempt())?.close(); return "done"; } catch (e) { return e.name; } };
    const again = () => new Deno.Command("sh", { args: ["-c", "grep Seccomp: /proc/self/status"] }).outputSync();
    const before = await tried(() => Deno.connect(${address}));
    const agreed = giveUpNetwork();
    console.log(JSON.stringify([
      before, agreed, giveUpNetwork(),
      await tried(() => Deno.connect(${address})),
      await tried(() => fetch("http://127.0.0.1:${listener.addr.port}/")),
      await tried(() => Deno.listen({ transport: "unix", path: "${socket}" })),
      new TextDecoder().decode(again().stdout).trim(),
    ]));`;
  const accepting = listener.accept().then((connection) => connection.close());
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "-q", "--no-config", program],
    stderr: "inherit",
  }).output();
  await accepting;
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), [
    ...["done", true, true],
    ...["PermissionDenied", "TypeError", "done"],
    "Seccomp:\t2",
  ]);
});
