/** Dialog of the page that lists its keys. */

/** Name of the part of the page whose keys a page without code does not have. */
const CODE = "Code";

/** Keys by where they work: keys, and what they do. */
const KEYS: readonly [string, readonly [string, string][]][] = [
  ["Anywhere", [
    ["/", "search; Esc clears the search box"],
    ["t f s", "go to the timeline, the flame graph, the symbols"],
    ["Tab", "go to the next control"],
    ["?", "show or hide these keys"],
  ]],
  ["Flame graph", [
    ["← ↑ ↓ →", "walk the stacks"],
    ["Enter", "zoom to a function"],
    ["Backspace", "zoom out by one caller"],
    ["Esc", "zoom out to everything"],
  ]],
  [CODE, [
    ["c", "go there; in the flame graph, show the code of a function"],
    ["↑ ↓", "walk the lines"],
    ["n p", "go to the next or previous hot line"],
    ["Enter", "follow a jump"],
    ["Esc", "close it"],
  ]],
  ["Timeline", [
    ["← →", "move the range"],
    ["Shift ← →", "move the end of the range"],
    ["Esc", "take all"],
  ]],
  ["Heat map", [
    ["← ↑ ↓ →", "walk the cells"],
    ["Shift ← ↑ ↓ →", "take a range of cells"],
    ["Enter", "take a cell"],
    ["Esc", "take all"],
  ]],
  ["Symbols", [
    ["↑ ↓", "go to the next row"],
    ["Enter", "show a symbol's code and only the stacks through it, or all again"],
  ]],
];

/** Returns the dialog. */
export function keysHtml(hasCode: boolean): string {
  const parts = KEYS.filter(([where]) => hasCode || where !== CODE).map(([where, keys]) => {
    const lines = keys.map(([names, what]) => {
      const each = names.split(" ").map((name) => `<kbd>${name}</kbd>`).join(" ");
      return `<dt>${each}</dt><dd>${what}</dd>`;
    });
    return `<section><h3>${where}</h3><dl>${lines.join("\n")}</dl></section>`;
  });
  return `<dialog id="keys" aria-labelledby="keys-title">
<div class="head"><h2 id="keys-title">Keys</h2><button type="button" id="close-keys">Close</button></div>
<div class="keys">${parts.join("\n")}</div>
</dialog>`;
}
