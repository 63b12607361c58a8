/**
 * Stands in for `@std/fmt/colors` where JSR is out of reach.
 *
 * @module
 */
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
function wrap(text: string, open: number, close: number): string {
  if (!enabled) return text;
  const [begin, end] = [`\x1b[${open}m`, `\x1b[${close}m`];
  return begin + text.replaceAll(end, begin) + end;
}

const style = (open: number, close: number) => (str: string): string => wrap(str, open, close);

export const bold = style(1, 22);
export const dim = style(2, 22);
export const red = style(31, 39);
export const green = style(32, 39);
export const yellow = style(33, 39);
export const cyan = style(36, 39);
