/** pmuctl's version: printed by `--version`, and stored in the files we record. */
export const VERSION = "0.1.0";
