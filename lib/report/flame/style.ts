/** The style sheet of a flame graph, and what classes its boxes have. */

import type { BoxKind } from "./layout.ts";

/** Shades of each kind, so that neighbours can be told apart. */
const SHADES = 6;
/** Steps of growth, and of shrinking, in a differential graph. */
export const STEPS = 6;

/** Hues from the first shade to the last in degrees, and saturation in percent. */
const COLORS: Readonly<
  Record<Exclude<BoxKind, "root" | "unresolved">, { hues: [number, number]; saturation: number }>
> = {
  program: { hues: [16, 46], saturation: 88 },
  library: { hues: [88, 142], saturation: 48 },
  kernel: { hues: [194, 220], saturation: 72 },
  jit: { hues: [270, 312], saturation: 58 },
};

/** Kinds as the legend has them, in its order. */
export const KIND_NAMES: Readonly<Record<Exclude<BoxKind, "root">, string>> = {
  program: "program",
  library: "library",
  kernel: "kernel",
  jit: "run-time code",
  unresolved: "no symbol",
};

/** The class of a kind's box; its shade goes by the name, so that it is the same in every graph. */
export function kindClass(kind: BoxKind, name: string): string {
  if (kind === "root" || kind === "unresolved") return kind[0];
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash, 31) + name.charCodeAt(i);
  return `${kind[0]}${(hash >>> 4) % SHADES}`;
}

/** The class of a box that grew (`change` from 0 to 1) or shrank (from 0 to -1) by this part of the greatest change. */
export function changeClass(change: number): string {
  // the square root tells small changes from none
  const step = Math.ceil(Math.sqrt(Math.min(1, Math.abs(change))) * STEPS);
  return step === 0 ? "z" : `${change > 0 ? "g" : "s"}${step}`;
}

/** For the legend: the class of a kind's middle shade. */
export function swatchClass(kind: BoxKind): string {
  return kind === "unresolved" ? "u" : `${kind[0]}${SHADES >> 1}`;
}

const FONT = `ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace`;

/** The style sheet. Colours are variables of the root, so that those of a dark page replace them in one place. */
export function styleSheet(): string {
  const light = palette({ lightness: 74, root: "#d3d7dd", none: "#e4e2de", page: "#fff", ink: "#16181d" });
  const dark = palette({ lightness: 33, root: "#3b4048", none: "#33363c", page: "#15171b", ink: "#eef0f3" });
  const classes = classNames().map((name) => `.${name}>rect{fill:var(--${name})}`);
  return [
    `svg.flames{${light.join(";")};background:var(--page);color-scheme:light dark;font:11px ${FONT}}`,
    `@media (prefers-color-scheme:dark){svg.flames{${dark.join(";")}}}`,
    ".flames text{fill:var(--ink)}",
    ".flames .heading{font:600 15px system-ui,sans-serif}",
    ".flames .said,.flames .legend text{fill:var(--quiet);font:12px system-ui,sans-serif}",
    ".flames .warning{fill:var(--warn)}",
    ".flames .page{fill:var(--page)}",
    ".flames .boxes rect{stroke:var(--page);stroke-width:.6}",
    ".flames .boxes svg{cursor:pointer}",
    ".flames .boxes text{pointer-events:none}",
    ...classes,
    ".flames .boxes svg:hover>rect,.flames .boxes svg.at>rect{stroke:var(--ink)}",
    ".flames .boxes svg.at>rect{stroke-width:3}",
    ".flames .boxes .up{opacity:.55}",
    ".flames .boxes .hit>rect{fill:var(--hit)}",
    ".flames .boxes .hit>text{fill:#fff}",
    ".flames .controls{display:flex;justify-content:flex-end;gap:6px;font:12px system-ui,sans-serif}",
    ".flames .controls>*{font:inherit;color:var(--ink);background:var(--page);border:1px solid var(--line);" +
    "border-radius:5px;padding:3px 8px;min-width:0}",
    ".flames .controls input{flex:0 1 220px}",
    ".flames .controls button:disabled{color:var(--line)}",
    ".flames .controls :focus-visible{outline:2px solid var(--hit)}",
    "@media (max-width:820px){.flames .legend{display:none}}",
  ].join("\n");
}

interface Palette {
  lightness: number;
  root: string;
  none: string;
  page: string;
  ink: string;
}

function palette({ lightness, root, none, page, ink }: Palette): string[] {
  const isDark = lightness < 50;
  const kinds = Object.entries(COLORS).flatMap(([kind, { hues: [from, to], saturation }]) =>
    Array.from({ length: SHADES }, (_, shade) => {
      const hue = from + (to - from) * shade / (SHADES - 1);
      // every other shade is lighter, so that neighbours of close hues differ, too
      const light = lightness + (shade % 2 ? 4 : -1);
      return `--${kind[0]}${shade}:hsl(${hue.toFixed(0)} ${
        isDark ? saturation * 0.6 : saturation
      }% ${light}%)`;
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
  ];
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
