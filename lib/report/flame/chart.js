/**
 * A box of a chart. Callers come before what they called, each followed by all that is above it. `x` and `width` are in
 * any unit, the same for all boxes.
 *
 * @typedef {object} ChartBox
 * @property {string} name
 * @property {string} object name of the object that the code is in; "" for none
 * @property {string} className class that colours it
 * @property {number} depth row, 0 for the root's
 * @property {number} x
 * @property {number} width
 * @property {SVGElement} [element] element that draws it, with its place in its row; made where there is none
 */

/**
 * Makes a flame graph answer: draws what there is room for, zooms, moves by keys, marks what was searched for. It runs in
 * browsers, inside the SVG and in the HTML report. The SVG holds the text of this function as it stands here, so it can
 * use nothing from outside itself.
 *
 * @param {SVGSVGElement} chart element that holds the boxes
 * @param {{rowHeight: number, letterWidth: number, inverted: boolean}} how sizes in pixels
 * @param {{
 *   keys: EventTarget,
 *   drawn: (state: {rows: number, zoomed: number}) => void,
 *   tell: (box: number, pointed: boolean) => void,
 *   zoomTo?: (box: number) => void,
 *   startSearch: () => void,
 * }} around what the chart is in: the element whose keys it answers; what is called when it has been drawn, when a box
 * (-1: none) is pointed at or moved to, instead of zooming, and when the reader wants to search
 */
export function flameChart(chart, { rowHeight, letterWidth, inverted }, around) {
  const SVG = "http://www.w3.org/2000/svg";
  // narrower boxes are not drawn, in pixels: there would be nothing of them but their edges
  const minWidth = 0.4;
  let boxes = [];
  let zoomed = 0;
  /** Box that keys move from. */
  let at = -1;
  let matches = null;
  const indexOf = new Map();
  const blank = document.createElementNS(SVG, "svg");
  blank.setAttribute("height", String(rowHeight));
  const area = blank.appendChild(document.createElementNS(SVG, "rect"));
  area.setAttribute("width", "100%");
  area.setAttribute("height", "100%");

  /** Takes other boxes, and draws them zoomed to one. */
  function show(given, zoomedTo) {
    indexOf.clear();
    boxes = given.map((box, i) => {
      if (box.element) indexOf.set(box.element, i);
      // where it is drawn, in percent; what it is drawn as
      const place = { left: NaN, wide: NaN, shown: true, hit: false };
      return {
        ...box,
        ...place,
        parent: -1,
        end: 0,
        drawn: { fixed: box.element !== undefined, shown: true },
      };
    });
    const path = [];
    boxes.forEach((box, i) => {
      for (; path.length > box.depth; path.pop()) boxes[path[path.length - 1]].end = i;
      box.parent = path.length ? path[path.length - 1] : -1;
      path.push(i);
    });
    for (const i of path) boxes[i].end = boxes.length;
    if (!boxes[0].element) chart.replaceChildren();
    zoomed = zoomedTo;
    at = -1;
    mark();
    draw();
  }

  function draw() {
    const { x, width, depth, end } = boxes[zoomed];
    const picture = chart.ownerSVGElement.getBoundingClientRect();
    const chartWidth = picture.width * parseFloat(chart.getAttribute("width")) / 100;
    let rows = 0;
    boxes.forEach((box, i) => {
      const above = i >= zoomed && i < end;
      const below = box.depth < depth && i < zoomed && box.end > zoomed;
      box.left = below ? 0 : 100 * (box.x - x) / width;
      box.wide = below || i === zoomed ? 100 : 100 * box.width / width;
      box.shown = below || (above && box.wide / 100 * chartWidth >= minWidth);
      if (box.shown) rows = Math.max(rows, box.depth + 1);
    });
    const made = document.createDocumentFragment();
    boxes.forEach((box, i) => {
      if (box.shown) paint(box, i, { below: box.depth < depth, chartWidth, rows, made });
      else if (box.drawn.shown && box.element) box.element.style.display = "none";
      box.drawn.shown = box.shown;
    });
    chart.append(made);
    around.drawn({ rows, zoomed });
  }

  /** Brings the element of a box to where the box is; what has not changed is left alone. */
  function paint(box, i, { below, chartWidth, rows, made }) {
    const { drawn } = box;
    if (!box.element) {
      box.element = made.appendChild(blank.cloneNode(true));
      indexOf.set(box.element, i);
    } else if (!drawn.shown) box.element.style.display = "";
    if (drawn.left !== box.left) box.element.setAttribute("x", `${drawn.left = box.left}%`);
    if (drawn.wide !== box.wide) box.element.setAttribute("width", `${drawn.wide = box.wide}%`);
    const y = rowHeight * (inverted ? box.depth : rows - 1 - box.depth);
    if (!drawn.fixed && drawn.y !== y) box.element.setAttribute("y", String(drawn.y = y));
    drawn.below = below;
    setClass(i);
    label(box, chartWidth);
  }

  function setClass(i) {
    const { element, className, drawn, hit } = boxes[i];
    const name = className + (drawn.below ? " up" : "") + (hit ? " hit" : "") + (i === at ? " at" : "");
    if (element && drawn.className !== name) element.setAttribute("class", drawn.className = name);
  }

  function label({ element, name, wide, drawn }, chartWidth) {
    const letters = Math.floor((wide / 100 * chartWidth - 6) / letterWidth);
    const words = letters < 3 ? "" : name.length <= letters ? name : name.slice(0, letters - 1) + "…";
    if (drawn.words === words) return;
    drawn.words = words;
    let text = element.lastElementChild;
    if (words === "") {
      if (text.localName === "text") text.remove();
      return;
    }
    if (text.localName !== "text") {
      text = element.appendChild(document.createElementNS(SVG, "text"));
      text.setAttribute("x", "3");
      text.setAttribute("y", "12");
    }
    text.textContent = words;
  }

  function zoom(i) {
    if (around.zoomTo) return around.zoomTo(i);
    const moves = i > 0 || at >= 0;
    zoomed = i;
    draw();
    if (moves) moveTo(i);
  }

  function moveTo(i) {
    const was = at;
    at = i;
    if (was >= 0) setClass(was);
    setClass(i);
    boxes[i].element.scrollIntoView({ block: "nearest" });
    around.tell(i, false);
  }

  /** Finds the box beside in the same row, among those that are drawn; or returns where it was. */
  function beside(step) {
    const { depth, left } = boxes[at];
    let best = at;
    boxes.forEach((box, i) => {
      if (!box.shown || box.depth !== depth || step * (box.left - left) <= 0) return;
      if (best === at || step * (box.left - boxes[best].left) < 0) best = i;
    });
    return best;
  }

  /** Finds the widest of those it called; or returns where it was. */
  function widestCallee() {
    let best = at;
    for (let i = at + 1; i < boxes[at].end; i++) {
      const box = boxes[i];
      if (box.parent === at && box.shown && (best === at || box.width > boxes[best].width)) best = i;
    }
    return best;
  }

  function mark() {
    for (const box of boxes) box.hit = matches !== null && box.depth > 0 && matches(box);
  }

  /** Marks the boxes that match (null: none); returns how many, and the width of those not inside another. */
  function search(wanted) {
    matches = wanted;
    mark();
    let width = 0, frames = 0, counted = 0;
    boxes.forEach((box, i) => {
      setClass(i);
      if (!box.hit) return;
      frames++;
      if (i < counted) return; // inside a match: its weight is in there
      width += box.width;
      counted = box.end;
    });
    return { width, frames };
  }

  function invert(value) {
    inverted = value;
    draw();
  }

  const boxOf = ({ target }) => {
    const element = target instanceof Element ? target.closest(".boxes > svg") : null;
    return element ? indexOf.get(element) ?? -1 : -1;
  };
  chart.addEventListener("click", (event) => {
    const i = boxOf(event);
    if (i >= 0) zoom(i);
  });
  chart.addEventListener("mouseover", (event) => around.tell(boxOf(event), true));
  chart.addEventListener("mouseleave", () => around.tell(-1, true));

  const back = () => Math.max(0, boxes[at].parent);
  const actions = {
    ArrowUp: () => moveTo(inverted ? back() : widestCallee()),
    ArrowDown: () => moveTo(inverted ? widestCallee() : back()),
    ArrowLeft: () => moveTo(beside(-1)),
    ArrowRight: () => moveTo(beside(1)),
    Enter: () => zoom(at),
    Backspace: () => zoom(Math.max(0, boxes[zoomed].parent)),
    Escape: () => zoom(0),
    "/": () => around.startSearch(),
  };
  around.keys.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target instanceof Element && event.target.closest("input, select")) return;
    if (event.target instanceof Element && event.target.closest("button") && event.key === "Enter") return;
    const act = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
    if (!act || boxes.length === 0) return;
    event.preventDefault();
    if (at < 0) at = zoomed;
    act();
  });

  return { show, draw, zoom, moveTo, search, invert };
}
