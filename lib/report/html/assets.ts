/** The page's own program and style, which scripts/setup makes and the compiled binary has inside. */

import { UnsupportedError } from "../../base/errors.ts";
import type { HtmlOptions } from "../html.ts";

/** Reads them. Throws UnsupportedError when the program has not been made. */
export function pageAssets(): HtmlOptions {
  return {
    program: read(new URL("../../../build/page.js", import.meta.url)),
    style: read(new URL("../page/page.css", import.meta.url)),
  };
}

function read(url: URL): string {
  try {
    return Deno.readTextFileSync(url);
  } catch (error) {
    throw new UnsupportedError({
      attempt: "make an HTML report",
      cause: `its page's program is missing (${error instanceof Error ? error.message : error})`,
      remedy: "run scripts/build-page, which makes it",
    });
  }
}
