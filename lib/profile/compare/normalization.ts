/**
 * What makes the weights of two recordings comparable: B's are multiplied by a factor.
 *
 * - `none`: as recorded; right when both did the same work, as a command run to its end does
 * - `duration`: as if both had been recorded for the same time
 * - `samples`: as if both had the same number of samples
 * - `share`: as if both weighed the same in all, so that only the distribution counts
 */
export type Normalization = "none" | "duration" | "samples" | "share";

export const NORMALIZATIONS: readonly Normalization[] = ["none", "duration", "samples", "share"];
