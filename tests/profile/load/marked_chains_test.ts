/** Call chains that were unwound while they were recorded, some of which end in a mark. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { hexAddress } from "../../../lib/base/bytes/address.ts";
import { concat } from "../../../lib/base/bytes/bytes.ts";
import { PERF_CONTEXT, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { type AttrFlag, makeAttr } from "../../../lib/events/attr.ts";
import { encodeFeatures } from "../../../lib/perfdata/format/feature_encoders.ts";
import { encodeSessionInfo, type SessionInfo } from "../../../lib/perfdata/own/session_info.ts";
import {
  encodeHeaderAttr,
  encodeHeaderFeature,
  encodePipeHeader,
} from "../../../lib/perfdata/format/writer.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import type { LoadOptions } from "../../../lib/profile/request/load_options.ts";
import type { Profile } from "../../../lib/profile/model/profile.ts";
import { OTHER_MACHINE } from "../../../lib/unwind/chain_marks.ts";
import { END } from "../../../lib/unwind/ends.ts";
import { testNeeding } from "../../needs.ts";
import { mark } from "../../perfdata/marks.ts";
import { stream } from "../../perfdata/read_recording.ts";
import { perf } from "../../perfdata/run_perf.ts";
import { type MadeEvent, madeFile, madeSample, type SampleFields } from "../../perfdata/sample_fixtures.ts";

const P = PERF_SAMPLE, { KERNEL, USER, USER_DEFERRED } = PERF_CONTEXT;
const ATTR = makeAttr({
  type: 1,
  samplePeriod: 1000n,
  sampleType: P.IDENTIFIER | P.IP | P.TID | P.TIME | P.PERIOD | P.CALLCHAIN,
  flags: ["excludeCallchainUser"],
});
const EVENT = { attr: ATTR, name: "an-event", ids: [1n] };
/** An event whose call chains follow frame pointers. */
const BY_POINTERS = { attr: { ...ATTR, flags: new Set<AttrFlag>() }, name: "another-event", ids: [2n] };
/** Addresses in the kernel, in `worker`, and outside all mappings. */
const ENTRY = -0x7eff0000, CALLER = -0x7efe0000, LEAF = 0x401000, MAIN = 0x402000, NOWHERE = 0x999000;
const IN_KERNEL = "ffffffff81010000 ffffffff81020000";

/** Returns the session info of a recording of so many samples; undefined for a file of another tool. */
type Info = (samples: number) => string | undefined;

const session = (unwound?: SessionInfo["unwound"]) => (sample: number): string =>
  encodeSessionInfo({
    tool: "1.0",
    command: ["worker"],
    seconds: 1,
    ledger: { rows: [], total: { sample } },
    unwound,
  });
const UNWOUND = session({ stackBytes: 16384 });
const OTHER_TOOL: Info = () => undefined;

const inUser = (...callers: number[]): SampleFields => ({ ip: LEAF, chain: [USER, LEAF, ...callers] });
const inKernel = (...user: number[]): SampleFields => ({
  ip: ENTRY,
  chain: [KERNEL, ENTRY, CALLER, ...user],
});

interface Setting extends LoadOptions {
  info?: Info;
  events?: MadeEvent[];
}

function fileOf(samples: readonly SampleFields[], { info = UNWOUND, events = [EVENT] }: Setting = {}) {
  const records = samples.map((sample) => madeSample(ATTR, sample));
  return madeFile(events, records, { version: "1", ledger: info(samples.length) });
}

const files = { open: () => undefined, kallsyms: () => undefined };

async function profileOf(samples: readonly SampleFields[], setting: Setting = {}): Promise<Profile> {
  return await loadProfile(new MemoryBytes(fileOf(samples, setting)), files, setting);
}

/** Returns the stacks, each as names and addresses, innermost first, with how many samples it has. */
function stacksOf({ samples, stacks, frames, objects }: Profile): string[] {
  return Array.from(samples.stack, (leaf, row) => {
    const names: string[] = [];
    for (let stack = leaf; stack >= 0; stack = stacks.parent[stack]) {
      const object = frames.object[stacks.frame[stack]], address = frames.address[stacks.frame[stack]];
      names.push(objects[object]?.kind === "missing" ? objects[object].name : hexAddress(address));
    }
    return `${samples.count[row]}: ${names.join(" ")}`;
  });
}

Deno.test("a chain that ends in a mark is not merged with a whole one, in user space and below the kernel", async () => {
  const cut = mark(END.SHORT);
  const profile = await profileOf([
    inUser(MAIN),
    inUser(MAIN, cut),
    inUser(MAIN, cut),
    inUser(MAIN),
    inKernel(USER, LEAF, MAIN),
    inKernel(USER, LEAF, MAIN, cut),
  ]);
  assertEquals(stacksOf(profile), [
    "2: 1000 2000",
    "2: 1000 2000 [stack cut]",
    `1: ${IN_KERNEL} 1000 2000`,
    `1: ${IN_KERNEL} 1000 2000 [stack cut]`,
  ]);
  assertEquals(profile.meta.stacks, {
    unwound: 6,
    whole: 3,
    cut: [{
      reason: "the stack copy is too short",
      cause: "cut at 16 KiB",
      frame: "[stack cut]",
      object: null,
      samples: 3,
      remedy: "record with --call-graph auto,32K",
    }],
  });
  assertEquals(profile.meta.warnings, []);
});

Deno.test("the recorder's own stacks say what they are, and count in no share", async () => {
  const profile = await profileOf([inUser(MAIN), inUser(mark(END.OWN)), inUser(mark(END.OWN))]);
  assertEquals(stacksOf(profile), ["1: 1000 2000", "2: 1000 [the recorder's own stack]"]);
  assertEquals(profile.meta.stacks, { unwound: 1, whole: 1, cut: [] });
});

Deno.test("a mark that lies in code names the object of the outermost frame", async () => {
  const profile = await profileOf([
    inUser(MAIN, mark(END.NO_CFI)),
    inUser(mark(END.NO_CFI)),
    inUser(NOWHERE, mark(END.NO_CFI)),
    inKernel(USER, LEAF, mark(END.UNREADABLE)),
    inKernel(USER, mark(END.UNREADABLE)),
  ]);
  assertEquals(stacksOf(profile), [
    "1: 1000 2000 [no unwind information: worker]",
    "1: 1000 [no unwind information: worker]",
    "1: 1000 999000 [no unwind information]",
    `1: ${IN_KERNEL} 1000 [unreadable object: worker]`,
    `1: ${IN_KERNEL} [unreadable object]`,
  ]);
  const { cut } = profile.meta.stacks!;
  assertEquals(cut.map(({ object, samples }) => [object, samples]), [
    ["worker", 2],
    [null, 1],
    ["worker", 1],
    [null, 1],
  ]);
  assertEquals(cut[2].remedy, "it could not be read while recording");
});

Deno.test("other marks say what happened, whatever the object", async () => {
  const profile = await profileOf([
    inKernel(USER, mark(END.NO_STACK)),
    inUser(MAIN, mark(END.OTHER_STACK)),
    inUser(mark(OTHER_MACHINE)),
    inUser(mark(14 as typeof OTHER_MACHINE)),
  ]);
  assertEquals(stacksOf(profile), [
    `1: ${IN_KERNEL} [no stack copied]`,
    "1: 1000 2000 [on another stack]",
    "1: 1000 [stack not unwound]",
    "1: 1000 [stack ends early]",
  ]);
  assertEquals(profile.meta.stacks!.cut.map(({ reason }) => reason).slice(2), [
    "the machine is not supported",
    "unknown",
  ]);
});

Deno.test("a sample in user space whose chain is only a mark has its own address as well", async () => {
  const profile = await profileOf([{ ip: LEAF, chain: [USER, mark(END.NO_CFI)] }, {
    ip: LEAF,
    chain: [USER],
  }]);
  assertEquals(stacksOf(profile), ["1: 1000 [no unwind information: worker]", "1: 1000"]);
  assertEquals(profile.meta.stacks?.unwound, 1);
});

Deno.test("only chains that lead into user space count", async () => {
  const profile = await profileOf([inKernel(), inKernel(USER), inUser(), inKernel(USER, LEAF)]);
  const { unwound, whole } = profile.meta.stacks!;
  assertEquals([unwound, whole], [2, 2]);
});

Deno.test("what looks like a mark is an address where no mark can be", async () => {
  const cut = mark(END.SHORT);
  const profile = await profileOf([
    inUser(cut, MAIN),
    { ip: ENTRY, chain: [KERNEL, ENTRY, cut] },
    inKernel(USER_DEFERRED, cut),
  ]);
  assertEquals(profile.objects.filter(({ kind }) => kind === "missing").map(({ name }) => name), [
    "[user callers lost]",
  ]);
  assertEquals(profile.meta.stacks, { unwound: 1, whole: 1, cut: [] });
});

Deno.test("copies that were shorter or longer call for others, up to what fits", async () => {
  const remedyAt = async (stackBytes: number) => {
    const profile = await profileOf([inUser(mark(END.SHORT))], { info: session({ stackBytes }) });
    const [{ cause, remedy }] = profile.meta.stacks!.cut;
    return `${cause}: ${remedy}`;
  };
  assertEquals(await remedyAt(1000), "cut at 1000 bytes: record with --call-graph auto,2000");
  assertEquals(await remedyAt(32 << 10), "cut at 32 KiB: record with --call-graph auto,63K");
  assertEquals(await remedyAt(63 << 10), "cut at 63 KiB: ");
});

Deno.test("a pipe, whose session info comes last, gives the same counts", async () => {
  const samples = [inUser(MAIN), inUser(MAIN, mark(END.SHORT)), inKernel(USER, LEAF)];
  const feature = (ledger: string) => encodeFeatures({ version: "1", ledger }).map(encodeHeaderFeature);
  const pipe = concat([
    encodePipeHeader(),
    encodeHeaderAttr(EVENT),
    ...samples.map((sample) => madeSample(ATTR, sample)),
    ...feature(UNWOUND(samples.length)),
  ]);
  for (const chunk of [1, Infinity]) {
    const { meta } = await loadProfile(stream(pipe, chunk), files);
    assertEquals(meta.stacks, (await profileOf(samples)).meta.stacks);
  }
});

Deno.test("a recording that was not unwound gets no counts, and its broken chains a warning", async () => {
  const astray = [inUser(NOWHERE, MAIN)];
  const unwound = await profileOf(astray);
  assertEquals([unwound.meta.stacks?.whole, unwound.meta.warnings], [1, []]);
  for (const info of [session(), OTHER_TOOL]) {
    const { meta } = await profileOf(astray, { info, events: [{ ...BY_POINTERS, ids: [1n] }] });
    assertEquals(meta.stacks, undefined);
    assertStringIncludes(meta.warnings[0], "record with pmuctl record -g");
  }
});

Deno.test("events whose chains follow frame pointers beside others that were unwound do not count as such", async () => {
  const events = [EVENT, BY_POINTERS], astray = { ...inUser(NOWHERE, MAIN), id: 2n };
  const profile = await profileOf([inUser(MAIN), inUser(MAIN, mark(END.SHORT)), astray, astray], { events });
  assertEquals([profile.meta.stacks?.unwound, profile.meta.stacks?.whole], [2, 1]);
  assertStringIncludes(profile.meta.warnings[0], "100.0% of 2 samples have wrong callers");
});

Deno.test("without session info it is the marks that tell, but not how long the copies were", async () => {
  const { meta } = await profileOf([inUser(MAIN), inUser(mark(END.SHORT))], { info: OTHER_TOOL });
  assertEquals([meta.stacks?.unwound, meta.stacks?.whole], [2, 1]);
  const [{ cause, remedy }] = meta.stacks!.cut;
  assertEquals([cause, remedy], ["cut", ""]);
});

Deno.test("session info with a wild size is not taken", async () => {
  for (const stackBytes of [0, -8, 1e300, "16384", null]) {
    const info = (samples: number) =>
      JSON.stringify({ ...JSON.parse(session()(samples)), unwound: { stackBytes } });
    assertEquals((await profileOf([inUser(MAIN)], { info })).meta.stacks, undefined);
  }
});

Deno.test("options that concern copies or leaves do no harm", async () => {
  const samples = [inUser(MAIN), inUser(MAIN, mark(END.SHORT))];
  assertEquals(stacksOf(await profileOf(samples, { noUnwind: true })), stacksOf(await profileOf(samples)));
  assertEquals((await profileOf(samples, { noUnwind: true })).meta.stacks?.unwound, 2);
  const merged = await profileOf(samples, { mergeAddresses: true });
  assertEquals([merged.samples.stack.length, merged.meta.stacks?.whole], [2, 1]);
  const leaves = await profileOf(samples, { leafOnly: true });
  assertEquals([stacksOf(leaves), leaves.meta.stacks, leaves.meta.warnings], [["2: 1000"], undefined, []]);
});

testNeeding(["perf"], "perf shows all frames, and one unknown caller for the mark", async () => {
  const file = fileOf([inKernel(USER, LEAF, MAIN, mark(END.SHORT))]);
  const script = await perf(["script", "-F", "ip,dso"], file);
  const frames = script.trim().split("\n").map((line) => line.trim());
  assertEquals(frames, [
    "ffffffff81010000 ([kernel.kallsyms])",
    "ffffffff81020000 ([kernel.kallsyms])",
    "1000 (/bin/worker)",
    "2000 (/bin/worker)",
    "706d750100000000 ([unknown])",
  ]);
});
