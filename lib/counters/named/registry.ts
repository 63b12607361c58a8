/**
 * The sets that are bound now: the folder of their sockets is the list. A holder that was killed leaves its
 * socket behind; whoever meets it there removes it.
 *
 * A socket is made, and one left behind removed, only under the folder's lock, so that clean-up never
 * removes the socket of a set that was bound in the meantime. A holder that ends by itself removes its own
 * while it still listens, when nobody else would take it for a dead one's.
 */

import { EXIT } from "../../base/system/errors.ts";
import { HOLD_COMMAND, type ProtocolReply, type ProtocolRequest, type SetAnswer } from "./protocol.ts";
import { isSetName, SOCKET, socketPath } from "./runtime_folder.ts";
import { ask, type AskResult } from "./socket.ts";
import { SetError } from "../open/states.ts";

/** How long a holder may take to answer one that wants to know, and one that asks all of them. */
const ANSWER_MS = 5000;
const ROLL_CALL_MS = 1500;
/** A bind may wait for another one, which takes as long as a process takes to start. */
const LOCK_MS = 30_000;
/** Who only cleans up leaves it to the next one when something is being bound. */
const CLEAN_LOCK_MS = 2000;

/** What is known of a name. */
export type RegistryEntry =
  | { name: string; answer: SetAnswer }
  /** There is a holder, which does not answer as it should: why. */
  | { name: string; problem: string };

/** The folder's lock, held. */
export interface RegistryLock {
  release(): void;
}

export class Registry {
  readonly folder: string;

  /** `folder` has been checked, and is there. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * The answer of a set's holder. `attempt` completes `cannot ...`; `held` is the lock, if it is held. Throws SetError: EINVAL when there is no
   * such set, or no longer, or when the set refuses; EAGAIN when the set is invalid; ETIMEDOUT when its
   * holder does not answer.
   */
  async ask(
    name: string,
    request: ProtocolRequest,
    attempt: string,
    held?: RegistryLock,
  ): Promise<SetAnswer> {
    const path = socketPath(this.folder, name);
    for (let tries = 0; tries < 3; tries++) {
      const asked = await ask(path, request, ANSWER_MS);
      if ("reply" in asked) return accepted(asked.reply, attempt);
      switch (asked.failure) {
        case "absent":
          throw noSuchSet(attempt);
        case "dead":
          if (!await this.clean(name, held)) continue; // it has been bound anew in the meantime
          throw diedUnder(attempt);
        case "broken":
          continue; // it ended as we asked; what is left of it is met next
        case "silent":
        case "strange":
          throw new SetError(attempt, {
            errno: "ETIMEDOUT",
            cause: asked.detail ?? `its holder does not answer within ${ANSWER_MS / 1000} s`,
            remedy: `end its process with kill -9: ps shows it as '${HOLD_COMMAND} ${name}'`,
          });
      }
    }
    throw diedUnder(attempt);
  }

  /** All sets, by name. Holders that died are passed over, and their sockets removed. */
  async all(held?: RegistryLock): Promise<RegistryEntry[]> {
    const names = this.#names();
    const asked = await Promise.all(names.map((name) => this.#describe(name)));
    const dead = names.filter((_, i) => isDead(asked[i]));
    if (dead.length > 0) await this.#cleanAll(dead, held);
    return names.flatMap((name, i) => entryOf(name, asked[i]) ?? []);
  }

  /** Removes what a dead holder left. False when there is a living one now. */
  async clean(name: string, held?: RegistryLock): Promise<boolean> {
    return (await this.#cleanAll([name], held)) === 0;
  }

  /** Takes the lock under which sets are bound. Throws SetError: EAGAIN when others take too long. */
  async lock(attempt: string): Promise<RegistryLock> {
    const held = await this.#lock(LOCK_MS);
    if (held) return held;
    throw new SetError(attempt, {
      errno: "EAGAIN",
      cause: `another set has been being bound for ${LOCK_MS / 1000} s`,
      remedy: "try again; 'ps' shows which pmuctl it is",
    });
  }

  /** Removes those of the sockets whose holders are dead; how many are not. */
  async #cleanAll(names: readonly string[], alreadyHeld?: RegistryLock): Promise<number> {
    const held = alreadyHeld ?? await this.#lock(CLEAN_LOCK_MS);
    if (!held) return 0; // whoever binds at the moment cleans up, too
    try {
      let alive = 0;
      for (const name of names) {
        const asked = await this.#describe(name); // again: only now can it not be bound anew
        if (isDead(asked)) removeIfThere(socketPath(this.folder, name));
        else if (!("failure" in asked) || asked.failure !== "absent") alive++;
      }
      return alive;
    } finally {
      if (!alreadyHeld) held.release();
    }
  }

  #describe(name: string): Promise<AskResult> {
    return ask(socketPath(this.folder, name), { do: "describe" }, ROLL_CALL_MS);
  }

  #names(): string[] {
    return Array.from(Deno.readDirSync(this.folder), (entry) => entry.name)
      .filter((file) => file.endsWith(SOCKET))
      .map((file) => file.slice(0, -SOCKET.length))
      .filter(isSetName)
      .sort();
  }

  /** flock(2), which ends with the process that has it; undefined when it cannot be had in time. */
  async #lock(limitMs: number): Promise<RegistryLock | undefined> {
    const file = await Deno.open(`${this.folder}/lock`, { create: true, write: true, mode: 0o600 });
    const { promise: expired, resolve } = Promise.withResolvers<false>();
    const limit = setTimeout(() => resolve(false), limitMs);
    const locked = file.lock(true).then(() => true);
    try {
      if (await Promise.race([locked, expired])) return { release: () => file.close() };
    } finally {
      clearTimeout(limit);
    }
    locked.then(() => file.close(), () => {}); // it cannot be taken back, only given away again
    return undefined;
  }
}

/** The set that is asked for is not there: cpc's answer for a set that is not bound. */
export function noSuchSet(attempt: string): SetError {
  return new SetError(attempt, {
    errno: "EINVAL",
    cause: "there is no set of that name",
    remedy: "'pmuctl sets' lists them",
  });
}

/** The same when there was one; that is not the caller's mistake, so the status is another one. */
function diedUnder(attempt: string): SetError {
  return new SetError(
    attempt,
    {
      errno: "EINVAL",
      cause: "its holder has died, and what was counted with it",
      remedy: "bind it again",
    },
    EXIT.unsupported,
  );
}

function accepted(reply: ProtocolReply, attempt: string): SetAnswer {
  if ("ok" in reply) return reply.ok;
  throw new SetError(attempt, reply.refused);
}

function isDead(asked: AskResult): boolean {
  return "failure" in asked && asked.failure === "dead";
}

/** undefined for a set that has gone. */
function entryOf(name: string, asked: AskResult): RegistryEntry | undefined {
  if ("reply" in asked) {
    return "ok" in asked.reply
      ? { name, answer: asked.reply.ok }
      : { name, problem: asked.reply.refused.cause };
  }
  if (asked.failure === "silent") return { name, problem: "its holder does not answer" };
  return asked.failure === "strange"
    ? { name, problem: asked.detail ?? "its answer makes no sense" }
    : undefined;
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
