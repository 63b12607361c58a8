/** Annotates the hottest functions of a profile, for a page that shows their code. */

import type { Profile } from "../profile/model/profile.ts";
import { ProfileQuery } from "../profile/query/query.ts";
import type { AnnotatedFunction, ProfileCode } from "../report/html/pack_code.ts";
import { annotateFunctions, type AnnotateOptions } from "./annotate.ts";
import { type FunctionSamples, SampledFunctions } from "./function_samples.ts";

/** Options of annotateHottest(). */
export interface HottestOptions
  extends Pick<AnnotateOptions, "objects" | "symbolizer" | "files" | "mangled" | "patience"> {
  /** Number of functions of each event. */
  count: number;
}

/** Largest code of a function, in bytes, that a page has, and that it has whole: some 4,000 instructions. */
const MAX_CODE = 1 << 18, MAX_WHOLE = 1 << 14;

/**
 * Annotates the functions of each event with most samples of their own; `unread` of them lack something because the time
 * was over. The profile must have the addresses that were sampled (LoadOptions.sampledAddresses).
 */
export async function annotateHottest(
  profile: Profile,
  { count, ...options }: HottestOptions,
): Promise<{ code: ProfileCode; unread: number }> {
  const sampled = new ProfileQuery(profile).sampledEvents().map((event) => ({
    event,
    functions: new SampledFunctions(profile, event),
  }));
  const hottest = new Set<number>();
  // the hottest of every event come first, in case the time does not suffice
  for (let rank = 0; rank < count; rank++) {
    for (const { functions: { heaviest } } of sampled) {
      if (rank < heaviest.length) hottest.add(heaviest[rank]);
    }
  }
  const asked: { place: number; event: number; samples: FunctionSamples }[] = [];
  for (const { event, functions } of sampled) {
    const ids = [...hottest].filter((id) => functions.has(id));
    functions.samplesOf(ids).forEach((samples, i) => asked.push({ place: ids[i], event, samples }));
  }
  const order = new Map([...hottest].map((id, rank) => [id, rank]));
  asked.sort((a, b) => order.get(a.place)! - order.get(b.place)! || a.event - b.event);
  const { functions, warnings, unread } = await annotateFunctions(asked.map(({ samples }) => samples), {
    ...options,
    recorded: profile.meta.wallStart,
    maxCode: MAX_CODE,
    maxWhole: MAX_WHOLE,
    forOthers: true,
  });
  const code = {
    asked: count,
    functions: functions.map((annotation, i): AnnotatedFunction => {
      const { place, event } = asked[i];
      return { place, event, annotation };
    }),
    warnings,
  };
  const late = new Set(unread);
  const places = asked.filter(({ samples }) => late.has(samples)).map(({ place }) => place);
  return { code, unread: new Set(places).size };
}
