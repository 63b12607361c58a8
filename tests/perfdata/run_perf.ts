/** Runs of perf, for tests of what it reads. */

import { assertEquals } from "@std/assert";

/** Runs perf on `file`, and returns what it prints. Fails when it complains. */
export async function perf(args: string[], file: Uint8Array, stdin = false): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".data" });
  try {
    await Deno.writeFile(path, file);
    const command = stdin
      ? new Deno.Command("sh", { args: ["-c", `exec perf ${args.join(" ")} -i - <"$0"`, path] })
      : new Deno.Command("perf", { args: [...args, "-i", path], stdin: "null" });
    const { code, stdout, stderr } = await command.output();
    const complaint = new TextDecoder().decode(stderr);
    assertEquals([code, complaint], [0, ""], `perf ${args.join(" ")} complains`);
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(path);
  }
}
