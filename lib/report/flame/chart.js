/**
 * Box of a chart. Callers come before what they called, each followed by all that is above it. `x` and `width` are in
 * any unit, the same for all boxes.
 *
 * @typedef {object} ChartBox
 * @property {string} name
 * @property {string} object name of the object that the code is in; "" for none
 * @property {string} className class that colors it
 * @property {number} depth row, 0 for the root's
 * @property {number} x
 * @property {number} width
 * @property {SVGElement} [element] element that draws it, in its row; made where there is none
 * @property {number} [y] where that element is, in pixels
 */

/**
 * Chart of a flame graph: draws the boxes that there is room for, zooms, moves by keys, marks what was searched for. It
 * runs in browsers, inside the SVG and in the HTML report. The SVG holds the text of this class as it stands here, so it
 * can use nothing from outside itself.
 */
export class FlameChart {
  #chart;
  #how;
  #around;
  #boxes = [];
  #indexOf = new Map();
  #zoomed = 0;
  /** Box that keys move from; -1 for none. */
  #at = -1;
  #matches = null;
  #blank;

  /**
   * @param {SVGSVGElement} chart element that holds the boxes
   * @param {{rowHeight: number, letterWidth: number, inverted: boolean, top: number, rows: number}} how sizes in
   * pixels, with what is above the first row, and the least number of rows to have room for
   * @param {{
   *   keys: EventTarget,
   *   drawn: (state: {rows: number, zoomed: number}) => void,
   *   tell: (box: number, pointed: boolean) => void,
   *   zoomTo?: (box: number) => void,
   *   startSearch: () => void,
   * }} around what the chart is in: the target of the keys that it answers, and what it calls: when it has been drawn,
   * when a box (-1: none) is pointed at or moved to, instead of zooming, and when the reader wants to search
   */
  constructor(chart, how, around) {
    this.#chart = chart;
    this.#how = { ...how };
    this.#around = around;
    this.#blank = this.#make("svg", { height: how.rowHeight });
    this.#blank.append(this.#make("rect", { width: "100%", height: "100%" }));
    const boxOf = ({ target }) => {
      const element = target instanceof Element ? target.closest(".boxes > svg") : null;
      return element ? this.#indexOf.get(element) ?? -1 : -1;
    };
    chart.addEventListener("click", (event) => {
      const i = boxOf(event);
      if (i >= 0) this.zoom(i);
    });
    chart.addEventListener("mouseover", (event) => around.tell(boxOf(event), true));
    chart.addEventListener("mouseleave", () => around.tell(-1, true));
    around.keys.addEventListener("keydown", (event) => this.#key(event));
  }

  /**
   * Takes other boxes, and draws them zoomed to one.
   *
   * @param {ChartBox[]} given
   * @param {number} zoomedTo
   */
  show(given, zoomedTo) {
    this.#indexOf.clear();
    const boxes = this.#boxes = given.map((box, i) => {
      if (box.element) this.#indexOf.set(box.element, i);
      // `left` and `wide` are in percent; `drawn` is the state of the element
      const place = { left: 0, wide: 0, shown: true, hit: false, parent: -1, end: given.length };
      return { ...box, ...place, drawn: { y: box.y, shown: true } };
    });
    const path = [];
    boxes.forEach((box, i) => {
      for (; path.length > box.depth; path.pop()) boxes[path[path.length - 1]].end = i;
      box.parent = path.length ? path[path.length - 1] : -1;
      path.push(i);
    });
    if (!boxes[0].element) this.#chart.replaceChildren();
    this.#zoomed = zoomedTo;
    this.#at = -1;
    this.#match();
    this.draw();
  }

  /** Draws what there is room for: the box that is zoomed to, all above it, and its callers. */
  draw() {
    // in pixels; nothing would be left of narrower boxes but their edges
    const minWidth = 0.4;
    const boxes = this.#boxes, zoomed = this.#zoomed;
    const { x, width, depth, end } = boxes[zoomed];
    const picture = this.#chart.ownerSVGElement.getBoundingClientRect();
    const chartWidth = picture.width * parseFloat(this.#chart.getAttribute("width")) / 100;
    let rows = this.#how.rows;
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
      if (box.shown) this.#paint(i, { below: box.depth < depth, chartWidth, rows, made });
      else if (box.drawn.shown && box.element) box.element.style.display = "none";
      box.drawn.shown = box.shown;
    });
    this.#chart.append(made);
    this.#around.drawn({ rows, zoomed });
  }

  /** Zooms to a box, and moves there. */
  zoom(i) {
    if (this.#around.zoomTo) return this.#around.zoomTo(i);
    const moves = i > 0 || this.#at >= 0;
    this.#zoomed = i;
    this.draw();
    if (moves) this.moveTo(i);
  }

  /** Moves to a box: keys go on from there. */
  moveTo(i) {
    const was = this.#at;
    this.#at = i;
    if (was >= 0) this.#setClass(was);
    this.#setClass(i);
    this.#boxes[i].element.scrollIntoView({ block: "nearest" });
    this.#around.tell(i, false);
  }

  /**
   * Marks the boxes that match, but for the root; returns their number, and the width of those not inside another.
   *
   * @param {((box: ChartBox) => boolean) | null} matches null for none
   * @returns {{width: number, frames: number}}
   */
  search(matches) {
    this.#matches = matches;
    this.#match();
    let width = 0, frames = 0, counted = 0;
    this.#boxes.forEach((box, i) => {
      this.#setClass(i);
      if (!box.hit) return;
      frames++;
      if (i < counted) return; // inside a match: its weight is in there
      width += box.width;
      counted = box.end;
    });
    return { width, frames };
  }

  /** Puts the root at the top, or at the bottom. */
  invert(inverted) {
    this.#how.inverted = inverted;
    if (this.#boxes.length > 0) this.draw();
  }

  #match() {
    const matches = this.#matches;
    for (const box of this.#boxes) box.hit = matches !== null && box.depth > 0 && matches(box);
  }

  #make(name, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
    return made;
  }

  /** Brings the element of a box to where the box is, and leaves alone what has not changed. */
  #paint(i, { below, chartWidth, rows, made }) {
    const box = this.#boxes[i], { drawn } = box;
    const { rowHeight, inverted, top } = this.#how;
    if (!box.element) {
      box.element = made.appendChild(this.#blank.cloneNode(true));
      this.#indexOf.set(box.element, i);
    } else if (!drawn.shown) box.element.style.display = "";
    if (drawn.left !== box.left) box.element.setAttribute("x", `${drawn.left = box.left}%`);
    if (drawn.wide !== box.wide) box.element.setAttribute("width", `${drawn.wide = box.wide}%`);
    const y = top + rowHeight * (inverted ? box.depth : rows - 1 - box.depth);
    if (drawn.y !== y) box.element.setAttribute("y", String(drawn.y = y));
    drawn.below = below;
    this.#setClass(i);
    this.#label(box, chartWidth);
  }

  #setClass(i) {
    const { element, className, drawn, hit } = this.#boxes[i];
    const isAt = i === this.#at;
    const name = className + (drawn.below ? " up" : "") + (hit ? " hit" : "") + (isAt ? " at" : "");
    if (element && drawn.className !== name) element.setAttribute("class", drawn.className = name);
  }

  #label({ element, name, wide, drawn }, chartWidth) {
    const letters = Math.floor((wide / 100 * chartWidth - 6) / this.#how.letterWidth);
    const words = letters < 3 ? "" : name.length <= letters ? name : name.slice(0, letters - 1) + "…";
    if (drawn.words === words) return;
    drawn.words = words;
    let text = element.lastElementChild;
    if (words === "") {
      if (text.localName === "text") text.remove();
      return;
    }
    if (text.localName !== "text") text = element.appendChild(this.#make("text", { x: 3, y: 12 }));
    text.textContent = words;
  }

  /** Finds the box beside in the same row, among those that are drawn; returns where it was when there is none. */
  #beside(step) {
    const boxes = this.#boxes, { depth, left } = boxes[this.#at];
    let best = this.#at;
    boxes.forEach((box, i) => {
      if (!box.shown || box.depth !== depth || step * (box.left - left) <= 0) return;
      if (best === this.#at || step * (box.left - boxes[best].left) < 0) best = i;
    });
    return best;
  }

  /** Finds the widest callee; returns where it was when there is none. */
  #widestCallee() {
    const boxes = this.#boxes, at = this.#at;
    let best = at;
    for (let i = at + 1; i < boxes[at].end; i++) {
      const box = boxes[i];
      if (box.parent === at && box.shown && (best === at || box.width > boxes[best].width)) best = i;
    }
    return best;
  }

  #key(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (
      target instanceof Element && target.closest(key === "Enter" ? "input, select, button" : "input, select")
    ) {
      return;
    }
    const { inverted } = this.#how;
    const caller = () => Math.max(0, this.#boxes[this.#at].parent);
    const actions = {
      ArrowUp: () => this.moveTo(inverted ? caller() : this.#widestCallee()),
      ArrowDown: () => this.moveTo(inverted ? this.#widestCallee() : caller()),
      ArrowLeft: () => this.moveTo(this.#beside(-1)),
      ArrowRight: () => this.moveTo(this.#beside(1)),
      Enter: () => this.zoom(this.#at),
      Backspace: () => this.zoom(Math.max(0, this.#boxes[this.#zoomed].parent)),
      Escape: () => this.zoom(0),
      "/": () => this.#around.startSearch(),
    };
    const act = Object.hasOwn(actions, key) ? actions[key] : undefined;
    if (!act || this.#boxes.length === 0) return;
    event.preventDefault();
    if (this.#at < 0) this.#at = this.#zoomed;
    act();
  }
}
