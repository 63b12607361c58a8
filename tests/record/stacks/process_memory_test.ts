/** Memory of processes that run. */

import { assertEquals } from "@std/assert";
import { ProcessMemory } from "../../../lib/record/stacks/process_memory.ts";

Deno.test("memory of a process is read where it is mapped, and nothing where it is not", () => {
  const bytes = new TextEncoder().encode("code that a program has made");
  const address = Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
  const memory = new ProcessMemory();
  assertEquals(memory.read(Deno.pid, address, bytes.length), bytes);
  assertEquals(memory.read(Deno.pid, address + 5, 4), bytes.slice(5, 9));
  assertEquals(memory.read(Deno.pid, 4096, 8).length, 0);
  assertEquals(memory.read(Deno.pid, 2 ** 47 - 8, 64).length, 0);
  memory.forget(Deno.pid);
  assertEquals(memory.read(Deno.pid, address, bytes.length), bytes);
  memory.close();
});

Deno.test("a process that has ended has no memory", async () => {
  const child = new Deno.Command("true").spawn();
  await child.status;
  const memory = new ProcessMemory();
  assertEquals(memory.read(child.pid, 4096, 8).length, 0);
  memory.close();
});

Deno.test("a process that has become another program is read anew", async () => {
  const script = "read line; exec cat";
  const child = new Deno.Command("sh", { args: ["-c", script], stdin: "piped", stdout: "piped" }).spawn();
  const memory = new ProcessMemory(), writer = child.stdin.getWriter();
  // a program starts with its ELF header, at the start of its first mapping
  const headerOf = () => {
    const start = /^[0-9a-f]+/.exec(Deno.readTextFileSync(`/proc/${child.pid}/maps`))![0];
    return [start, new TextDecoder().decode(memory.read(child.pid, parseInt(start, 16), 4))];
  };
  const [before, elf] = headerOf();
  assertEquals(elf, "\x7fELF");
  await writer.write(new TextEncoder().encode("go\nhello\n"));
  await child.stdout.getReader().read(); // cat runs
  const [after, again] = headerOf();
  assertEquals([again, after !== before], ["\x7fELF", true]);
  await writer.close();
  await child.status;
  memory.close();
});
