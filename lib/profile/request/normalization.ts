/**
 * Ways to make the weights of two recordings comparable. B's weights are multiplied by a factor:
 *
 * - `none`: 1; right if both did the same work, as a command run to its end does
 * - `duration`: as if both had been recorded for the same time
 * - `samples`: as if both had the same number of samples
 * - `share`: as if both had the same total weight, so that only the distribution counts
 */
export type Normalization = "none" | "duration" | "samples" | "share";

/** All ways to normalize, for options. */
export const NORMALIZATIONS: readonly Normalization[] = ["none", "duration", "samples", "share"];
