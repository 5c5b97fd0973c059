"use strict";

// What the report and the dashboard share: figures, and a table of trials in pages.

const MINUS = "\u2212";

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

// Figures.

const tip = element("div", { id: "tip", role: "tooltip" });

function showTip(handler, event, item, value) {
  if (value === null || value === undefined || value === "") {
    tip.classList.remove("visible");
    return;
  }
  const lines = Object.entries(value)
    .filter(([, each]) => each !== "" && each !== "null" && each !== "undefined")
    .map(([name, each]) => element("div", {}, element("b", {}, `${name}: `), readable(each)));
  tip.replaceChildren(...lines);
  const { clientX: x, clientY: y } = event.touches ? event.touches[0] : event;
  const left = x + 14 + tip.offsetWidth > innerWidth ? x - tip.offsetWidth - 14 : x + 14;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.min(y + 14, innerHeight - tip.offsetHeight - 4)}px`;
  tip.classList.add("visible");
}

function readable(value) {
  const number = typeof value === "string" && value.trim() !== "" && !/^0\d/.test(value) ? Number(value) : NaN;
  return Number.isFinite(number) && !Number.isInteger(number) ? String(Number(number.toPrecision(5))) : String(value);
}

const THEME = {
  aria: false,
  background: null,
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: 500, labelLimit: 150, gridDash: [] },
  legend: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: 500, orient: "top", gradientLength: 110,
    gradientThickness: 10, labelLimit: 220, columns: 4 },
  line: { strokeWidth: 1.6 },
};

function figureElement(figure) {
  const id = `figure-${figure.name}`;
  const panels = figure.panels.map((panel) =>
    element("div", { class: "panel" },
      panel.title ? element("h4", {}, panel.title) : null,
      element("div", { class: "chart", role: "img", "aria-label": `${figure.title} ${panel.title}`.trim() })));
  return element("figure", { id, class: figure.wide ? "wide" : null, "aria-labelledby": `${id}-title` },
    element("figcaption", {},
      element("h3", { id: `${id}-title` }, figure.title),
      element("p", { class: "about" }, figure.about)),
    element("div", { class: "panels" }, ...panels));
}

async function drawPanel(panel, chart) {
  const description = { ...panel.spec, config: THEME, autosize: { type: "fit-x", contains: "padding" } };
  await vegaFigures.draw(description, chart, showTip);
  chart.querySelector("svg").setAttribute("aria-hidden", "true"); // the element around it says what it is
}

// Draws figures into an element; those that were there by the same name are replaced in place.
async function drawFigures(container, figures) {
  for (const figure of figures) {
    const fresh = figureElement(figure);
    const shown = document.getElementById(fresh.id);
    const charts = fresh.querySelectorAll(".chart");
    if (shown === null) container.append(fresh);
    const stage = shown === null ? null : shown.querySelector(".panels").offsetHeight;
    if (shown !== null) {
      fresh.style.minHeight = `${shown.offsetHeight}px`;
      shown.replaceWith(fresh);
    }
    for (const [place, panel] of figure.panels.entries()) {
      await drawPanel(panel, charts[place]).catch((error) => console.error(figure.name, error));
    }
    if (stage !== null) fresh.style.minHeight = "";
  }
  const names = new Set(figures.map((figure) => `figure-${figure.name}`));
  for (const old of container.querySelectorAll("figure")) if (!names.has(old.id)) old.remove();
}

// The table of trials.

function clock(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

function cellText(cell, kind) {
  if (cell === null || cell === undefined) return "";
  if (kind === "seconds") return clock(cell);
  if (typeof cell !== "number") return String(cell);
  const text = Number.isInteger(cell) ? String(cell) : String(Number(cell.toPrecision(5)));
  return text.replace("-", MINUS);
}

// `ask(query)` answers {rows, total}; `link(id)` the address of a trial's page, if there is one.
class TrialsTable {
  constructor(container, columns, ask, link = null) {
    this.columns = columns;
    this.ask = ask;
    this.link = link;
    this.query = { sort: "trial", descending: false, status: "", search: "", page: 0, size: 50 };
    this.count = element("span", { role: "status" });
    this.body = element("tbody");
    this.back = element("button", { type: "button", onclick: () => this.turn(-1) }, "Previous");
    this.next = element("button", { type: "button", onclick: () => this.turn(1) }, "Next");
    container.replaceChildren(this.controls(), this.table(), this.pages());
    this.update();
  }

  controls() {
    const states = ["", "completed", "failed", "running"].map((state) =>
      element("option", { value: state }, state === "" ? "all" : state));
    const sizes = [25, 50, 100, 500].map((size) =>
      element("option", { value: size, selected: size === this.query.size }, size));
    return element("div", { class: "controls" },
      element("label", {}, "Search", element("input", { type: "search", oninput: (event) => this.ask_for({ search: event.target.value }) })),
      element("label", {}, "Status", element("select", { onchange: (event) => this.ask_for({ status: event.target.value }) }, ...states)),
      element("label", {}, "Rows", element("select", { onchange: (event) => this.ask_for({ size: Number(event.target.value) }) }, ...sizes)));
  }

  table() {
    this.heads = this.columns.map((column) =>
      element("th", { scope: "col", class: column.kind === "text" ? null : "number" },
        element("button", { type: "button", onclick: () => this.sortBy(column.name) }, column.name)));
    return element("div", { class: "table", role: "region", "aria-label": "Trials", tabindex: 0 },
      element("table", {}, element("thead", {}, element("tr", {}, ...this.heads)), this.body));
  }

  pages() {
    return element("nav", { class: "pages", "aria-label": "Pages of trials" }, this.back, this.count, this.next);
  }

  ask_for(change) {
    this.query = { ...this.query, page: 0, ...change };
    this.update();
  }

  sortBy(name) {
    this.ask_for({ sort: name, descending: this.query.sort === name && !this.query.descending });
  }

  turn(step) {
    this.query = { ...this.query, page: this.query.page + step };
    this.update();
  }

  async update() {
    const asked = this.query;
    const { rows, total } = await this.ask(asked);
    if (asked !== this.query) return; // a later question is under way
    this.body.replaceChildren(...rows.map((row) => this.row(row)));
    const first = total === 0 ? 0 : asked.page * asked.size + 1;
    this.count.textContent = `${first} to ${Math.min(total, (asked.page + 1) * asked.size)} of ${total}`;
    this.back.disabled = asked.page === 0;
    this.next.disabled = (asked.page + 1) * asked.size >= total;
    this.columns.forEach((column, place) => {
      const order = column.name !== asked.sort ? "none" : asked.descending ? "descending" : "ascending";
      this.heads[place].setAttribute("aria-sort", order);
    });
  }

  row(row) {
    return element("tr", {}, ...row.map((cell, place) => {
      const { kind, name } = this.columns[place];
      const text = cellText(cell, kind);
      if (place === 0 && this.link) return element("td", {}, element("a", { href: this.link(cell) }, text));
      return element("td", { class: kind !== "text" ? "number" : name === "why" && text ? "long" : null }, text);
    }));
  }
}

// Answers a query from rows that the page has.
function askRows(columns, rows) {
  return (query) => {
    const place = Math.max(0, columns.findIndex((column) => column.name === query.sort));
    const wanted = query.search.trim().toLowerCase();
    const admitted = rows.filter((row) =>
      (query.status === "" || row[1] === query.status) &&
      (wanted === "" || row.some((cell) => cell !== null && String(cell).toLowerCase().includes(wanted))));
    const turn = query.descending ? -1 : 1;
    const order = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : Number(a !== b);
    const known = admitted.filter((row) => row[place] !== null).sort((a, b) => turn * order(a[place], b[place]));
    const sorted = known.concat(admitted.filter((row) => row[place] === null));
    const first = query.page * query.size;
    return { rows: sorted.slice(first, first + query.size), total: admitted.length };
  };
}

document.body.append(tip);
