import { assert, assertEquals } from "@std/assert";
import { ProcessMemory } from "../../../lib/record/stacks/process_memory.ts";
import { eventually } from "../../eventually.ts";

const NOBODYS_PID = 5_000_001;

function addressOf(bytes: Uint8Array<ArrayBuffer>): number {
  return Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

Deno.test("ProcessMemory reads what a process has at an address, and nothing where nothing is mapped", () => {
  const memory = new ProcessMemory(),
    bytes = crypto.getRandomValues(new Uint8Array(5000)),
    before = descriptors();
  const address = addressOf(bytes);
  assertEquals(memory.read(Deno.pid, address + 10, 100), bytes.subarray(10, 110));
  assertEquals(memory.read(Deno.pid, address + 4000, 64), bytes.subarray(4000, 4064));
  for (const nowhere of [0, 4096, 2 ** 47 - 4096, 2 ** 52]) {
    assertEquals(memory.read(Deno.pid, nowhere, 64).length, 0);
  }
  assertEquals(memory.read(Deno.pid, address, 8), bytes.subarray(0, 8));
  assertEquals(memory.read(NOBODYS_PID, address, 8).length, 0);
  assertEquals(descriptors(), before + 1);
  memory.forget(Deno.pid);
  memory.forget(Deno.pid);
  assertEquals(descriptors(), before);
  assertEquals(memory.read(Deno.pid, address, 8), bytes.subarray(0, 8));
  memory.close();
  assertEquals(descriptors(), before);
});

Deno.test("ProcessMemory keeps few files open, and reads a process again whose file it has closed", () => {
  const memory = new ProcessMemory(),
    bytes = crypto.getRandomValues(new Uint8Array(64)),
    before = descriptors();
  const address = addressOf(bytes);
  assertEquals(memory.read(Deno.pid, address, 64), bytes);
  const others = Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name)).filter((pid) => pid > 0);
  for (const pid of [...others, ...Array.from({ length: 100 }, (_, i) => NOBODYS_PID + i)]) {
    if (pid !== Deno.pid) memory.read(pid, 4096, 8);
    assert(descriptors() <= before + 32);
  }
  assertEquals(memory.read(Deno.pid, address, 64), bytes);
  memory.close();
  assertEquals(descriptors(), before);
});

Deno.test("ProcessMemory reads the program that a process has become", async () => {
  // sh waits for a line, and becomes a program whose memory is another
  const child = new Deno.Command("sh", {
    args: ["-c", "read line; exec sleep 60"],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const memory = new ProcessMemory();
  try {
    const mapped = () => {
      const maps = Deno.readTextFileSync(`/proc/${child.pid}/maps`).split("\n");
      const [, start, path] = /^([0-9a-f]+)-\S+ r-xp .* (\/\S+)$/.exec(
        maps.find((line) => /r-xp.*\/bin\//.test(line)) ?? "",
      ) ??
        [];
      return { address: parseInt(start, 16), path };
    };
    await eventually(() => /\/(da|ba)?sh$/.test(mapped().path ?? ""), "the shell");
    const shell = mapped();
    assertEquals(memory.read(child.pid, shell.address, 16).length, 16);
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    await writer.close();
    await eventually(() => /\/sleep$/.test(mapped().path ?? ""), "the other program");
    assertEquals(memory.read(child.pid, mapped().address, 16).length, 16);
  } finally {
    memory.close();
    child.kill("SIGKILL");
    await child.status;
  }
});
