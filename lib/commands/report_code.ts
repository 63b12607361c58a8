/** Code of the hottest functions in the page of `report --format html`. */

import { counted } from "../base/text/plural.ts";
import type { Io, ParsedArgs } from "../cli/command.ts";
import type { LoadOptions } from "../profile/request/load_options.ts";
import type { Profile } from "../profile/model/profile.ts";
import type { ReportFormat } from "../report/formats.ts";
import type { ProfileCode } from "../report/html/pack_code.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";

/** Number of the hottest functions whose code a page has, by default and at most. */
export const CODE_COUNT = 50;
const MAX_COUNT = 10_000;
/** Time in ms after which no more code is read, and for each function where that is more. */
const PATIENCE = 2000, PATIENCE_EACH = 40;

/** Source of the code of a profile's functions. */
export interface CodeSource {
  /** Options to load the profile with. */
  loading: Pick<LoadOptions, "sampledAddresses" | "seeObjects">;
  /** Returns the code of the hottest functions of the profile, or of a part of it. */
  of(profile: Profile, files: SymbolFiles): Promise<ProfileCode>;
}

/**
 * Returns the source of the code that a format has; undefined if it has none, or the user wants none. It warns of code
 * that there was no time for.
 */
export function codeSource(args: ParsedArgs, format: ReportFormat, io: Io): CodeSource | undefined {
  const count = args.number("annotate", { min: 0, max: MAX_COUNT, integer: true }) ?? CODE_COUNT;
  if (!format.code || count === 0) return undefined;
  type Seen = Parameters<NonNullable<LoadOptions["seeObjects"]>>;
  let seen: Seen | undefined;
  return {
    loading: { sampledAddresses: true, seeObjects: (...all) => seen = all },
    of: async (profile, files) => {
      const [objects, symbolizer] = seen!, patience = Math.max(PATIENCE, count * PATIENCE_EACH);
      const { annotateHottest } = await import("../annotate/annotate_hottest.ts");
      const { code, unread } = await annotateHottest(profile, {
        ...{ count, objects, symbolizer, files },
        mangled: args.has("no-demangle"),
        patience,
      });
      if (unread > 0) {
        io.err(
          `pmuctl: warning: the page lacks code of ${counted(unread, "function")}: ` +
            `reading it was stopped after ${patience / 1000} s: 'pmuctl annotate SYMBOL' shows it`,
        );
      }
      return code;
    },
  };
}
