/**
 * What makes a flame graph answer: zoom, search, keys. It runs in the reader's browser, inside the SVG; the text of
 * this function is put into the file as it stands here, so it can use nothing from outside itself.
 *
 * A box is an `svg` with a `title` (name, object, figures: a line each), a `rect`, and a `text` where there is room.
 * Boxes stand in the document with callers before what they called, each followed by all that is above it.
 *
 * @param {SVGSVGElement} root the whole picture
 * @param {{rowHeight: number, inverted: boolean, letterWidth: number, headHeight: number}} how it was drawn
 */
export function interact(root, { rowHeight, inverted, letterWidth, headHeight }) {
  const SVG = "http://www.w3.org/2000/svg";
  const HTML = "http://www.w3.org/1999/xhtml";
  const chart = root.querySelector(".boxes");
  const head = root.querySelector(".head");
  const details = root.querySelector(".details");
  const hint = details.textContent;
  const elements = [...chart.children];
  const number = (element, name) => parseFloat(element.getAttribute(name));
  const rootY = number(elements[0], "y");
  const boxes = elements.map((element) => {
    const [name, ...rest] = element.firstElementChild.textContent.split("\n");
    return {
      element,
      name,
      rest: rest.join("; "),
      depth: Math.abs(number(element, "y") - rootY) / rowHeight,
      x: number(element, "x"),
      width: number(element, "width"),
      parent: -1,
      end: 0,
      shown: true,
      // as it is drawn now, in percent
      left: 0,
      wide: 0,
    };
  });
  const path = [];
  boxes.forEach((box, i) => {
    for (; path.length > box.depth; path.pop()) boxes[path[path.length - 1]].end = i;
    box.parent = path.length ? path[path.length - 1] : -1;
    path.push(i);
  });
  for (const i of path) boxes[i].end = boxes.length;

  let zoomed = 0;
  /** The box that keys move from. */
  let at = -1;
  let matching = null;

  function label({ element, name, wide }, chartWidth) {
    const letters = Math.floor((wide / 100 * chartWidth - 6) / letterWidth);
    let text = element.lastElementChild;
    if (letters < 3) {
      if (text.localName === "text") text.remove();
      return;
    }
    if (text.localName !== "text") {
      text = element.appendChild(document.createElementNS(SVG, "text"));
      text.setAttribute("x", "3");
      text.setAttribute("y", "12");
    }
    text.textContent = name.length <= letters ? name : name.slice(0, letters - 1) + "…";
  }

  function draw() {
    const { x, width, depth, end } = boxes[zoomed];
    const chartWidth = root.getBoundingClientRect().width * parseFloat(chart.getAttribute("width")) / 100;
    boxes.forEach((box, i) => {
      const above = i >= zoomed && i < end;
      const below = box.depth < depth && i < zoomed && box.end > zoomed;
      const { element } = box;
      box.shown = above || below;
      element.style.display = box.shown ? "" : "none";
      if (!box.shown) return;
      box.left = below ? 0 : 100 * (box.x - x) / width;
      box.wide = below ? 100 : 100 * box.width / width;
      element.setAttribute("x", `${box.left}%`);
      element.setAttribute("width", `${box.wide}%`);
      element.classList.toggle("up", below);
      label(box, chartWidth);
    });
    reset.disabled = zoomed === 0;
  }

  function zoom(i) {
    zoomed = i;
    draw();
    if (i > 0 || at >= 0) moveTo(i);
  }

  function say(i) {
    details.textContent = i < 0 ? hint : `${boxes[i].name}; ${boxes[i].rest}`;
  }

  function moveTo(i) {
    if (at >= 0) boxes[at].element.classList.remove("at");
    at = i;
    boxes[i].element.classList.add("at");
    boxes[i].element.scrollIntoView({ block: "nearest" });
    say(i);
  }

  /** The box beside, among those in sight in the same row; or where it was. */
  function beside(step) {
    const { depth, left } = boxes[at];
    let best = at;
    boxes.forEach((box, i) => {
      if (!box.shown || box.depth !== depth || step * (box.left - left) <= 0) return;
      if (best === at || step * (box.left - boxes[best].left) < 0) best = i;
    });
    return best;
  }

  /** The widest of those it called, or where it was. */
  function widestCallee() {
    let best = at;
    for (let i = at + 1; i < boxes[at].end; i++) {
      const box = boxes[i];
      if (box.parent === at && box.shown && (best === at || box.width > boxes[best].width)) best = i;
    }
    return best;
  }

  function search(pattern) {
    matching = null;
    let problem = "";
    if (pattern !== "") {
      try {
        // capitals in the pattern mean that they matter
        matching = new RegExp(pattern, /[A-Z]/.test(pattern) ? "" : "i");
      } catch {
        problem = "not a regular expression";
      }
    }
    let share = 0, frames = 0, counted = 0;
    boxes.forEach((box, i) => {
      const hit = matching !== null && box.depth > 0 && matching.test(box.name);
      box.element.classList.toggle("hit", hit);
      if (!hit) return;
      frames++;
      if (i < counted) return; // inside a match: its weight is in there
      share += box.width;
      counted = box.end;
    });
    found.textContent = problem ||
      (matching ? `${share.toFixed(share < 1 ? 2 : 1)}% in ${frames} frame${frames === 1 ? "" : "s"}` : "");
    found.hidden = found.textContent === "";
  }

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
  for (const [name, value] of Object.entries({ x: "38%", y: headHeight - 54, width: "61%", height: 30 })) {
    holder.setAttribute(name, String(value));
  }
  holder.append(controls);
  head.append(holder);

  const indexOf = (target) => {
    const element = target instanceof Element ? target.closest(".boxes > svg") : null;
    return element ? elements.indexOf(element) : -1;
  };
  chart.addEventListener("click", (event) => {
    const i = indexOf(event.target);
    if (i >= 0) zoom(i);
  });
  chart.addEventListener("mouseover", (event) => say(indexOf(event.target)));
  chart.addEventListener("mouseleave", () => say(at));
  input.addEventListener("input", () => search(input.value));
  reset.addEventListener("click", () => zoom(0));
  addEventListener("resize", draw);

  const further = () => widestCallee();
  const back = () => Math.max(0, boxes[at].parent);
  const keys = {
    ArrowUp: () => moveTo(inverted ? back() : further()),
    ArrowDown: () => moveTo(inverted ? further() : back()),
    ArrowLeft: () => moveTo(beside(-1)),
    ArrowRight: () => moveTo(beside(1)),
    Enter: () => zoom(at),
    Backspace: () => zoom(Math.max(0, boxes[zoomed].parent)),
    Escape: () => zoom(0),
    "/": () => input.focus(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target === input) {
      if (event.key === "Escape") {
        input.value = "";
        search("");
        input.blur();
      }
      return;
    }
    if (event.target === reset && event.key === "Enter") return;
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
    if (!act) return;
    event.preventDefault();
    if (at < 0) at = zoomed;
    act();
  });

  draw();
  if (root === document.documentElement) {
    // what says what it is stays in sight, and the root, where reading starts, is in it at first
    addEventListener("scroll", () => head.setAttribute("transform", `translate(0 ${scrollY})`));
    if (!inverted) scrollTo(0, document.documentElement.scrollHeight);
  }
}
