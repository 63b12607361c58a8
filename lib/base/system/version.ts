/** Version of pmuctl: printed by `--version`, and stored in recorded files. */
export const VERSION = "0.1.0";
