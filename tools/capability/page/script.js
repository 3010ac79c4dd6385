"use strict";
/*
 * What is shown and what is open, by pointer, keyboard and address: behind the # stands what is open,
 * so that it can be linked.
 */

const $ = (id) => document.getElementById(id);
const grid = $("grid"), card = $("card"), dialog = $("dialog"), filter = $("filter");
const FEW_ROWS = 60; /* so many are shown without opening generations by hand */

const state = {
  kinds: new Set(KINDS.map((kind) => kind.id)),
  open: new Set(),
  columns: features,
  chosen: [],
  pinned: false,
  view: "cpus",
};

/* "A", "B" or undefined: is the CPU chosen for a difference? */
const letterOf = (row) => ["A", "B"][state.chosen.indexOf(row)];

/* ---- the views ---- */

/* The view that is shown. */
function render() {
  const text = filter.value.trim();
  const result = filterBy(text, state.kinds);
  $("status").textContent = statusText(result);
  hideCard();
  if (state.view === "cpus")
    renderGrid(text, result);
  else
    renderFeatures(result);
}

function renderGrid(text, result) {
  const few = text !== "" && result.rows.size <= FEW_ROWS;
  const at = document.activeElement && grid.contains(document.activeElement) ? place() : null;
  const lines = [headLines(result.columns)];
  state.columns = result.columns;
  for (const section of sections) {
    const rows = section.rows.filter((row) => result.rows.has(row));
    const open = few || state.open.has(section.id);
    if (rows.length === 0)
      continue;
    lines.push(sectionLine(section, rows, result.columns, open));
    if (open)
      lines.push(...rows.map((row) => cpuLine(row, result.columns, letterOf(row))));
  }
  grid.style.setProperty("--columns", result.columns.length);
  grid.replaceChildren(...lines);
  grid.setAttribute("aria-rowcount", String(result.rows.size));
  focusAt(at || { line: 0, column: 0 }, at !== null);
}

/* Each feature with its way through the generations, a narrow stripe for each. */
function renderFeatures(result) {
  const left = sections.map((section) => ({ ...section,
    rows: section.rows.filter((row) => result.rows.has(row)) }))
    .filter((section) => section.rows.length > 0);
  const timed = left.filter((section) => section.id.startsWith("generation-"));
  const shown = timed.length > 0 ? timed : left;
  const stripe = (feature) => {
    const element = make("span", "stripe", ...shown.map((section) =>
      make("span", `s-${cellOfAll(section.rows, feature).code}`)));
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", feature.since ? `since ${feature.since}` : "not seen");
    return element;
  };
  $("features").replaceChildren(result.columns.length === 0 || shown.length === 0 ? "" :
    featureTable(result.columns, [shown.length === 1 ? shown[0].title :
      `${shown[0].title} to ${shown[shown.length - 1].title}`],
      (feature) => [shown.length > 1 ? stripe(feature) :
        stateLabel(feature, cellOfAll(shown[0].rows, feature))], openFeature));
}

/* ---- the card that explains ---- */

function explanation(element) {
  const row = element.closest(".row");
  if (row === null || element.closest(".titles"))
    return null;
  const own = element.closest(".c");
  if (own !== null) {
    const feature = state.columns[[...row.querySelectorAll(".c")].indexOf(own)];
    if (row.cpu)
      return explainCell(row.cpu, feature);
    return row.section ? explainCells(row.section.title, row.rows, feature) : explainFeature(feature);
  }
  return row.cpu && element.closest(".run") ? explainVerdict(row.cpu) : null;
}

function hideCard() {
  card.hidden = true;
  state.pinned = false;
}

/* Beside what it explains, and within the window. */
function showCard(element, pinned) {
  const parts = explanation(element);
  if (parts === null)
    return hideCard();
  const target = element.closest(".c, .run").getBoundingClientRect();
  const close = button("card-close", "✕", hideCard);
  close.setAttribute("aria-label", "Close");
  card.replaceChildren(...(pinned ? [close] : []), ...parts);
  card.hidden = false;
  card.classList.toggle("pinned", pinned);
  state.pinned = pinned;
  const { width, height } = card.getBoundingClientRect();
  const left = target.right + 12 + width < innerWidth ? target.right + 12 : target.left - width - 12;
  card.style.left = `${Math.max(8, left)}px`;
  card.style.top = `${Math.max(8, Math.min(target.top, innerHeight - height - 8))}px`;
}

/* ---- what is open ---- */

function setHash(text) {
  history.replaceState(null, "", text === "" ? location.pathname + location.search : `#${text}`);
}

function openDialog(title, parts, hash) {
  hideCard();
  $("dialog-title").textContent = title;
  $("dialog-body").replaceChildren(...parts);
  if (!dialog.open)
    dialog.showModal();
  dialog.scrollTop = 0;
  $("dialog-title").focus();
  setHash(hash);
}

function openFeature(feature) {
  openDialog(feature.name, showFeature(feature), `feature=${feature.id}`);
}

function openCpu(row) {
  openDialog(row.cpu, showCpu(row, openFeature), `cpu=${row.id}`);
}

function openDifference() {
  const [a, b] = state.chosen;
  openDialog("Difference", showDifference(a, b, openFeature), `diff=${a.id},${b.id}`);
}

/* A third CPU takes the place of the second. */
function choose(row) {
  const at = state.chosen.indexOf(row);
  if (at >= 0)
    state.chosen.splice(at, 1);
  else
    state.chosen.splice(1, state.chosen.length === 2 ? 1 : 0, row);
  if (at < 0 && state.chosen.length === 1)
    state.chosen = [row];
  renderChosen();
  if (at < 0 && state.chosen.length === 2)
    openDifference();
}

function renderChosen() {
  for (const element of grid.querySelectorAll(".cpu")) {
    const letter = letterOf(element.cpu);
    const mark = element.querySelector(".mark");
    mark.textContent = letter || "";
    mark.setAttribute("aria-pressed", String(letter !== undefined));
    element.setAttribute("aria-selected", String(letter !== undefined));
  }
  const [a, b] = state.chosen;
  $("compare").hidden = a === undefined;
  $("compare-text").replaceChildren(...state.chosen.map((row, index) =>
    make("span", "", make("strong", "", `${"AB"[index]} `), row.name)),
  b === undefined ? make("span", "", "Choose a second CPU.") : "");
  $("compare-open").hidden = b === undefined;
}

/* What the address asks for. */
function openHash() {
  const [name, value = ""] = decodeURIComponent(location.hash.slice(1)).split(/=(.*)/s);
  if (name === "cpu" && rowById.has(value))
    openCpu(rowById.get(value));
  else if (name === "feature" && featureById.has(value))
    openFeature(featureById.get(value));
  else if (name === "diff" && value.split(",").every((id) => rowById.has(id))) {
    state.chosen = value.split(",").slice(0, 2).map((id) => rowById.get(id));
    renderChosen();
    openDifference();
  } else if (name === "find") {
    filter.value = value;
    render();
  }
}

/* ---- keyboard and pointer ---- */

/* Lines of cells that the arrows walk: the names of the columns, then every row. */
const linesOf = () => [...grid.querySelectorAll(".row:not(.titles)")];

function place() {
  const element = document.activeElement.closest("[role=gridcell], [role=rowheader], [role=columnheader]");
  const row = element.closest(".row");
  return { line: linesOf().indexOf(row), column: [...row.children].indexOf(element) };
}

function focusAt({ line: wanted, column }, move) {
  const lines = linesOf();
  const row = lines[Math.max(0, Math.min(wanted, lines.length - 1))];
  const cell = row.children[Math.max(0, Math.min(column, row.children.length - 1))];
  const before = grid.querySelector("[tabindex='0']");
  if (before !== null)
    before.tabIndex = -1;
  cell.tabIndex = 0;
  if (!move)
    return;
  cell.focus({ preventScroll: true });
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  showCard(cell, false);
}

const STEPS = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  PageUp: [-15, 0], PageDown: [15, 0], Home: [0, -Infinity], End: [0, Infinity],
};

function toggleSection(section) {
  if (!state.open.delete(section.id))
    state.open.add(section.id);
  render();
}

/* The name of the column that the pointer is in stands out. */
function light(cell) {
  const before = grid.querySelector(".lit");
  if (before !== null)
    before.classList.remove("lit");
  if (cell !== null)
    grid.querySelector(".names").children[[...cell.parentNode.children].indexOf(cell)].classList.add("lit");
}

/* Enter or a click: open a generation, a CPU, a column, or pin the explanation. */
function activate(element) {
  const row = element.closest(".row");
  if (row === null || row.classList.contains("titles"))
    return;
  if (element.closest(".mark"))
    choose(row.cpu);
  else if (element.closest(".head") && row.cpu)
    openCpu(row.cpu);
  else if (row.section && !element.closest(".c"))
    toggleSection(row.section);
  else if (element.closest(".top"))
    openFeature(state.columns[[...row.querySelectorAll(".c")].indexOf(element.closest(".c"))]);
  else
    showCard(element, true);
}

grid.addEventListener("click", (event) => activate(event.target));
grid.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "mouse")
    return;
  light(event.target.closest(".c"));
  if (state.pinned)
    return;
  if (event.target.closest(".c, .run"))
    showCard(event.target, false);
  else
    hideCard();
});
grid.addEventListener("pointerleave", () => { light(null); if (!state.pinned) hideCard(); });
grid.addEventListener("scroll", () => { if (!grid.contains(document.activeElement)) hideCard(); });
grid.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey)
    return;
  if (step !== undefined) {
    const at = place();
    focusAt({ line: at.line + step[0], column: at.column + step[1] }, true);
  } else if (event.key === "Enter") {
    activate(event.target);
  } else if (event.key === " ") {
    const row = event.target.closest(".row");
    if (row.cpu)
      choose(row.cpu);
    else
      activate(event.target);
  } else {
    return;
  }
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !dialog.open)
    hideCard();
  if (event.key === "/" && !dialog.open && document.activeElement !== filter) {
    event.preventDefault();
    filter.select();
    filter.focus();
  }
});

$("compare-open").addEventListener("click", openDifference);
$("compare-clear").addEventListener("click", () => { state.chosen = []; renderChosen(); });
$("dialog-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => setHash(filter.value ? `find=${encodeURIComponent(filter.value)}` : ""));
addEventListener("hashchange", openHash);

filter.addEventListener("input", () => {
  render();
  setHash(filter.value ? `find=${encodeURIComponent(filter.value)}` : "");
});

function showView(name) {
  for (const view of ["cpus", "features"])
    $(`view-${view}`).setAttribute("aria-pressed", String(view === name));
  grid.hidden = name !== "cpus";
  $("features").hidden = name !== "features";
  $("expand").hidden = name !== "cpus";
  state.view = name;
  render();
}
$("view-cpus").addEventListener("click", () => showView("cpus"));
$("view-features").addEventListener("click", () => showView("features"));
$("expand").addEventListener("click", () => {
  const all = $("expand").getAttribute("aria-pressed") === "false";
  state.open = new Set(all ? sections.map((section) => section.id) : []);
  $("expand").setAttribute("aria-pressed", String(all));
  $("expand").textContent = all ? "Close all" : "Open all";
  render();
});

/* ---- light and dark ---- */

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
  $("theme").textContent = dark ? "Light" : "Dark";
}
$("theme").addEventListener("click", () =>
  setTheme(document.documentElement.dataset.theme !== "dark"));
setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => setTheme(event.matches));

/* ---- begin ---- */

for (const kind of KINDS) {
  const box = make("input");
  box.type = "checkbox";
  box.checked = true;
  box.addEventListener("change", () => {
    if (!state.kinds.delete(kind.id))
      state.kinds.add(kind.id);
    render();
  });
  $("kinds").append(make("label", "", box, kind.title, make("small", "", ` ${kind.count}`)));
}
for (const [code, text] of [["x", "can be 0 or 1"], ["1", "must be 1, or yes"], ["v", "a value"],
  ["0", "must be 0, or no"], ["a", "not there"], ["u", "not recorded"], [MIXED, "CPUs differ"]])
  $("legend").append(make("li", "", make("span", `c s-${code}`), text));
$("about").textContent = document.body.dataset.own || `${plural(corpus.rows.length, "set")} of capability registers, ` +
  `${features.length} features, told by Rootmode ${corpus.version}. ` +
  "Tick two CPUs to see how they differ.";
render();
openHash();
