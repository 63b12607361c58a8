/**
 * Backends by name, and the one owner that may sample with them: tprof's rules, with its errors. All are
 * UnsupportedErrors with the errno that tprof gives.
 */

import { ERRNO } from "../../base/errno.ts";
import { UnsupportedError } from "../../base/errors.ts";
import { BACKEND_VERSION, type Operations } from "./backend.ts";
import { BackendOwner } from "./owner.ts";

/** A backend as it was registered. */
export interface Backend extends Operations {
  readonly name: string;
}

export class BackendRegistry {
  /** In the order they were registered: those before are preferred. */
  readonly #backends = new Map<string, Backend>();
  #owner: BackendOwner | undefined;

  /** Adds a backend behind those there are. Throws EINVAL for another version, EEXIST for a name that is taken. */
  register(name: string, version: number, operations: Operations): void {
    const attempt = `register backend ${name}`;
    if (version !== BACKEND_VERSION) {
      const cause = `it is made for version ${version} of the interface, and this is ${BACKEND_VERSION}`;
      throw new UnsupportedError(
        { attempt, cause, remedy: "build it with this pmuctl's sources" },
        ERRNO.EINVAL,
      );
    }
    if (this.#backends.has(name)) {
      const cause = "there is one of that name";
      throw new UnsupportedError(
        { attempt, cause, remedy: "unregister that first, or take another name" },
        ERRNO.EEXIST,
      );
    }
    this.#backends.set(name, { ...operations, name });
  }

  /** Takes a backend away. Throws ENOENT when there is none of that name, EBUSY while it is in use. */
  unregister(name: string): void {
    const attempt = `unregister backend ${name}`;
    if (!this.#backends.has(name)) {
      throw new UnsupportedError(
        { attempt, cause: "there is none of that name", remedy: this.known() },
        ERRNO.ENOENT,
      );
    }
    if (this.#owner?.uses(name)) {
      throw new UnsupportedError(
        { attempt, cause: "it is in use", remedy: "end the recording first" },
        ERRNO.EBUSY,
      );
    }
    this.#backends.delete(name);
  }

  /** All of them, preferred first. */
  all(): Backend[] {
    return [...this.#backends.values()];
  }

  /** `there are perf, clock`. */
  known(): string {
    return this.#backends.size > 0 ? `there are ${[...this.#backends.keys()].join(", ")}` : "there are none";
  }

  /** Makes the caller the owner, until it closes. Throws EBUSY when there is one. */
  open(): BackendOwner {
    if (this.#owner) {
      throw new UnsupportedError(
        {
          attempt: "open the backends",
          cause: "another recording of this process has them",
          remedy: "end that first",
        },
        ERRNO.EBUSY,
      );
    }
    return this.#owner = new BackendOwner(this, () => this.#owner = undefined);
  }
}
