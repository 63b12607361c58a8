/**
 * Variables that scripts/pmuctl and ffi/shim/start/start.c set for the runtime. They are removed before anything else:
 * otherwise they would be part of every program's environment, and move its stack.
 */

import { rootUrl } from "../root.ts";

/**
 * Variable with the user's HOME after "=", or "" when HOME was unset; the runtime gets another HOME, for the files it
 * reads there.
 */
const HOME_MARK = "PMUCTL_HOME";
/** Variable that is set when the launcher made the runtime ignore SIGXFSZ. */
const XFSZ_MARK = "PMUCTL_XFSZ";

/**
 * Character that ffi/shim/start/environment.c (HIDDEN) puts in place of the second letter of a variable's name to hide it
 * from the runtime.
 */
const HIDDEN = "~".charCodeAt(0);
const HIDDEN_NAME = /^[DNOC]~/;
const HIDDEN_LETTER: Record<string, string> = { D: "E", N: "O", O: "T", C: "O" };

const taken: Record<string, string> = {};
/** Original names of the hidden variables. */
const hidden: string[] = [];

/** Returns a variable's value; undefined when it is unset or not UTF-8. */
export function environmentValue(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch {
    return undefined;
  }
}

/** Removes a variable from the environment and keeps its value for `ownEnvironment()`. */
function take(name: string): string | undefined {
  const value = environmentValue(name);
  if (value === undefined) return undefined;
  taken[name] = value;
  Deno.env.delete(name);
  return value;
}

/** Restores the environment that the user gave the launcher. */
export function dropLauncherEnvironment(): void {
  if (Deno.env.get("DENO_NO_UPDATE_CHECK") === "pmuctl") take("DENO_NO_UPDATE_CHECK");
  // set by the launcher if it is this checkout's, however it is spelled
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

/** Returns whether the launcher, rather than the user, had SIGXFSZ ignored. */
export function xfszIsOurs(): boolean {
  return XFSZ_MARK in taken;
}

/** Returns the environment for pmuctl to run itself with: this process's, as the launcher had prepared it. */
export function ownEnvironment(): Record<string, string> {
  const environment = { ...Deno.env.toObject(), ...taken };
  for (const name of hidden) {
    environment[`${name[0]}~${name.slice(2)}`] = environment[name];
    delete environment[name];
  }
  return environment;
}

/**
 * Returns the command that starts pmuctl again as it was started, with these arguments: the compiled binary, or Deno with
 * its options and main.ts.
 */
export function ownCommand(args: readonly string[]): string[] {
  const words = Deno.readTextFileSync("/proc/self/cmdline").split("\0").slice(0, -1);
  const own = words.slice(1, words.length - Deno.args.length);
  return [Deno.execPath(), ...own, ...args];
}

/**
 * Returns the environment that this process was started with, in its order: `NAME=VALUE` strings, each ending with a
 * NUL. Undefined when this process's own is unchanged, or there is no /proc.
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
    return false; // one of them does not exist
  }
}
