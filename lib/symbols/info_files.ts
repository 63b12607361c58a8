/**
 * Files that hold parts of an object's debug information: what dwz moved to a file that several objects share, and what
 * was split from it while compiling (.dwo, .dwp). Each is opened when something in it is first needed.
 */

import { BadInputError } from "../base/system/errors.ts";
import type { ByteSource } from "../base/bytes/byte_source.ts";
import { SplitPackage, type SplitUnit, unitOfFile } from "./dwarf/info/split_units.ts";
import { type UnitRoot, Units } from "./dwarf/info/units.ts";
import { sameBuildId } from "./elf/build_id.ts";
import { DebugSections } from "./elf/debug_section.ts";
import { ElfFile } from "./elf/elf.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { LimitError } from "./object/limits.ts";

/** Most bytes of a section that is read at once: of larger ones most units are not needed. */
const MAX_HELD = 1 << 20;

/** Debug information of an object in one file, and the files that it refers to. */
export class InfoFiles {
  /** Sections of the file itself. */
  readonly own: DebugSections;
  /** Paths of files that were needed and not found. */
  readonly missing = new Set<string>();
  readonly #files: SymbolFiles;
  readonly #holder: ElfFile;
  readonly #opened: ElfFile[] = [];
  #supplementary: Units | null | undefined;
  #package: SplitPackage | null | undefined;

  /** @param holder file that has the debug information. */
  constructor(files: SymbolFiles, holder: ElfFile) {
    this.#files = files;
    this.#holder = holder;
    this.own = new DebugSections(holder, MAX_HELD);
  }

  /** Returns the units that dwz moved to another file; undefined if it is not there. Throws BadInputError, LimitError. */
  supplementary(): Units | undefined {
    if (this.#supplementary === undefined) this.#supplementary = this.#openSupplementary() ?? null;
    return this.#supplementary ?? undefined;
  }

  /**
   * Returns the unit that the one with this first entry was split from; undefined if its file is not there. Throws
   * BadInputError, LimitError.
   */
  split(root: UnitRoot): SplitUnit | undefined {
    if (this.#package === undefined) this.#package = this.#openPackage() ?? null;
    const packed = this.#package?.unit(this.own, root);
    if (packed) return packed;
    const path = root.splitFile.startsWith("/") ? root.splitFile : `${root.directory}/${root.splitFile}`;
    // the program chooses this name
    const found = path.endsWith(".dwo") &&
      this.#find({ path }, (file) => unitOfFile(this.own, new DebugSections(file, MAX_HELD), root));
    if (found) return found;
    this.missing.add(path);
    return undefined;
  }

  /** Closes all but the file itself. */
  close(): void {
    for (const file of this.#opened) file.close();
  }

  #openSupplementary(): Units | undefined {
    const link = this.#holder.supplementaryLink();
    if (link === undefined) return undefined;
    const found = this.#find(link, (file) => {
      const own = file.buildId();
      if (own === undefined || !sameBuildId(own, link.buildId)) return undefined;
      const info = new DebugSections(file, MAX_HELD), section = info.get(".debug_info");
      return section && new Units(info, section);
    });
    if (found === undefined) this.missing.add(link.path);
    return found;
  }

  #openPackage(): SplitPackage | undefined {
    const { name } = this.#holder.source;
    return this.#find({ path: `${name.slice(name.lastIndexOf("/") + 1)}.dwp` }, (file) => {
      return new SplitPackage(new DebugSections(file, MAX_HELD));
    });
  }

  /** Returns what `read` makes of the first file that it makes anything of; damaged ones are passed over. */
  #find<T>(
    by: { path: string; buildId?: string },
    read: (file: ElfFile) => T | undefined,
  ): T | undefined {
    const { source, cost } = this.#holder;
    for (const each of this.#files.referredFiles?.(source, by) ?? []) {
      const found = this.#read(each, read, cost);
      if (found !== undefined) return found;
      each.close?.();
    }
    return undefined;
  }

  #read<T>(source: ByteSource, read: (file: ElfFile) => T | undefined, cost: ElfFile["cost"]): T | undefined {
    try {
      const file = new ElfFile(source, cost), found = read(file);
      if (found !== undefined) this.#opened.push(file);
      return found;
    } catch (error) {
      if (error instanceof LimitError || !(error instanceof BadInputError)) throw error;
      return undefined;
    }
  }
}
