/**
 * Makes the SVG answer: reads its boxes, and adds a search box and a button. It runs in the reader's browser; the SVG
 * holds the text of this function as it stands here, so it can use nothing from outside itself.
 *
 * A box is an `svg` with a `title` (name, object, figures: a line each), a `rect`, and a `text` where there is room.
 *
 * @param {SVGSVGElement} root the whole picture
 * @param {{rowHeight: number, inverted: boolean, letterWidth: number, headHeight: number}} how sizes in pixels
 * @param {typeof import("./chart.js").flameChart} flameChart
 */
export function openPicture(root, how, flameChart) {
  const SVG = "http://www.w3.org/2000/svg";
  const HTML = "http://www.w3.org/1999/xhtml";
  const head = root.querySelector(".head");
  const details = root.querySelector(".details");
  const hint = details.textContent;
  const elements = [...root.querySelector(".boxes").children];
  const number = (element, name) => parseFloat(element.getAttribute(name));
  const rootY = number(elements[0], "y");
  const lines = elements.map((element) => element.firstElementChild.textContent.split("\n"));
  const boxes = elements.map((element, i) => ({
    element,
    name: lines[i][0],
    object: "",
    className: element.getAttribute("class"),
    depth: Math.abs(number(element, "y") - rootY) / how.rowHeight,
    x: number(element, "x"),
    width: number(element, "width"),
  }));

  function make(name, properties) {
    return Object.assign(document.createElementNS(HTML, name), properties);
  }
  const controls = make("div", { className: "controls" });
  const found = make("output", { className: "found", hidden: true });
  const input = make("input", {
    type: "search",
    placeholder: "Search: a regular expression",
    spellcheck: false,
  });
  input.setAttribute("aria-label", "Search");
  const reset = make("button", { textContent: "Reset zoom", className: "reset", disabled: true });
  controls.append(found, input, reset);
  const holder = document.createElementNS(SVG, "foreignObject");
  for (
    const [name, value] of Object.entries({ x: "38%", y: how.headHeight - 54, width: "61%", height: 30 })
  ) {
    holder.setAttribute(name, String(value));
  }
  holder.append(controls);
  head.append(holder);

  /** Box that keys have moved to. */
  let at = -1;
  const chart = flameChart(root.querySelector(".boxes"), how, {
    keys: document,
    drawn({ zoomed }) {
      reset.disabled = zoomed === 0;
    },
    tell(i, pointed) {
      if (!pointed) at = i;
      const told = i < 0 ? at : i;
      details.textContent = told < 0 ? hint : `${lines[told][0]}; ${lines[told].slice(1).join("; ")}`;
    },
    startSearch: () => input.focus(),
  });

  function search(pattern) {
    let problem = "", expression = null;
    if (pattern !== "") {
      try {
        // capitals in the pattern mean that they matter
        expression = new RegExp(pattern, /[A-Z]/.test(pattern) ? "" : "i");
      } catch {
        problem = "not a regular expression";
      }
    }
    const { width, frames } = chart.search(expression && (({ name }) => expression.test(name)));
    const share = `${width.toFixed(width < 1 ? 2 : 1)}% in ${frames} frame${frames === 1 ? "" : "s"}`;
    found.textContent = problem || (expression ? share : "");
    found.hidden = found.textContent === "";
  }
  input.addEventListener("input", () => search(input.value));
  input.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    input.value = "";
    search("");
    input.blur();
  });
  reset.addEventListener("click", () => chart.zoom(0));
  addEventListener("resize", () => chart.draw());

  chart.show(boxes, 0);
  if (root === document.documentElement) {
    // what says what it is stays in sight, and the root, where reading starts, is in it at first
    addEventListener("scroll", () => head.setAttribute("transform", `translate(0 ${scrollY})`));
    if (!how.inverted) scrollTo(0, document.documentElement.scrollHeight);
  }
}
