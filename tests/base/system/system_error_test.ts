import { assertEquals } from "@std/assert";
import { ERRNO, PmuError } from "../../../lib/base/system/errno.ts";
import { errnoOf, errorCause, refusal, unforeseenRefusal } from "../../../lib/base/system/system_error.ts";

/** What the runtime throws when `body` is run. */
function thrown(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

const missing = () => Deno.openSync("/nonexistent/file");

Deno.test("an error of the runtime and one of the shim tell the same number and cause", () => {
  for (const error of [thrown(missing), new PmuError("open", ERRNO.ENOENT)]) {
    assertEquals(errnoOf(error), ERRNO.ENOENT);
    assertEquals(errorCause(error), "no such file or directory");
  }
});

Deno.test("an error that no system call made has no number, and its message is the cause", () => {
  assertEquals(errnoOf(new Error("told")), undefined);
  assertEquals(errorCause(new Error("told")), "told");
  assertEquals(errorCause("text"), "text");
});

Deno.test("a refusal says what was attempted, why it failed and what helps", () => {
  const error = refusal("run it", new PmuError("fork", ERRNO.EMFILE));
  assertEquals(
    error.message,
    "cannot run it: too many open files: raise the limit (ulimit -n, or LimitNOFILE of a service)",
  );
  assertEquals([error.status, error.errno], [3, ERRNO.EMFILE]);
  assertEquals(refusal("x", thrown(missing), "look").message, "cannot x: no such file or directory: look");
});

Deno.test("want of descriptors, memory, threads, room or permission is no bug, wherever it is met", () => {
  assertEquals(
    unforeseenRefusal(new PmuError("epoll_create1", ERRNO.EMFILE))?.message,
    "cannot continue: epoll_create1: too many open files: raise the limit (ulimit -n, or LimitNOFILE of a service)",
  );
  assertEquals(
    unforeseenRefusal(new Error("Too many open files (os error 24), open '/etc/passwd'"))?.message,
    "cannot continue: open '/etc/passwd': too many open files: raise the limit (ulimit -n, or LimitNOFILE of a service)",
  );
  const memory = thrown(() => new ArrayBuffer(2 ** 52));
  assertEquals(
    unforeseenRefusal(memory)?.message,
    `cannot continue: ${
      (memory as Error).message
    }: free memory, or raise what limits it (ulimit -v, a cgroup)`,
  );
});

Deno.test("an error that pmuctl has made stays a bug", () => {
  assertEquals(unforeseenRefusal(new TypeError("x is undefined")), undefined);
  assertEquals(unforeseenRefusal(new RangeError("Invalid typed array length: -1")), undefined);
  assertEquals(unforeseenRefusal(new PmuError("ioctl", ERRNO.EBADF)), undefined);
  assertEquals(unforeseenRefusal(undefined), undefined);
});
