/** Names that a recording carries in its own bundle (lib/symbols/bundle), once its features have been read. */

import { BadInputError } from "../../base/system/errors.ts";
import type { Features } from "../../perfdata/format/features.ts";
import type { Bundle } from "../../symbols/bundle/bundle.ts";
import { BLOCK } from "../../symbols/bundle/block_types.ts";
import type { BundledObject } from "../../symbols/bundle/bundled_object.ts";
import type { BundledSources } from "../../symbols/bundle/bundled_sources.ts";
import type { SymbolFiles } from "../../symbols/files/symbol_files.ts";
import { Budget } from "../../symbols/object/limits.ts";
import type { ObjectInfo, ObjectTable } from "../../symbols/object/objects.ts";
import type { CarriedStacks } from "./stacks/carried_stacks.ts";

/** Names of one recording. Empty until `load`, and where there are none. */
export class CarriedNames {
  /** Problems found while loading, a sentence each. */
  readonly warnings: string[] = [];
  readonly #files: SymbolFiles;
  #isRead = false;
  #bundle: Bundle | undefined;

  /** @param files tell which objects the user has named other files for. */
  constructor(files: SymbolFiles) {
    this.#files = files;
  }

  /** Reads the bundle among the features, if there is one. A damaged one is left out, with a warning. */
  async load({ names }: Pick<Features, "names">): Promise<void> {
    if (names === undefined || this.#isRead) return;
    this.#isRead = true;
    const { Bundle } = await import("../../symbols/bundle/bundle.ts");
    try {
      this.#bundle = new Bundle(names, new Budget().cost("the names in the recording"));
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
      this.warnings.push(`the names that the recording carries are not used: ${error.message}`);
    }
  }

  /** Encoded stacks, as they were unwound from copies; undefined if there are none. */
  get encodedStacks(): Uint8Array | undefined {
    return this.#bundle?.further.get(BLOCK.STACKS);
  }

  /** Returns the stacks that were unwound from copies; undefined if there are none, or they are damaged. */
  async stacks(objects: ObjectTable): Promise<CarriedStacks | undefined> {
    const encoded = this.encodedStacks;
    if (encoded === undefined) return undefined;
    const { CarriedStacks } = await import("./stacks/carried_stacks.ts");
    try {
      return new CarriedStacks(encoded, objects);
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
      this.warnings.push(`the stacks that the recording carries are not used: ${error.message}`);
      return undefined;
    }
  }

  /** Texts of source lines; undefined if there are none. */
  get sources(): BundledSources | undefined {
    return this.#bundle?.sources;
  }

  /** Whether it has the kernel's symbols. */
  get hasKernel(): boolean {
    for (const { facts, symbols } of this.#bundle?.objects ?? []) {
      if (facts.kind === "kernel" && symbols !== undefined) return true;
    }
    return false;
  }

  /** Returns what is known about an object; undefined if nothing is, or the user has named a file for it. */
  of(object: ObjectInfo): BundledObject | undefined {
    if (this.#bundle === undefined || this.#files.isNamed?.(object)) return undefined;
    return this.#bundle.of(object);
  }
}
