import { assertEquals } from "@std/assert";

Deno.test("err() writes one line, whatever names are in it", async () => {
  const script = `
    import { processIo } from ${JSON.stringify(import.meta.resolve("../../lib/cli/io.ts"))};
    processIo().err("pmuctl: warning: \\x1b[2J\\u202e\\nx");
  `;
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script],
    env: { DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "pmuctl: warning: \\x1b[2J\\u202e\\nx\n");
});

Deno.test("status() shows nothing unless standard error is a terminal", async () => {
  const script = `
    import { processIo } from ${JSON.stringify(import.meta.resolve("../../lib/cli/io.ts"))};
    const io = processIo();
    io.status("reading 34%");
    io.err("said");
    io.status("");
  `;
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script],
    env: { DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "said\n");
});
