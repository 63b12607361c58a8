/**
 * Picture that stands alone: makes the SVG answer, and adds a search box and buttons. It runs in the reader's browser.
 * The SVG holds the text of this class as it stands here, so it can use nothing from outside itself.
 *
 * A box is an `svg` with a `title` (name, object, figures: a line each), a `rect`, and a `text` where there is room.
 */
export class FlamePicture {
  #head;
  #details;
  #hint;
  /** Lines of each box's title. */
  #lines;
  /** Box that keys have moved to; -1 for none. */
  #at = -1;
  #found = this.#make("output", { className: "found", hidden: true });
  #input = this.#make("input", {
    type: "search",
    placeholder: "Search: a regular expression",
    spellcheck: false,
  });
  #flip = this.#make("button", {
    textContent: "Flip",
    className: "flip",
    title: "Roots at the top or bottom",
  });
  #reset = this.#make("button", { textContent: "Reset zoom", className: "reset", disabled: true });
  #chart;
  #inverted;

  /**
   * @param {SVGSVGElement} root the whole picture
   * @param {{rowHeight: number, inverted: boolean, letterWidth: number, top: number, rows: number}} how sizes in
   * pixels: see FlameChart
   * @param {typeof import("./chart.js").FlameChart} FlameChart
   */
  constructor(root, how, FlameChart) {
    this.#inverted = how.inverted;
    this.#head = root.querySelector(".head");
    this.#details = root.querySelector(".details");
    this.#hint = this.#details.textContent;
    const chart = root.querySelector(".boxes");
    this.#lines = [...chart.children].map((box) => box.firstElementChild.textContent.split("\n"));
    this.#chart = new FlameChart(chart, how, {
      keys: document,
      drawn: ({ zoomed }) => this.#reset.disabled = zoomed === 0,
      tell: (box, pointed) => this.#tell(box, pointed),
      startSearch: () => this.#input.focus(),
    });
    this.#addControls(how.top);
    this.#chart.show(this.#readBoxes([...chart.children], how.rowHeight), 0);
    addEventListener("resize", () => this.#chart.draw());
    if (root !== document.documentElement) return;
    // what says what it is stays in sight, and the root, where reading starts, is in it at first
    addEventListener("scroll", () => this.#head.setAttribute("transform", `translate(0 ${scrollY})`));
    if (!how.inverted) scrollTo(0, document.documentElement.scrollHeight);
  }

  /** Reads the boxes from the elements that the picture has. */
  #readBoxes(elements, rowHeight) {
    const number = (element, name) => parseFloat(element.getAttribute(name));
    const rootY = number(elements[0], "y");
    return elements.map((element, i) => ({
      element,
      y: number(element, "y"),
      name: this.#lines[i][0],
      object: "",
      className: element.getAttribute("class"),
      depth: Math.abs(number(element, "y") - rootY) / rowHeight,
      x: number(element, "x"),
      width: number(element, "width"),
    }));
  }

  #make(name, properties) {
    return Object.assign(document.createElementNS("http://www.w3.org/1999/xhtml", name), properties);
  }

  #addControls(headHeight) {
    const input = this.#input;
    input.setAttribute("aria-label", "Search");
    const controls = this.#make("div", { className: "controls" });
    controls.append(this.#found, input, this.#flip, this.#reset);
    const holder = document.createElementNS("http://www.w3.org/2000/svg", "foreignObject");
    for (const [name, value] of Object.entries({ x: "38%", y: headHeight - 54, width: "61%", height: 30 })) {
      holder.setAttribute(name, String(value));
    }
    holder.append(controls);
    this.#head.append(holder);
    input.addEventListener("input", () => this.#search(input.value));
    input.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape") return;
      input.value = "";
      this.#search("");
      input.blur();
    });
    this.#reset.addEventListener("click", () => this.#chart.zoom(0));
    this.#flip.addEventListener("click", () => {
      this.#chart.invert(this.#inverted = !this.#inverted);
      // to where the stacks begin
      this.#head.ownerSVGElement.scrollIntoView({ block: this.#inverted ? "start" : "end" });
    });
  }

  /** Explains the box that is pointed at, or else the one that keys have moved to. */
  #tell(box, pointed) {
    if (!pointed) this.#at = box;
    const told = this.#lines[box < 0 ? this.#at : box];
    this.#details.textContent = told ? `${told[0]}; ${told.slice(1).join("; ")}` : this.#hint;
  }

  #search(pattern) {
    let problem = "", expression = null;
    if (pattern !== "") {
      try {
        // capitals in the pattern mean that they matter
        expression = new RegExp(pattern, /[A-Z]/.test(pattern) ? "" : "i");
      } catch {
        problem = "not a regular expression";
      }
    }
    const { width, frames } = this.#chart.search(expression && (({ name }) => expression.test(name)));
    const share = `${width.toFixed(width < 1 ? 2 : 1)}% in ${frames} frame${frames === 1 ? "" : "s"}`;
    this.#found.textContent = problem || (expression ? share : "");
    this.#found.hidden = this.#found.textContent === "";
  }
}
