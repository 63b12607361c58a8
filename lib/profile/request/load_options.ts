/** Options of a profile's loading: which parts of a recording to keep, and what to find out of them. */

import type { ObjectInfo } from "../../symbols/object/objects.ts";
import type { Symbolizer } from "../../symbols/symbolizer.ts";
import type { TimeSelection } from "./time_ranges.ts";

/** Options of loadProfile(). */
export interface LoadOptions {
  /** Keep symbol names as compilers wrote them; default: demangle them. */
  mangled?: boolean;
  /**
   * Demangle only symbols with at least this share, in percent, of an event's weight. For reports that show no others:
   * demangling takes as long as reading a hundred thousand samples.
   */
  readableFrom?: number;
  /** Keep only the innermost frame of each stack. */
  leafOnly?: boolean;
  /** Count samples that differ only in their CPU in one row, with CPU -1. */
  mergeCpus?: boolean;
  /** Count threads with the same name as one, whatever their processes, with the ids of the first. */
  mergeThreads?: boolean;
  /**
   * Treat all addresses of a symbol as the first one seen: faster, and far smaller. Has no effect where symbols are
   * known only after all records were read: for pipes, and with `lines`.
   */
  mergeAddresses?: boolean;
  /**
   * Keep the addresses that were sampled apart even with `mergeAddresses`, which then merges those of callers alone, and
   * where symbols are (`symbols.start`, `symbols.end`): what annotations need.
   */
  sampledAddresses?: boolean;
  /** Keep where symbols are (`symbols.start`, `symbols.end`). */
  symbolPlaces?: boolean;
  /** Keep the time of every sample (`Profile.times`). */
  times?: boolean;
  /** Keep samples without a time too where `times` is set: their time is NaN, and their order that of the recording. */
  untimed?: boolean;
  /** Keep what tracepoints carry, as text, with the times (`times.texts`). */
  texts?: boolean;
  /** Keep only the samples of these times. */
  within?: TimeSelection;
  /**
   * Keep where in memory each frame was, how far into its symbol (`frames.ip`, `frames.offset`), and where that is
   * (`symbols.start`, `symbols.end`).
   */
  places?: boolean;
  /**
   * Receives the objects as they were mapped, by their rows in the profile, and the symbolizer that has loaded them: for
   * those who read their files.
   */
  seeObjects?: (objects: readonly ObjectInfo[], symbolizer: Symbolizer) => void;
  /** Find the source line of every frame (`Profile.lines`). */
  lines?: boolean;
  /** Show the functions that were inlined where a frame is as frames of their own. */
  inline?: boolean;
  /** Leave copies of stacks unread, rather than unwind them. */
  noUnwind?: boolean;
  /** Take note of the unwound stacks, and of the addresses in texts, so that a bundle can carry them. */
  forBundle?: boolean;
  /** Load what comes before damage, with a warning; default: throw. */
  force?: boolean;
}
