/** Finds the page's program and style sheet: scripts/setup makes the program, and the compiled binary has both inside. */

import { UnsupportedError } from "../../base/system/errors.ts";
import { rootUrl } from "../../base/root.ts";
import type { HtmlOptions } from "./html.ts";

/** Reads program and style sheet. Throws UnsupportedError when the program has not been made. */
export function pageAssets(): HtmlOptions {
  return {
    program: read(rootUrl("build/page.js")),
    style: read(rootUrl("lib/report/page/page.css")),
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
