import { assertEquals } from "@std/assert";
import { ERRNO, errnoName, errnoText, PmuError } from "../../../lib/base/system/errno.ts";

Deno.test("errnoName() and errnoText() know the table, and say so of what they do not know", () => {
  assertEquals(ERRNO.EACCES, 13);
  assertEquals(errnoName(ERRNO.EOPNOTSUPP), "EOPNOTSUPP");
  assertEquals(errnoText(2), "no such file or directory");
  assertEquals(errnoName(999), "errno 999");
  assertEquals(errnoText(999), "error 999");
});

Deno.test("no number has two names in the table", () => {
  const numbers = Object.values(ERRNO);
  assertEquals(new Set(numbers).size, numbers.length);
});

Deno.test("PmuError says the call, the text and the name", () => {
  const error = new PmuError("execve", ERRNO.ENOEXEC);
  assertEquals(error.message, "execve: exec format error (ENOEXEC)");
  assertEquals(String(error), "PmuError: execve: exec format error (ENOEXEC)");
});
