/**
 * What scripts/pmuctl, and ffi/shim/spawn/start.c behind it, set in the environment for the runtime. It is taken out before
 * anything else, or it would be part of every program's environment, and move its stack.
 */

import { rootUrl } from "../root.ts";

/** The user's HOME behind "=", or "" when it is not set; the runtime is given another one, for what it reads there. */
const HOME_MARK = "PMUCTL_HOME";
const XFSZ_MARK = "PMUCTL_XFSZ";

/** What ffi/shim/spawn/start.c puts in place of the second letter of a name that the runtime is not to see: HIDDEN. */
const HIDDEN = "~".charCodeAt(0);
const HIDDEN_NAME = /^[DNOC]~/;
const HIDDEN_LETTER: Record<string, string> = { D: "E", N: "O", O: "T", C: "O" };

const taken: Record<string, string> = {};
/** Names that were hidden, as they are. */
const hidden: string[] = [];

/** A variable's value; undefined when it is not set, or is no text (UTF-8). */
export function environmentValue(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch {
    return undefined;
  }
}

function take(name: string): string | undefined {
  const value = environmentValue(name);
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
  for (const [name, value] of Object.entries(Deno.env.toObject())) {
    if (!HIDDEN_NAME.test(name)) continue;
    const own = name[0] + HIDDEN_LETTER[name[0]] + name.slice(2);
    Deno.env.delete(name);
    Deno.env.set(own, value);
    hidden.push(own);
  }
  const home = take(HOME_MARK);
  if (home === undefined) return;
  take("HOME");
  if (home !== "") Deno.env.set("HOME", home.slice(1));
}

/** Whether SIGXFSZ is ignored because the launcher wanted it. */
export function xfszIsOurs(): boolean {
  return XFSZ_MARK in taken;
}

/** What pmuctl gets when it runs itself: this process's environment as the launcher had made it. */
export function ownEnvironment(): Record<string, string> {
  const environment = { ...Deno.env.toObject(), ...taken };
  for (const name of hidden) {
    environment[`${name[0]}~${name.slice(2)}`] = environment[name];
    delete environment[name];
  }
  return environment;
}

/**
 * Returns the environment that this process was started with, `NAME=VALUE` and a NUL each, in its order; undefined when
 * that is still this process's own, or there is no /proc to read it from.
 */
export function startEnvironment(): Uint8Array<ArrayBuffer> | undefined {
  if (hidden.length === 0) return undefined;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Deno.readFileSync("/proc/self/environ");
  } catch {
    return undefined;
  }
  for (let at = 0; at < bytes.length; at = bytes.indexOf(0, at) + 1) {
    const letter = HIDDEN_LETTER[String.fromCharCode(bytes[at])];
    if (letter !== undefined && bytes[at + 1] === HIDDEN) bytes[at + 1] = letter.charCodeAt(0);
    if (bytes.indexOf(0, at) < 0) break;
  }
  return bytes;
}

function isSameFolder(one: string | undefined, other: string): boolean {
  try {
    return one !== undefined && Deno.realPathSync(one) === Deno.realPathSync(decodeURIComponent(other));
  } catch {
    return false; // one of them is not there
  }
}
