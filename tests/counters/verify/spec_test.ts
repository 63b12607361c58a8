import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/base/system/errors.ts";
import { REQUEST_FLAG, type SetRequest } from "../../../lib/counters/verify/request_set.ts";
import { parseSpec } from "../../../lib/counters/verify/spec.ts";
import { arm, hybrid, intel, virtual } from "../machines.ts";

const { user, system, hv, notify } = REQUEST_FLAG;

const parse = (spec: string, machine = intel()) => parseSpec(spec, machine).requests;

/** `event@pic flags attribute=value...`: a request in short; `~` before a PIC that is only preferred. */
function short({ event, picnum, preferred, flags, attributes }: SetRequest): string {
  const pic = picnum === undefined ? `~${preferred}` : `${picnum}`;
  const rest = [...attributes].map(([name, value]) => ` ${name}=${value}`).join("");
  return `${event}@${pic} ${flags}${rest}`;
}

const refused = (spec: string, message: RegExp | string, machine = intel()) => {
  const error = assertThrows(() => parseSpec(spec, machine), UsageError);
  if (typeof message === "string") assertEquals(error.message, `-c '${spec}', ${message}`);
  else assertEquals(message.test(error.message), true, error.message);
};

Deno.test("parseSpec() reads events on PICs, in user space only", () => {
  assertEquals(parse("pic0=cycles,pic1=instructions").map(short), ["cycles@0 2", "instructions@1 2"]);
  const set = parseSpec("pic0=cycles", intel());
  assertEquals([set.flags, set.text, set.together], [0, "pic0=cycles", true]);
  assertEquals(set.requests[0].index, 0);
});

Deno.test("parseSpec() gives a bare event the first capable counter after the highest taken", () => {
  assertEquals(parse("cache-misses,branches").map(short), ["cache-misses@~0 2", "branches@~1 2"]);
  assertEquals(parse("pic1=cache-misses,cycles").map(short), ["cache-misses@1 2", "cycles@~3 2"]);
  assertEquals(parse("ref-cycles,PAPI_TOT_INS").map(short), ["ref-cycles@~4 2", "PAPI_TOT_INS@~undefined 2"]);
  assertEquals(parse("cycles,pic31=cycles", arm()).map(short), ["cycles@~0 2", "cycles@31 2"]);
  assertEquals(parse("task-clock,page-faults", virtual()).map(short), [
    "task-clock@~0 2",
    "page-faults@~1 2",
  ]);
});

Deno.test("parseSpec() applies a flag or an attribute without a number to every request", () => {
  assertEquals(parse("sys,cycles,branches,idle=0").map(short), [
    "cycles@~0 6 idle=0",
    "branches@~1 6 idle=0",
  ]);
  assertEquals(parse("cycles,branches,nouser,sys").map((r) => r.flags), [system, system]);
  assertEquals(parse("cycles,branches,hv,notify").map((r) => r.flags), [
    user | hv | notify,
    user | hv | notify,
  ]);
});

Deno.test("parseSpec() applies a flag or an attribute with a number to the request of that PIC", () => {
  const [first, second] = parse("pic0=cache-misses,pic1=branches,sys1,nouser1,precise0=2,pinned1");
  assertEquals(short(first), "cache-misses@0 2 precise=2");
  assertEquals(short(second), "branches@1 4 pinned=1");
});

Deno.test("parseSpec() numbers a bare event as the PIC that it prefers", () => {
  const [first, second] = parse("pic1=cache-misses,cycles,sys3");
  assertEquals([first.flags, second.flags], [user, user | system]);
});

Deno.test("parseSpec() reads values in decimal, hex and octal, and 1 when left out", () => {
  const values = (spec: string) => Object.fromEntries(parse(`${spec},cpu/event=1/`)[0].attributes);
  assertEquals(values("umask=12,cmask=0x1F,ldlat=017,inv,edge=0"), {
    umask: 12n,
    cmask: 31n,
    ldlat: 15n,
    inv: 1n,
    edge: 0n,
  });
  assertEquals(parse("cycles,preset=0xffffffffffffffff")[0].preset, (1n << 64n) - 1n);
});

Deno.test("parseSpec() keeps the commas between slashes, and the slash of a breakpoint", () => {
  assertEquals(parse("pic0=cpu/event=0x3c,umask=1/,branches").map((r) => r.event), [
    "cpu/event=0x3c,umask=1/",
    "branches",
  ]);
  assertEquals(parse("cpu/event=0x3c,name='a,b'/,umask0=1").map((r) => r.event), [
    "cpu/event=0x3c,name='a,b'/",
  ]);
  assertEquals(
    parse("mem:0x1000/8:rw,pic5=mem:0x2000/4,task-clock,sched:sched_switch,sys").map((r) => r.event),
    ["mem:0x1000/8:rw", "mem:0x2000/4", "task-clock", "sched:sched_switch"],
  );
});

Deno.test("parseSpec() moves preset, picnum and the modes from attributes to their places", () => {
  const [request] = parse("cycles,user=0,sys=1,notify=1,preset=5,picnum=1,period=9");
  assertEquals(short(request), "cycles@1 5 period=9");
  assertEquals(request.preset, 5n);
});

Deno.test("parseSpec() leaves values out of range and unknown attributes for verify() to refuse", () => {
  const [request] = parse("cycles,user=2,nonsense=1");
  assertEquals(Object.fromEntries(request.attributes), { user: 2n, nonsense: 1n });
});

Deno.test("parseSpec() names the token that is wrong", () => {
  refused("pic0=cycles,pic0=branches", "token 'pic0=branches': pic0 is given twice");
  refused("cycles,pic0=branches", "token 'pic0=branches': pic0 is given twice");
  refused("pic0=", "token 'pic0=': missing value: pic0=EVENT");
  refused("pic0", "token 'pic0': missing value: pic0=EVENT");
  refused("cycles,sys=", "token 'sys=': missing value");
  refused("cycles,edge0=", "token 'edge0=': missing value");
  refused("cycles,nouser=1", "token 'nouser=1': nouser takes no value");
  refused("pic3=branches", "token 'pic3=branches': pic3 cannot measure branches; pic0 to pic1 can");
  refused("pic0=ref-cycles", "token 'pic0=ref-cycles': pic0 cannot measure ref-cycles; pic4 can");
  refused(
    "cycles,edge=08",
    "token 'edge=08': invalid value '08' for attribute edge: expected a 64-bit number",
  );
  refused("cycles,edge=x", /invalid value 'x' for attribute edge/);
  refused("cycles,preset=0x10000000000000000", /invalid value '0x10000000000000000' for attribute preset/);
  refused("cycles,,branches", /token '': an event, a flag or an attribute is missing between commas$/);
  refused("cycels", "token 'cycels': not an event, flag or attribute; did you mean cycles?");
  refused("cycles,pinne", /token 'pinne': .*did you mean pinned\?/);
  refused("cycles,sys7", "token 'sys7': no event is on pic7; there is pic0");
  refused("pic1=cycles,precise0=1", "token 'precise0=1': no event is on pic0; there is pic1");
});

Deno.test("parseSpec() says where a bare event with a colon or a slash is wrong", () => {
  refused("cycles:u", /modifiers are for -e; a request has sys, nouser and attributes instead/);
  refused("sched:sched_swich", /no tracepoint 'sched_swich' in 'sched'; did you mean sched_switch/);
  refused("cpu/evnt=1/", /no term 'evnt'/);
  refused("sched:*", /'sched:\*' means 3 events here .*: name one of them/);
  refused(
    "cycles",
    /token 'cycles': 'cycles' means 2 events here \(cpu_atom\/cycles\/, cpu_core\/cycles\/\)/,
    hybrid(),
  );
});

Deno.test("parseSpec() takes the digits of a name for a number only where the name is not an attribute's own", () => {
  const [request] = parse("cpu/event=1/,edge0");
  assertEquals(Object.fromEntries(request.attributes), { edge: 1n });
  // `r1` is an event, not an attribute r of pic1
  assertEquals(parse("r1").map((r) => r.event), ["r1"]);
});
