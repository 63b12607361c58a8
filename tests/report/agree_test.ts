/** The outputs of one profile agree with each other: the total, and self and total of each symbol. */

import { assert, assertEquals } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { Profile as PprofProfile } from "pprof-format";
import { checkValid, type Profile } from "../../lib/profile/model/profile.ts";
import { formatNamed, FORMATS, type OutputOptions } from "../../lib/report/formats.ts";
import { DEFAULT_REPORT } from "../../lib/report/shared/options.ts";
import { profileOf } from "../profile/build.ts";
import { contentOf, timesOf } from "./whole.ts";

const OPTIONS: OutputOptions = {
  ...DEFAULT_REPORT,
  weight: "period",
  marks: false,
  flamegraph: { inverted: false },
  tprof: {
    file: "perf.data",
    mergeCpus: true,
    mergeThreads: true,
    mergeProcesses: true,
    perSymbol: true,
  },
};

/** Periods by the name of a function. */
interface Weights {
  all: number;
  self: Map<string, number>;
  total: Map<string, number>;
}

/** Adds up stacks, root first; a name that recurs in a stack counts once in its total. */
class Sum implements Weights {
  all = 0;
  readonly self = new Map<string, number>();
  readonly total = new Map<string, number>();

  add(stack: readonly string[], weight: number) {
    this.all += weight;
    const plus = (map: Map<string, number>, name: string) => map.set(name, (map.get(name) ?? 0) + weight);
    plus(this.self, stack[stack.length - 1]);
    for (const name of new Set(stack)) plus(this.total, name);
  }
}

const textOf = (content: string | Uint8Array) =>
  typeof content === "string" ? content : new TextDecoder().decode(content);

/** How to read each format back; a format without functions and weights is not here. */
const READERS: Record<string, (content: string | Uint8Array) => Weights> = {
  json(content) {
    const { events: [event] } = JSON.parse(textOf(content));
    const weights = new Sum();
    weights.all = event.period;
    for (const { symbol, unnamed, self, total } of event.rows) {
      const name = symbol ?? unnamed;
      const add = (map: Map<string, number>, { period }: { period: number }) => {
        if (period > 0) map.set(name, (map.get(name) ?? 0) + period);
      };
      add(weights.self, self);
      add(weights.total, total);
    }
    return weights;
  },
  folded(content) {
    const weights = new Sum();
    for (const line of textOf(content).trimEnd().split("\n")) {
      const blank = line.lastIndexOf(" ");
      weights.add(line.slice(0, blank).split(";").slice(1), Number(line.slice(blank + 1)));
    }
    return weights;
  },
  pprof(content) {
    const { sample, location, function: functions, stringTable: { strings } } = PprofProfile
      .decode(gunzipSync(content as Uint8Array));
    const names = new Map(functions.map(({ id, name }) => [id, strings[Number(name)]]));
    const located = new Map(location.map(({ id, line }) => [id, names.get(line[0].functionId)!]));
    const weights = new Sum();
    for (const { locationId, value } of sample) {
      weights.add(locationId.map((id) => located.get(id)!).reverse(), Number(value[1]));
    }
    return weights;
  },
  speedscope(content) {
    const { shared: { frames }, profiles: [all, ...threads] } = JSON.parse(textOf(content));
    const read = (profiles: { samples: number[][]; weights: number[]; endValue: number }[]) => {
      const weights = new Sum();
      for (const { samples, weights: each, endValue } of profiles) {
        samples.forEach((stack, i) => weights.add(stack.map((frame) => frames[frame].name), each[i]));
        assertEquals(endValue, each.reduce((sum, one) => sum + one, 0));
      }
      return weights;
    };
    const weights = read([all]);
    assertSame(read(threads), weights, "speedscope's threads, and all of them");
    return weights;
  },
  flamegraph(content) {
    const svg = textOf(content);
    const whole = Number(/ data-weight="(\d+)"/.exec(svg)![1]);
    const box = /<svg class="\w+" x="[^"]*" y="(\d+)" width="([^"]*)%" height="17"><title>([^<\n]*)/g;
    const boxes = [...svg.matchAll(box)].map(([, y, width, name]) => ({
      name,
      y: Number(y),
      self: Math.round(Number(width) / 100 * whole),
    }));
    const weights = new Sum();
    const path: typeof boxes = [];
    const leave = () => {
      const { self } = path[path.length - 1];
      if (path.length > 2 && self > 0) weights.add(path.slice(2).map(({ name }) => name), self);
      path.pop();
    };
    for (const box of boxes) {
      // the roots are at the bottom
      while (path.length > 0 && path[path.length - 1].y <= box.y) leave();
      if (path.length > 0) path[path.length - 1].self -= box.self;
      path.push(box);
    }
    while (path.length > 0) leave();
    return weights;
  },
  firefox(content) {
    const { threads, shared } = JSON.parse(textOf(content));
    const { stackTable, frameTable, funcTable, stringArray } = shared;
    const weights = new Sum();
    for (const { samples } of threads) {
      samples.stack.forEach((leaf: number, i: number) => {
        const names: string[] = [];
        for (let stack = leaf;; stack -= stackTable.prefixOffset[stack]) {
          names.unshift(stringArray[funcTable.name[frameTable.func[stackTable.frame[stack]]]]);
          if (stackTable.prefixOffset[stack] === 0) break;
        }
        weights.add(names, Math.round(samples.weight[i] * 1e6));
      });
    }
    return weights;
  },
};

const sorted = (map: Map<string, number>) => [...map].filter(([, weight]) => weight > 0).sort();

function assertSame(a: Weights, b: Weights, what: string) {
  assertEquals(a.all, b.all, what);
  assertEquals(sorted(a.self), sorted(b.self), `${what}: self`);
  assertEquals(sorted(a.total), sorted(b.total), `${what}: total`);
}

/** A profile with recursion, a function of one name in two objects, and unresolved frames within and outside stacks. */
function example(): Profile {
  const profile = profileOf([
    "app app!main;app!work;libc.so!malloc 3 3000",
    "app app!main;app!work;app!work;app!work 5 700",
    "app app!main;app!;libc.so!memcpy 2 2000",
    "app app!main;libc.so! 4 16",
    "app app!main;[kernel.kallsyms]!sys_read;[kernel.kallsyms]! 1 90000",
    "sh sh!main 7 70",
    "sh sh!main;libc.so!malloc 2 6",
  ]);
  return { ...profile, times: timesOf(profile) };
}

const readable = Object.keys(READERS);

Deno.test("all outputs of one profile have the same total, and the same self and total of each symbol", async () => {
  const profile = example();
  checkValid(profile);
  const read = async (name: string) =>
    READERS[name](contentOf((await formatNamed(name).renderer())(profile, OPTIONS)));
  const reference = await read("json");
  assert(reference.self.size > 5);
  for (const name of readable) assertSame(await read(name), reference, name);
});

Deno.test("every format is compared with the others, or known to show less", () => {
  // rounded shares; no totals; what is compared in html_test.ts
  const less = ["text", "tprof", "html"];
  assertEquals(
    FORMATS.map(({ name }) => name).filter((name) => !less.includes(name)).sort(),
    readable.sort(),
  );
});
