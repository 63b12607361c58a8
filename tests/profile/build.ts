/** Profiles from a few lines of text, for tests of what works on profiles. */

import { type Profile, type ProfileObject } from "../../lib/profile/model/profile.ts";
import { FrameTable, SampleTable, StackTable } from "../../lib/profile/model/tables.ts";
import { UnnamedTable } from "../../lib/profile/model/unnamed.ts";

/**
 * Lines of `COMM FRAME;FRAME;... COUNT [PERIOD]`, root first, in the manner of folded stacks. A frame is
 * `object!symbol`, or without a symbol `object!` for some address and `object!0x1a40` for the function that starts there.
 * Objects in [brackets] are the kernel's.
 */
export function profileOf(lines: string[], event = "cpu-clock"): Profile {
  const objects: ProfileObject[] = [];
  const objectIds = new Map<string, number>();
  const symbolIds = new Map<string, number>();
  const names: string[] = [];
  const symbolObjects: number[] = [];
  const frames = new FrameTable();
  const stacks = new StackTable();
  const samples = new SampleTable();
  const frameSymbols: number[] = [], frameUnnamed: number[] = [];
  const unnamed = new UnnamedTable();
  const comms: string[] = [];

  const idOf = <T>(map: Map<T, number>, key: T, add: () => void): number => {
    let id = map.get(key);
    if (id === undefined) {
      map.set(key, id = map.size);
      add();
    }
    return id;
  };
  const frameOf = (text: string): number => {
    const [object, symbol] = text.split("!");
    const o = idOf(objectIds, object, () => {
      const kind = object.startsWith("[") ? "kernel" : "file";
      objects.push({ name: object, path: `/bin/${object}`, kind, buildId: "" });
    });
    const start = symbol.startsWith("0x") ? Number(symbol) : undefined;
    if (symbol === "" || start !== undefined) {
      const frame = frames.frameOf(o, start ?? 0x1000 - 16);
      frameSymbols[frame] = -1;
      frameUnnamed[frame] = start === undefined
        ? unnamed.ofObject(o, 0x1000 - 16, 0x1000 - 16)
        : unnamed.ofFunction(o, start);
      return frame;
    }
    const s = idOf(symbolIds, text, () => {
      names.push(symbol);
      symbolObjects.push(o);
    });
    const frame = frames.frameOf(o, 0x1000 + s * 16);
    frameSymbols[frame] = s;
    frameUnnamed[frame] = -1;
    return frame;
  };

  for (const line of lines) {
    const [comm, stack, count, period] = line.split(" ");
    if (!comms.includes(comm)) comms.push(comm);
    let node = -1;
    for (const frame of stack.split(";")) node = stacks.intern(node, frameOf(frame));
    const each = Number(period ?? count) / Number(count);
    for (let i = 0; i < Number(count); i++) samples.add(0, comms.indexOf(comm), 0, node, each);
  }
  return {
    meta: {
      command: "work --hard",
      host: "box",
      kernel: "6.1.0",
      arch: "x86_64",
      cpu: "Some CPU",
      cpus: 2,
      seconds: 1.5,
      start: 10_000_000_000n,
      end: 11_500_000_000n,
      wallStart: -1,
      sampling: [],
      ledger: { from: "recorder", rows: [], total: { cpu: -1, sample: 0, overflow: 0, dropbuf_sample: 0 } },
      callChains: true,
      lost: 0,
      warnings: [],
      notes: [],
    },
    events: [{ name: event, rate: "1000 Hz", tracksOnly: false }],
    comms,
    objects,
    symbols: { name: names, object: Int32Array.from(symbolObjects) },
    frames: {
      object: frames.object.values(),
      address: frames.address.values(),
      symbol: Int32Array.from(frameSymbols),
      unnamed: Int32Array.from(frameUnnamed),
      unresolved: new Int32Array(frameSymbols.length).fill(-1),
    },
    unnamed: unnamed.columns(),
    stacks: { parent: stacks.parent.values(), frame: stacks.frame.values() },
    threads: {
      pid: Int32Array.from(comms, (_, i) => 100 + i),
      tid: Int32Array.from(comms, (_, i) => 100 + i),
      comm: Int32Array.from(comms, (_, i) => i),
    },
    processes: {
      pid: Int32Array.from(comms, (_, i) => 100 + i),
      comm: Int32Array.from(comms, (_, i) => i),
    },
    samples: samples.columns(),
    unresolved: [],
  };
}
