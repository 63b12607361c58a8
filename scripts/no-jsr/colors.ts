/**
 * Stands in for `@std/fmt/colors` where JSR is out of reach.
 *
 * @module
 */
/** A colour of 8 bits a channel. */
export interface Rgb {
  /** Red, 0 to 255. */
  r: number;
  /** Green, 0 to 255. */
  g: number;
  /** Blue, 0 to 255. */
  b: number;
}

let enabled = !Deno.noColor;

/** Switches colour on or off; when NO_COLOR is set it stays off. */
export function setColorEnabled(value: boolean): void {
  if (!Deno.noColor) enabled = value;
}

/** True when the functions of this module colour what they are given. */
export function getColorEnabled(): boolean {
  return enabled;
}

/** Wraps `text`; where it closes the style itself, the style is opened again behind that. */
function wrap(text: string, open: string, close: number): string {
  if (!enabled) return text;
  const [begin, end] = [`\x1b[${open}m`, `\x1b[${close}m`];
  return begin + text.replaceAll(end, begin) + end;
}

const style = (open: number, close: number) => (str: string): string => wrap(str, String(open), close);

export const reset = style(0, 0);
export const bold = style(1, 22);
export const dim = style(2, 22);
export const italic = style(3, 23);
export const underline = style(4, 24);
export const inverse = style(7, 27);
export const hidden = style(8, 28);
export const strikethrough = style(9, 29);

export const black = style(30, 39);
export const red = style(31, 39);
export const green = style(32, 39);
export const yellow = style(33, 39);
export const blue = style(34, 39);
export const magenta = style(35, 39);
export const cyan = style(36, 39);
export const white = style(37, 39);
export const gray = style(90, 39);
export const brightBlack = gray;
export const brightRed = style(91, 39);
export const brightGreen = style(92, 39);
export const brightYellow = style(93, 39);
export const brightBlue = style(94, 39);
export const brightMagenta = style(95, 39);
export const brightCyan = style(96, 39);
export const brightWhite = style(97, 39);

export const bgBlack = style(40, 49);
export const bgRed = style(41, 49);
export const bgGreen = style(42, 49);
export const bgYellow = style(43, 49);
export const bgBlue = style(44, 49);
export const bgMagenta = style(45, 49);
export const bgCyan = style(46, 49);
export const bgWhite = style(47, 49);

const channel = (value: number) => Math.trunc(Math.min(255, Math.max(0, value)));

/** The channels of a colour, `r;g;b`; a number is 0xRRGGBB. */
function channels(color: number | Rgb): string {
  const { r, g, b } = typeof color === "number"
    ? { r: color >> 16 & 255, g: color >> 8 & 255, b: color & 255 }
    : color;
  return [r, g, b].map(channel).join(";");
}

/** Text in one of the 256 colours of xterm's palette. */
export function rgb8(str: string, color: number): string {
  return wrap(str, `38;5;${channel(color)}`, 39);
}

/** Text on one of the 256 colours of xterm's palette. */
export function bgRgb8(str: string, color: number): string {
  return wrap(str, `48;5;${channel(color)}`, 49);
}

/** Text in a colour of 24 bits: 0xRRGGBB or its channels. */
export function rgb24(str: string, color: number | Rgb): string {
  return wrap(str, `38;2;${channels(color)}`, 39);
}

/** Text on a colour of 24 bits: 0xRRGGBB or its channels. */
export function bgRgb24(str: string, color: number | Rgb): string {
  return wrap(str, `48;2;${channels(color)}`, 49);
}

// ECMA-48: control sequences, and strings such as OSC. Written out, because node:util takes as long to load as a
// small report.
// deno-lint-ignore no-control-regex
const SEQUENCE = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)/g;

/** The text without its escape sequences. */
export function stripAnsiCode(string: string): string {
  return string.replace(SEQUENCE, "");
}
