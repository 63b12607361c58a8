/** Annotates the function that a user names, or the one with most samples. */

import { BadInputError } from "../base/system/errors.ts";
import { counted } from "../base/text/plural.ts";
import { type Profile, sampleCount } from "../profile/model/profile.ts";
import { ProfileQuery } from "../profile/query/query.ts";
import { remediesOf, remedyText } from "../report/shared/remedies.ts";
import { annotateFunctions, type AnnotateOptions, nothingAnnotated } from "./annotate.ts";
import type { Annotation } from "../report/shared/annotation.ts";
import { chosenFunction, SampledFunctions, waysToChoose } from "./function_samples.ts";

/** Options of annotateNamed(). */
export interface NamedOptions extends Omit<AnnotateOptions, "recorded"> {
  /** Row of the event. */
  event: number;
  /** Name of the function, or a part of it; the one with most samples by default. */
  name: string | undefined;
  /** Profile before it was filtered, with the same events. */
  unfiltered: Profile;
}

/** Share of samples without a symbol from which a warning says why. */
const MOST = 0.5;
/** Most objects that it names. */
const MAX_NAMED = 3;

/**
 * Annotates a function of a profile that was loaded with `places` (LoadOptions), with the profile's warnings. The annotation
 * is empty, with a warning, where no sample of it is left, or no sample at all. Throws UsageError if there is no function
 * of that name, and BadInputError if no sample is in a known function.
 */
export async function annotateNamed(
  profile: Profile,
  { event, name, unfiltered, ...options }: NamedOptions,
): Promise<Annotation> {
  const functions = new SampledFunctions(profile, event), eventName = profile.events[event]?.name ?? "";
  const { meta: { warnings, wallStart } } = profile;
  if (functions.all.samples === 0) return { ...nothingAnnotated(eventName), warnings };
  const unknown = unknownText(profile, event), [heaviest] = functions.heaviest;
  const noneKnown = `cannot annotate: no sample is in a known function${unknown && `: ${unknown}`}`;
  if (heaviest === undefined && (name === undefined || profile === unfiltered)) {
    throw new BadInputError(noneKnown);
  }
  const chosen = name === undefined
    ? { id: heaviest, others: [] }
    : chosenFunction(functions, name, new SampledFunctions(unfiltered, event));
  if (chosen === undefined) {
    const { all } = functions, left = `no sample of ${name} is left by the filters`;
    return { ...nothingAnnotated(eventName), symbol: name!, all, warnings: [left, ...warnings] };
  }
  const { id, others } = chosen;
  const { functions: [annotation], warnings: problems } = await annotateFunctions(functions.samplesOf([id]), {
    ...options,
    recorded: wallStart,
  });
  if (options.sourceOnly && annotation.lines.length === 0) {
    const [why = "its lines are not known"] = annotation.warnings;
    throw new BadInputError(`cannot show the source of ${annotation.symbol}: ${why}`);
  }
  const several = others.length > 0
    ? [
      `${counted(others.length, "more function")} ${
        others.length === 1 ? "has" : "have"
      } the name ${name}: ` +
      `this is the heaviest; ${waysToChoose(functions, [id, ...others])} chooses another`,
    ]
    : [];
  const most = unknown ? [`most samples have no symbol: ${unknown}`] : [];
  return { ...annotation, warnings: [...several, ...annotation.warnings, ...most, ...warnings, ...problems] };
}

/** Returns why most samples of an event have no symbol, and what to do about it; "" if most have one. */
function unknownText(profile: Profile, event: number): string {
  const { profile: shown } = new ProfileQuery(profile).withEvents([event]), remedies = remediesOf(shown);
  const without = remedies.reduce((sum, { samples }) => sum + samples, 0), whole = sampleCount(shown);
  if (without <= MOST * whole) return "";
  const more = remedies.length > 1 ? "; 'pmuctl report' has the other reasons" : "";
  return `${(100 * without / whole).toFixed(0)}%, of ${remedyText(remedies[0], MAX_NAMED)}${more}`;
}
