/**
 * What scripts/pmuctl, and ffi/start.c behind it, set in the environment for the runtime. It is taken out before
 * anything else, or it would be part of every program's environment, and move its stack.
 */

import { rootUrl } from "./root.ts";

/** The user's HOME behind "=", or "" when it is not set; the runtime is given another one, for what it reads there. */
const HOME_MARK = "PMUCTL_HOME";
const XFSZ_MARK = "PMUCTL_XFSZ";

const taken: Record<string, string> = {};

function take(name: string): string | undefined {
  const value = Deno.env.get(name);
  if (value === undefined) return undefined;
  taken[name] = value;
  Deno.env.delete(name);
  return value;
}

/** Gives this process the environment that the user gave the launcher. */
export function dropLauncherEnvironment(): void {
  if (Deno.env.get("DENO_NO_UPDATE_CHECK") === "pmuctl") take("DENO_NO_UPDATE_CHECK");
  // of the launcher when it is this checkout's, however it is written
  if (isSameFolder(Deno.env.get("DENO_DIR"), rootUrl(".deno/cache").pathname)) take("DENO_DIR");
  take(XFSZ_MARK);
  const home = take(HOME_MARK);
  if (home === undefined) return;
  take("HOME");
  if (home !== "") Deno.env.set("HOME", home.slice(1));
}

/** Whether SIGXFSZ is ignored because the launcher wanted it. */
export function xfszIsOurs(): boolean {
  return XFSZ_MARK in taken;
}

/** What pmuctl gets when it runs itself: this process's environment, and what was taken out of it. */
export function ownEnvironment(): Record<string, string> {
  return { ...Deno.env.toObject(), ...taken };
}

function isSameFolder(one: string | undefined, other: string): boolean {
  try {
    return one !== undefined && Deno.realPathSync(one) === Deno.realPathSync(decodeURIComponent(other));
  } catch {
    return false; // one of them is not there
  }
}
