/** Style sheets of flame graphs, and the classes of their boxes. */

import { isKernel, type ProfileObject } from "../../profile/model/profile.ts";
import type { Box, BoxKind } from "./layout.ts";

/** Number of shades of each kind, so that neighbours can be told apart. */
const SHADES = 6;
/** Number of steps of growth, and of shrinking, in a differential graph. */
const STEPS = 6;

/** Hues from the first shade to the last in degrees, and saturation in percent. */
const COLORS: Readonly<
  Record<Exclude<BoxKind, "root" | "unresolved">, { hues: [number, number]; saturation: number }>
> = {
  program: { hues: [16, 46], saturation: 88 },
  library: { hues: [88, 142], saturation: 48 },
  kernel: { hues: [194, 220], saturation: 72 },
  jit: { hues: [270, 312], saturation: 58 },
  offcpu: { hues: [228, 254], saturation: 62 },
};

/** Class of the boxes of inlined functions, besides that of their kind: they are lighter. */
export const INLINED_CLASS = "i";

/** Names of kinds in the legend, in its order. */
const KIND_NAMES: Readonly<Record<Exclude<BoxKind, "root">, string>> = {
  program: "program",
  library: "library",
  kernel: "kernel",
  jit: "run-time code",
  offcpu: "off-CPU",
  unresolved: "no symbol",
};

/**
 * Returns the kind of code, in an object or in none that is known, which has a symbol or not, and which ran or waited for
 * something.
 */
export function boxKind(
  named: boolean,
  object: Pick<ProfileObject, "kind" | "name"> | undefined,
  waited: boolean,
): BoxKind {
  if (!named) return "unresolved";
  if (waited) return "offcpu";
  if (object === undefined) return "program";
  if (isKernel(object.kind)) return "kernel";
  if (object.kind === "jit" || object.kind === "anon") return "jit";
  return object.kind === "vdso" || /\.so($|\.)/.test(object.name) ? "library" : "program";
}

/** Returns the class of a kind's box. Its shade depends on the name alone, so it is the same in every graph. */
export function kindClass(kind: BoxKind, name: string): string {
  if (kind === "root" || kind === "unresolved") return kind[0];
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash, 31) + name.charCodeAt(i);
  return `${kind[0]}${(hash >>> 4) % SHADES}`;
}

/** Returns the class of a box whose change is `change` of the greatest: from 1 for growth to -1 for shrinking. */
export function changeClass(change: number): string {
  // the square root tells small changes from none
  const step = Math.ceil(Math.sqrt(Math.min(1, Math.abs(change))) * STEPS);
  return step === 0 ? "z" : `${change > 0 ? "g" : "s"}${step}`;
}

/** Returns what a legend explains: class of a patch of color, and its name; "" where the next one has the name. */
export function legendEntries(boxes: readonly Box[], isDifferential: boolean): [string, string][] {
  if (isDifferential) return [["s6", ""], ["s2", ""], ["z", ""], ["g2", ""], ["g6", "from less to more"]];
  const kinds = new Set(boxes.map(({ kind }) => kind));
  const entries = (Object.keys(KIND_NAMES) as Exclude<BoxKind, "root">[])
    .filter((kind) => kinds.has(kind))
    .map((kind): [string, string] => [swatchClass(kind), KIND_NAMES[kind]]);
  if (boxes.some(({ inlined }) => inlined)) {
    entries.push([`${swatchClass("program")} ${INLINED_CLASS}`, "inlined"]);
  }
  return entries;
}

/** Returns the class of a kind's middle shade, which the legend shows. */
function swatchClass(kind: BoxKind): string {
  return kind === "unresolved" ? "u" : `${kind[0]}${SHADES >> 1}`;
}

const FONT = `ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace`;

/** Returns the style sheet of a picture that stands alone, in light colors or dark as its reader's system has it. */
export function pictureStyle(): string {
  return [
    `svg.flames{${colorVariables(LIGHT)};background:var(--page);color-scheme:light dark}`,
    `@media (prefers-color-scheme:dark){svg.flames{${colorVariables(DARK)}}}`,
    ".flames .heading{font:600 15px system-ui,sans-serif}",
    ".flames .said,.flames .legend text{fill:var(--quiet);font:12px system-ui,sans-serif}",
    ".flames .warning{fill:var(--warn)}",
    ".flames .page{fill:var(--page)}",
    ...boxRules(),
    ".flames .controls{display:flex;justify-content:flex-end;gap:6px;font:12px system-ui,sans-serif}",
    ".flames .controls>*{font:inherit;color:var(--ink);background:var(--page);border:1px solid var(--line);" +
    "border-radius:5px;padding:3px 8px;min-width:0}",
    ".flames .controls input{flex:0 1 220px}",
    ".flames .controls button:disabled{color:var(--line)}",
    ".flames .controls :focus-visible{outline:2px solid var(--hit)}",
    "@media (max-width:820px){.flames .legend{display:none}}",
  ].join("\n");
}

/** Returns the style sheet of the graph inside an HTML report, whose root element says when colors are dark. */
export function pageFlameStyle(): string {
  return [
    `.flames{${colorVariables(LIGHT)}}`,
    `[data-theme="dark"] .flames{${colorVariables(DARK)}}`,
    ...boxRules(),
  ].join("\n");
}

/** Lists the rules for boxes and their texts. Colors are variables, so that dark ones replace them in one place. */
function boxRules(): string[] {
  return [
    `svg.flames{font:11px ${FONT}}`,
    ".flames text{fill:var(--ink)}",
    ".flames .boxes rect{stroke:var(--page);stroke-width:.6}",
    ".flames .boxes svg{cursor:pointer}",
    ".flames .boxes text{pointer-events:none}",
    ...classNames().map((name) => `.${name}>rect{fill:var(--${name})}`),
    `.flames .${INLINED_CLASS}>rect{fill-opacity:.55}`,
    ".flames .boxes svg:hover>rect,.flames .boxes svg.at>rect{stroke:var(--ink)}",
    ".flames .boxes svg.at>rect{stroke-width:3}",
    ".flames .boxes .up{opacity:.55}",
    ".flames .boxes .hit>rect{fill:var(--hit)}",
    ".flames .boxes .hit>text{fill:#fff}",
  ];
}

const LIGHT: Palette = { lightness: 74, root: "#d3d7dd", none: "#e4e2de", page: "#fff", ink: "#16181d" };
const DARK: Palette = { lightness: 33, root: "#3b4048", none: "#33363c", page: "#15171b", ink: "#eef0f3" };

interface Palette {
  lightness: number;
  root: string;
  none: string;
  page: string;
  ink: string;
}

/** Declares a variable for each class of boxes, and for the page around them. */
function colorVariables({ lightness, root, none, page, ink }: Palette): string {
  const isDark = lightness < 50;
  const kinds = Object.entries(COLORS).flatMap(([kind, { hues: [from, to], saturation }]) =>
    Array.from({ length: SHADES }, (_, shade) => {
      const hue = from + (to - from) * shade / (SHADES - 1);
      // every other shade is lighter, so that neighbours of close hues differ, too
      const light = lightness + (shade % 2 ? 4 : -1);
      const strength = isDark ? saturation * 0.6 : saturation;
      return `--${kind[0]}${shade}:hsl(${hue.toFixed(0)} ${strength.toFixed(0)}% ${light}%)`;
    })
  );
  const changes = ([["g", 4], ["s", 214]] as const).flatMap(([name, hue]) =>
    Array.from({ length: STEPS }, (_, step) => {
      const strength = (step + 1) / STEPS;
      const light = isDark ? 27 + 20 * strength : 92 - 30 * strength;
      return `--${name}${step + 1}:hsl(${hue} ${(isDark ? 20 : 60) + 35 * strength}% ${light}%)`;
    })
  );
  return [
    ...kinds,
    ...changes.map((each) => each.replace(/\d+\.\d+/g, (n) => Number(n).toFixed(0))),
    `--r:${root}`,
    `--u:${isDark ? "#4b4e55" : "#c9c9c9"}`,
    `--z:${none}`,
    `--page:${page}`,
    `--ink:${ink}`,
    `--quiet:${isDark ? "#a9aeb8" : "#59606b"}`,
    `--line:${isDark ? "#555b66" : "#b9bec7"}`,
    `--warn:${isDark ? "#f0b454" : "#9a5b00"}`,
    `--hit:${isDark ? "#c026d3" : "#a21caf"}`,
  ].join(";");
}

function classNames(): string[] {
  const numbered = (letter: string, from: number, count: number) =>
    Array.from({ length: count }, (_, i) => `${letter}${from + i}`);
  return [
    ...Object.keys(COLORS).flatMap((kind) => numbered(kind[0], 0, SHADES)),
    ...numbered("g", 1, STEPS),
    ...numbered("s", 1, STEPS),
    "r",
    "u",
    "z",
  ];
}
