/** Time that the runs of a benchmark may take: a fixed one, or one that adapts to what it takes to decide. */

/** Time for all runs, in seconds. */
export interface TimeBudget {
  seconds: number;
  /** Seconds that are spent in any case; the rest only as long as it will probably decide. Default: all of them. */
  minSeconds?: number;
}

/** Seconds for the runs of a benchmark unless another budget is given, and those that an adapting one spends in any case. */
export const DEFAULT_SECONDS = 120;
/** Limit of a budget that adapts, in seconds, unless it has another. */
export const AUTO_SECONDS = 600;
/** Limits of the seconds of a budget. */
export const BUDGET_LIMITS = { min: 0.1, max: 1e6 } as const;

/** Word for a budget that adapts. */
const AUTO = "auto";
/** Description of what parseAutoBudget() reads. */
export const AUTO_FORMS = `${AUTO} or ${AUTO}:SECONDS`;

/** Parses `auto`, or `auto:SECONDS` with a limit of its own; undefined for anything else. */
export function parseAutoBudget(text: string): TimeBudget | undefined {
  const [word, limit] = text.split(":", 2);
  if (word !== AUTO || text.split(":").length > 2) return undefined;
  const seconds = limit === undefined ? AUTO_SECONDS : /^[\d.]+$/.test(limit) ? Number(limit) : NaN;
  const { min, max } = BUDGET_LIMITS;
  return seconds >= min && seconds <= max
    ? { seconds, minSeconds: Math.min(DEFAULT_SECONDS, seconds) }
    : undefined;
}
