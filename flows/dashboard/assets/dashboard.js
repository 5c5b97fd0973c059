"use strict";

// The pages of the dashboard. An address is /, /p/0, or /p/0/trials/0007.

const main = document.getElementById("main");
const [, number, trialId] = location.pathname.match(/^\/p\/(\d+)(?:\/trials\/([^/]+))?$/) ?? [];

async function read(path) {
  const answer = await fetch(`/api/${path}`);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

function paragraphs(lines) {
  return lines.map((line) => element("p", {}, line));
}

function definitions(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element("dl", {}, ...known.flatMap(([name, value]) =>
    [element("dt", {}, name), element("dd", {}, value instanceof Node ? value : cellText(value, ""))]));
}

function tableOf(name, heads, rows) {
  return element("div", { class: "table", role: "region", "aria-label": name, tabindex: 0 },
    element("table", {},
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...rows.map((row) =>
        element("tr", {}, ...row.map((cell) => element("td", {}, cell instanceof Node ? cell : cellText(cell, ""))))))));
}

function crumbs(...parts) {
  const links = parts.map(([name, href], place) =>
    place === parts.length - 1 ? element("span", { "aria-current": "page" }, name) : element("a", { href }, name));
  document.getElementById("crumbs").replaceChildren(...links.flatMap((link, place) => (place ? [" / ", link] : [link])));
  document.title = `${parts.at(-1)[0]} – Trialflow`;
}

function progressBar(summary) {
  if (!summary.total) return null;
  const share = Math.min(100, (100 * summary.ended) / summary.total);
  const bar = element("div", { class: "bar", role: "progressbar", "aria-label": "Trials that have ended",
    "aria-valuenow": Math.round(share), "aria-valuemin": 0, "aria-valuemax": 100 }, element("div", {}));
  bar.firstChild.style.width = `${share}%`;
  return bar;
}

function stateOf(summary) {
  return summary.searched_by ? `searched by ${summary.searched_by}` : summary.state === "not ended" ? "stopped" : summary.state;
}

// Replaces what an element holds, but not while the reader is in it.
function fill(id, ...children) {
  const place = document.getElementById(id);
  place.replaceChildren(...children.filter((child) => child !== null));
}

function section(id, title) {
  return element("section", { id: `${id}-section`, "aria-label": title, hidden: true }, element("h2", {}, title), element("div", { id }));
}

function show(id, wanted) {
  document.getElementById(`${id}-section`).hidden = !wanted;
}

// All projects.

const overview = {
  async start() {
    crumbs(["Trialflow"]);
    main.replaceChildren(element("h1", {}, "Searches"), element("div", { class: "cards", id: "cards" }), section("comparison", "Comparison"));
    document.getElementById("comparison").className = "figures";
  },
  async update() {
    const { projects, comparison } = await read("projects");
    fill("cards", ...projects.map((project) => this.card(project)));
    show("comparison", comparison.length > 0);
    await drawFigures(document.getElementById("comparison"), comparison);
  },
  card({ number: at, summary }) {
    return element("section", { class: "card", "aria-label": summary.name },
      element("h2", {}, element("a", { href: `/p/${at}` }, summary.name)),
      element("p", { class: "muted" }, summary.url),
      progressBar(summary),
      element("p", {}, summary.counts),
      element("p", {}, stateOf(summary)),
      summary.best ? element("p", { class: "score" }, summary.best.score) : null,
      summary.best ? element("p", { class: "muted" }, `${summary.best.objectives}; trial ${summary.best.trial}`) : null);
  },
};

// One project.

const project = {
  version: -1,
  async start() {
    const columns = await read(`projects/${number}/columns`);
    main.replaceChildren(
      element("div", { id: "head" }),
      element("div", { id: "answer" }),
      section("running", "Running"), section("figures", "Figures"), section("failures", "Failed trials"), section("trials", "Trials"));
    document.getElementById("figures").className = "figures";
    this.makeTable(columns);
  },
  makeTable(columns) {
    this.columns = JSON.stringify(columns);
    const ask = (query) => read(`projects/${number}/trials?${new URLSearchParams(query)}`);
    this.table = new TrialsTable(document.getElementById("trials"), columns, ask, (id) => `/p/${number}/trials/${id}`);
    show("trials", true);
  },
  async update() {
    const state = await read(`projects/${number}`);
    this.head(state.summary);
    this.answer(state);
    this.running(state.running_trials);
    this.failures(state.failures);
    if (state.version === this.version) return;
    this.version = state.version;
    await this.updateTable();
    const { figures } = await read(`projects/${number}/figures`);
    show("figures", figures.length > 0);
    await drawFigures(document.getElementById("figures"), figures);
  },
  async updateTable() {
    const columns = await read(`projects/${number}/columns`);
    if (JSON.stringify(columns) === this.columns) await this.table.update();
    else this.makeTable(columns); // the search has met another hyperparameter
  },
  head(summary) {
    crumbs(["Searches", "/"], [summary.name]);
    fill("head", element("h1", {}, summary.name), element("p", { class: "muted" }, summary.url), progressBar(summary),
      element("p", {}, `${summary.counts}; ${stateOf(summary)}`));
  },
  answer({ summary, answer }) {
    const { best } = summary;
    const first = best === null
      ? element("div", {}, element("h2", {}, "No trial has completed yet."))
      : element("div", {},
        element("h2", {}, "Best so far: ", element("a", { href: `/p/${number}/trials/${best.trial}` }, `trial ${best.trial}`)),
        element("p", { class: "score" }, best.score),
        element("p", { class: "muted" }, best.objectives + (best.epoch ? `, epoch ${best.epoch}` : "")),
        definitions(best.values),
        ...(summary.load ? [element("p", { class: "muted" }, "The model: ", element("code", {}, summary.load))] : []));
    const sure = element("div", {}, element("h2", {}, "How sure"), ...paragraphs(answer.sure),
      element("h2", {}, "What matters"), ...paragraphs(answer.matters));
    const next = element("div", {}, element("h2", {}, "What to try next"), element("ul", {}, ...answer.next.map((line) => element("li", {}, line))));
    fill("answer", element("section", { class: "answer", "aria-label": "The answer" },
      first, best ? sure : null, answer.next.length ? next : null));
  },
  running(trials) {
    show("running", trials.length > 0);
    const now = Date.now() / 1000;
    fill("running", tableOf("Running trials", ["trial", "epochs saved", "executions done", "for", "tries", "values"], trials.map((each) => [
      element("a", { href: `/p/${number}/trials/${each.trial}` }, each.trial),
      each.planned ? `${each.epochs} of ${each.planned}` : each.epochs, each.executions,
      each.began ? clock(Math.max(0, now - each.began)) : null, each.tries,
      Object.entries(each.values).map(([name, value]) => `${name}=${value}`).join(", "),
    ])));
  },
  failures(found) {
    show("failures", found.length > 0);
    fill("failures", tableOf("Failed trials", ["trials", "why", "for example"], found.map((each) =>
      [each.count, each.why, element("a", { href: `/p/${number}/trials/${each.example}` }, each.example)])));
  },
};

// One trial.

const trial = {
  status: null,
  async start() {
    const state = await read(`projects/${number}`);
    crumbs(["Searches", "/"], [state.summary.name, `/p/${number}`], [`trial ${trialId}`]);
  },
  async update() {
    const found = await read(`projects/${number}/trials/${trialId}`);
    if (this.status !== null && this.status === found.status && found.status !== "running") return;
    this.status = found.status;
    const figures = element("div", { class: "figures", id: "figures" });
    main.replaceChildren(
      element("h1", {}, `Trial ${found.trial}: `, element("span", { class: found.status === "failed" ? "bad" : "good" }, found.status)),
      this.scores(found),
      element("div", { class: "answer" },
        element("div", {}, element("h2", {}, "Values"), definitions(Object.entries(found.values))),
        element("div", {}, element("h2", {}, "How it ran"), this.facts(found))),
      figures,
      ...this.executions(found.executions),
      ...this.text("What went wrong", found.message),
      ...this.text("Log", found.log));
    await drawFigures(figures, found.curves);
  },
  scores(found) {
    const told = Object.entries(found.objectives).filter(([, value]) => value !== null)
      .map(([name, value]) => `${name} ${cellText(value, "")}`);
    const spread = found.spread === null ? "" : ` ± ${cellText(found.spread, "")}`;
    return told.length ? element("p", { class: "score" }, told.join(", ") + spread) : element("p", {});
  },
  facts(found) {
    const budget = found.budget ?? {};
    const link = (id) => element("a", { href: `/p/${number}/trials/${id}` }, id);
    return definitions([
      ["rank", found.rank], ["best epoch", found["best epoch"]],
      ["epochs granted", budget.epochs], ["bracket", budget.bracket], ["rung", budget.rung],
      ["promoted from", budget.parent ? link(budget.parent) : null],
      ["promoted to", found["promoted to"].length ? element("span", {}, ...found["promoted to"].flatMap((id) => [link(id), " "])) : null],
      ["stopped early", found.stopped ? `after epoch ${found.stopped.epoch + 1}: ${found.stopped.reason}` : null],
      ["where", found.slot], ["device", found.device],
      ["began", found.started ? new Date(1000 * found.started).toLocaleString() : null],
      ["took", found.seconds === null ? null : clock(found.seconds)],
      ["tries", found.tries], ["seed", found.seed === null ? null : String(found.seed)],
    ]);
  },
  executions(found) {
    if (found.length === 0) return [];
    const names = [...new Set(found.flatMap((each) => Object.keys(each)))];
    const rows = found.map((each, place) => [place, ...names.map((name) => each[name] ?? null)]);
    return [element("h2", {}, "Executions"), tableOf("Executions", ["execution", ...names], rows)];
  },
  text(title, text) {
    return text.trim() ? [element("h2", {}, title), element("pre", { tabindex: 0, role: "region", "aria-label": title }, text)] : [];
  },
};

// What happens.

const view = trialId ? trial : number ? project : overview;
const live = document.getElementById("live");

async function run() {
  await view.start();
  await view.update();
  let busy = Promise.resolve();
  const changes = new EventSource("/api/events");
  changes.onopen = () => { live.textContent = "live"; };
  changes.onerror = () => { live.textContent = "not connected: what is shown may be old"; };
  changes.onmessage = () => { busy = busy.then(() => view.update()).catch((error) => console.error(error)); };
}

run().catch((error) => { main.replaceChildren(element("h1", {}, "Not to be had"), element("p", {}, String(error.message))); });
