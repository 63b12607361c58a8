/** Style sheet of the page of trends: the colors are those of the report's page, light or dark as the reader has it. */
export const TREND_STYLE = `
:root {
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", "DejaVu Sans Mono", Menlo, monospace;
  --ground: #f7f7f5; --surface: #ffffff; --text: #1d1f23; --muted: #5c6370; --line: #e1e2e4;
  --accent: #2563a8; --warn-ground: #fdf4dc; --warn-line: #d79c1e; --bad: #c2410c; --good: #1f5c34;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14161a; --surface: #1c1f25; --text: #e6e8eb; --muted: #9aa3b0; --line: #31363f;
    --accent: #6cabf2; --warn-ground: #2e2715; --warn-line: #c2922b; --bad: #fb923c; --good: #93c9a4;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 14px/1.45 var(--sans); }
main { max-width: 1100px; margin: 0 auto; padding: 20px 24px 48px; display: flex; flex-direction: column; gap: 14px; }
h1, h2, p, ul { margin: 0; padding: 0; }
h1 { font: 600 19px/1.35 var(--mono); overflow-wrap: anywhere; }
h2 { font-size: 15px; font-weight: 600; overflow-wrap: anywhere; }
a { color: var(--accent); }
.muted { color: var(--muted); }
.notes { background: var(--warn-ground); border: 1px solid var(--warn-line); border-left-width: 4px; border-radius: 6px; padding: 10px 14px 10px 30px; }
.index { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; min-width: 0; }
.verdict { font-weight: 600; margin-right: 8px; color: var(--muted); }
.regressed { color: var(--bad); }
.improved { color: var(--good); }
svg { display: block; width: 100%; min-width: 700px; height: auto; margin: 8px 0 4px; }
svg text { fill: var(--muted); font: 11px var(--sans); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); }
.run { fill: var(--accent); fill-opacity: 0.55; }
.dirty { fill: none; stroke: var(--accent); }
.level { stroke: var(--text); stroke-width: 2; }
.change { stroke-width: 1.5; stroke-dasharray: 4 3; }
.up { stroke: var(--bad); }
.down { stroke: var(--good); }
.unsure { stroke: var(--muted); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: 4px 12px 4px 0; border-top: 1px solid var(--line); }
th { color: var(--muted); font-weight: 400; font-size: 12px; border-top: 0; }
td:last-child { min-width: 240px; }
td.number { white-space: nowrap; }
code { font-family: var(--mono); font-size: 12.5px; overflow-wrap: anywhere; }
td ul { list-style: none; }
`;
