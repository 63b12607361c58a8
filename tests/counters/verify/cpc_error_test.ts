import { assertEquals } from "@std/assert";
import {
  type CpcErrno,
  CpcError,
  NO_SUBCODE,
  type SubcodeName,
  SUBCODES,
} from "../../../lib/counters/verify/cpc_error.ts";

const fault = { attempt: "bind request 1 (cycles)", cause: "cpu has no pic9", remedy: "use pic0" };

Deno.test("CpcError says attempt, cause and remedy, and ends with subcode and errno", () => {
  const error = new CpcError({ ...fault, subcode: "CPC_INVALID_PICNUM", requests: [1, 0] });
  assertEquals(
    error.message,
    "cannot bind request 1 (cycles): cpu has no pic9: use pic0 (CPC_INVALID_PICNUM, EINVAL)",
  );
  assertEquals([error.name, error.subcode, error.errno, error.request, error.requests], [
    "CpcError",
    2,
    "EINVAL",
    1,
    [1, 0],
  ]);
});

Deno.test("CpcError without a subcode ends with the errno alone and blames no request unless told", () => {
  const error = new CpcError({ ...fault, errno: "EAGAIN" });
  assertEquals(error.message.endsWith("use pic0 (EAGAIN)"), true);
  assertEquals([error.subcode, error.subcodeName, error.request], [NO_SUBCODE, undefined, -1]);
});

Deno.test("CpcError ends with 2 for what was written wrongly and with 3 for what cannot or may not be", () => {
  const status = (subcode: SubcodeName) => new CpcError({ ...fault, subcode }).status;
  const statuses = Object.entries(SUBCODES).map(([name, code]) => [code, status(name as SubcodeName)]);
  assertEquals(Object.fromEntries(statuses), {
    1: 2,
    2: 2,
    3: 2,
    4: 2,
    5: 3,
    6: 3,
    7: 2,
    8: 3,
    9: 3,
    10: 3,
    11: 3,
  });
  const without = (errno: CpcErrno) => new CpcError({ ...fault, errno }).status;
  assertEquals([without("EINVAL"), without("EACCES"), without("EAGAIN"), without("ENOTSUP")], [2, 3, 3, 3]);
});

Deno.test("CpcError is EACCES for privilege and hypervisor and EINVAL for the other subcodes", () => {
  const denied = Object.keys(SUBCODES).filter((subcode) =>
    new CpcError({ ...fault, subcode: subcode as SubcodeName }).errno === "EACCES"
  );
  assertEquals(denied, ["CPC_ATTR_REQUIRES_PRIVILEGE", "CPC_HV_NO_ACCESS"]);
});
