/** From a perf.data file or pipe to a profile: read, build, symbolize, check. */

import { PERF_COUNT_SW, PERF_TYPE } from "../base/abi.ts";
import type { ByteInput } from "../base/byte_source.ts";
import { rateText } from "../events/attr.ts";
import { PerfDataReader, type ReadStats } from "../perfdata/reader.ts";
import type { Features } from "../perfdata/features.ts";
import { decodeSessionInfo } from "../perfdata/session_info.ts";
import { AddressSpaces } from "../symbols/address_space.ts";
import { demangler, isMangled } from "../symbols/demangle.ts";
import { type SymbolFiles, Symbolizer } from "../symbols/symbolizer.ts";
import { causeOf, remedyOf } from "../symbols/unresolved.ts";
import { ProfileBuilder } from "./builder.ts";
import { checkValid, type Profile, type ProfileMeta } from "./profile.ts";

export interface LoadOptions {
  /** Symbol names as compilers wrote them, rather than readable. */
  mangled?: boolean;
  /** Leave the callers out: each stack is its innermost frame. */
  leafOnly?: boolean;
  /** Take what comes before damage, and warn, rather than throw. */
  force?: boolean;
}

/**
 * Reads all of `input`. Throws BadInputError when it is not perf.data, or is damaged and not `force`d.
 */
export async function loadProfile(
  input: ByteInput,
  files: SymbolFiles,
  options: LoadOptions = {},
): Promise<Profile> {
  const reader = new PerfDataReader(input, { damaged: options.force ? "stop" : "throw" });
  const header = await reader.open();
  const spaces = new AddressSpaces();
  for (const { filename, buildId } of header.features.buildIds) spaces.objects.setBuildId(filename, buildId);
  const builder = new ProfileBuilder(spaces, options.leafOnly);
  const stats = reader.read(builder);

  const symbolizer = new Symbolizer(files);
  const symbol = symbolizeFrames(builder, spaces, symbolizer);
  const names: string[] = [];
  const symbolObjects = new Int32Array(symbolizer.count);
  for (let id = 0; id < symbolizer.count; id++) {
    const { name, object } = symbolizer.symbol(id);
    names.push(name);
    symbolObjects[id] = object.id;
  }
  const { frames, stacks, threads, samples } = builder;
  const profile: Profile = {
    meta: metaOf(header.features, stats, builder),
    events: header.events.map(({ name, attr }) => ({
      name,
      rate: rateText(attr),
      tracksOnly: attr.type === PERF_TYPE.SOFTWARE && Number(attr.config) === PERF_COUNT_SW.DUMMY,
    })),
    comms: builder.comms,
    objects: spaces.objects.rows.map(({ name, path, kind, buildId }) => ({
      name,
      path,
      kind,
      buildId: buildId ?? "",
    })),
    symbols: { name: options.mangled ? names : await readable(names), object: symbolObjects },
    frames: { object: frames.object.values(), address: frames.address.values(), symbol },
    stacks: { parent: stacks.parent.values(), frame: stacks.frame.values() },
    threads: { pid: threads.pid.values(), tid: threads.tid.values(), comm: threads.comm.values() },
    samples: {
      event: samples.event.values(),
      thread: samples.thread.values(),
      cpu: samples.cpu.values(),
      stack: samples.stack.values(),
      count: samples.count.values(),
      period: samples.period.values(),
    },
    unresolved: symbolizer.unresolved().map(({ object, reason, weight }) => ({
      object: object.name,
      cause: causeOf(reason),
      remedy: remedyOf(reason, object),
      samples: weight,
    })).filter((u) => u.samples > 0).sort((a, b) => b.samples - a.samples),
  };
  checkValid(profile);
  return profile;
}

/** The symbol of each frame, -1 for none; what stays unresolved counts by the samples it was innermost in. */
function symbolizeFrames(builder: ProfileBuilder, spaces: AddressSpaces, symbolizer: Symbolizer): Int32Array {
  const { frames, stacks, samples } = builder;
  const weight = new Float64Array(frames.object.length);
  for (let row = 0; row < samples.stack.length; row++) {
    weight[stacks.frame.data[samples.stack.data[row]]] += samples.count.data[row];
  }
  const symbol = new Int32Array(frames.object.length).fill(-1);
  for (let frame = 0; frame < symbol.length; frame++) {
    const object = frames.object.data[frame];
    if (object < 0) continue;
    const id = symbolizer.symbolize(spaces.objects.rows[object], frames.address.data[frame], weight[frame]);
    symbol[frame] = Math.max(id, -1); // below that are reasons, which the symbolizer counts
  }
  return symbol;
}

async function readable(names: string[]): Promise<string[]> {
  if (!names.some(isMangled)) return names;
  const demangle = await demangler();
  return names.map(demangle);
}

function metaOf(features: Features, stats: ReadStats, builder: ProfileBuilder): ProfileMeta {
  const session = features.ledger === undefined ? undefined : decodeSessionInfo(features.ledger);
  const warnings: string[] = [];
  if (stats.damage) warnings.push(`${stats.damage.message}: what follows is not in this report`);
  if (stats.unknownIds > 0) {
    warnings.push(`${stats.unknownIds} samples are of no event that the file describes`);
  }
  if (stats.outOfOrder > 0) warnings.push(`${stats.outOfOrder} records came too late to be sorted by time`);
  return {
    command: (session?.command ?? features.cmdline ?? []).join(" "),
    host: features.hostname ?? "",
    kernel: features.osrelease ?? "",
    arch: features.arch ?? "",
    cpu: features.cpudesc ?? "",
    cpus: features.nrcpus?.online ?? -1,
    seconds: builder.lastTime >= builder.firstTime ? (builder.lastTime - builder.firstTime) / 1e9 : -1,
    lost: session
      ? session.ledger.total.overflow + session.ledger.total.dropbuf_sample
      : stats.lost + stats.lostSamples,
    warnings,
  };
}
