"use strict";
/*
 * Asks the engine as one types, and shows what it answers. Nothing is computed here.
 */

const $ = (id) => document.getElementById(id);
const dump = $("dump"), msrs = $("msrs"), cpu = $("cpu"), answer = $("answer"), verdict = $("verdict");
const PAUSE = 120; /* milliseconds after the last key */
const EXAMPLE = `GUEST_CR0            = 0x0000000080000031
GUEST_CR4            = 0x0000000000000020
GUEST_RFLAGS         = 0x0000000000000000
GUEST_CS_ACCESS_RIGHTS = 0xa09b
HOST_CS_SELECTOR     = 0x13
HOST_TR_SELECTOR     = 0x40
`;

/* By what answer() says: words and colour. */
const VERDICTS = [
  ["No rule is broken: the entry should succeed", "v-ok"],
  ["A rule is broken", "v-refused"],
  ["No rule is broken that could be checked", "v-incomplete"],
  ["No field of a VMCS found in this text", "v-incomplete"],
  ["These MSRs could not be read", "v-incomplete"],
];

let engine = null; /* of engine.js */

/* ---- what is shown ---- */

function render() {
  $("msrs-part").hidden = Number(cpu.value) !== MSRS;
  $("beside").href = `index.html#msrs=${encodeURIComponent(msrs.value)}`;
  if (engine === null)
    return;
  const empty = dump.value.trim() === "" || (Number(cpu.value) === MSRS && msrs.value.trim() === "");
  const [said, words] = empty ? [-1, ""] :
    engine.answer(dump.value, msrs.value, Number(cpu.value), $("json").checked);
  const [title, colour] = VERDICTS[said] || ["", ""];
  verdict.textContent = title;
  verdict.className = `verdict ${colour}`;
  answer.textContent = words;
}

let waiting = 0;
function renderSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(render, PAUSE);
}

function option(value, text) {
  const element = document.createElement("option");
  element.value = String(value);
  element.textContent = text;
  return element;
}

/* Rows in groups: real CPUs by generation, then what imitates them. */
function fillCpus(rows) {
  const groups = new Map();
  rows.forEach(([id, name, kind, generation], row) => {
    const title = kind === "bare-metal" ? generation || "Other CPUs" : `Not a real CPU: ${kind}`;
    if (!groups.has(title))
      groups.set(title, []);
    const element = option(row, `${name} · ${id}`);
    element.dataset.id = id;
    groups.get(title).push(element);
  });
  cpu.replaceChildren(option(CORPUS, "any CPU of the corpus that could be it"),
    option(MSRS, "the CPU with the MSRs that I paste"));
  for (const [title, options] of groups) {
    const group = document.createElement("optgroup");
    group.label = title;
    group.append(...options);
    cpu.append(group);
  }
}

/* #cpu=ID chooses a CPU, so that it can be linked. */
function openHash() {
  const [name, id = ""] = decodeURIComponent(location.hash.slice(1)).split("=");
  const chosen = name === "cpu" ? cpu.querySelector(`[data-id="${CSS.escape(id)}"]`) : null;
  if (chosen !== null)
    cpu.value = chosen.value;
}

/* ---- light and dark ---- */

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
  $("theme").textContent = dark ? "Light" : "Dark";
}
$("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => setTheme(event.matches));

/* ---- begin ---- */

function begin() {
  if (entryWasm === "") {
    answer.textContent = "This copy was built without the engine, for want of clang and wasm-ld " +
      "(packages clang and lld: tools/setup page).";
    return;
  }
  engine = makeEngine(entryWasm);
  fillCpus(engine.rows());
  openHash();
  render();
  document.body.dataset.ready = "yes";
}

for (const element of [dump, msrs])
  element.addEventListener("input", renderSoon);
for (const element of [cpu, $("json")])
  element.addEventListener("change", render);
$("example").addEventListener("click", () => { dump.value = EXAMPLE; render(); dump.focus(); });
$("question").addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", () => { openHash(); render(); });
begin();
