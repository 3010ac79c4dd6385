"use strict";
/* Pieces of the page: elements, the card that explains, and what the dialog can show. */

function make(tag, classes, ...children) {
  const element = document.createElement(tag);
  if (classes)
    element.className = classes;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function button(classes, text, act) {
  const element = make("button", classes, text);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

/* A state as a small coloured label. */
function stateLabel(feature, cell) {
  const meaning = meaningOf(feature, cell);
  return make("span", `state s-${cell.code}`,
    wordOf(feature, cell) + (meaning === undefined ? "" : ` (${meaning})`));
}

function verdictLabel(row) {
  const title = row.verdict === "ok" ? corpus.stages[row.reached].title : row.verdict;
  return make("span", `verdict v-${row.verdict}`, title);
}

const worst = (row) => ["refusal", "warning", "note"]
  .find((severity) => row.findings.some((finding) => finding.severity === severity));

function definition(list, term, value) {
  if (value !== "" && value !== undefined && value !== null)
    list.append(make("dt", "", term), make("dd", "", value));
}

/* What a feature is, whatever the CPU. */
function featureFacts(feature) {
  const list = make("dl", "facts");
  for (const need of needsOf(feature))
    definition(list, "Rootmode needs it", `${corpus.stages[need.stage].title}: ${need.why}`);
  definition(list, "Manual", feature.section);
  definition(list, "Seen since", feature.since);
  definition(list, "Class", feature.default1 ? "default1: is 1 unless a TRUE register allows 0" : "");
  return list;
}

function featureTitle(feature) {
  return make("div", "card-title", make("strong", "", feature.name),
    make("code", "", feature.id));
}

function explainCell(row, feature) {
  const cell = cellOf(row, feature);
  const facts = featureFacts(feature);
  const told = row.told[feature.place];
  const address = /0x[0-9a-f]+/.exec(told)[0];
  definition(facts, "Register", `${told}, ${feature.bits.includes(":") ? "bits" : "bit"} ${feature.bits}` +
    (row.msrs[address] === undefined ? "" : ` of ${row.msrs[address]}`));
  return [make("p", "card-cpu", row.cpu), featureTitle(feature),
    make("p", "", stateLabel(feature, cell), " ", corpus.kinds[feature.kind][cell.code].sentence),
    make("p", "sentence", `${feature.explanation}.`), facts];
}

/* The states that a feature has on several CPUs, the most frequent first. */
function explainCells(title, rows, feature) {
  const found = new Map();
  for (const row of rows) {
    const cell = cellOf(row, feature);
    const key = `${cell.code} ${cell.value}`;
    found.set(key, found.get(key) || { cell, count: 0 });
    found.get(key).count++;
  }
  const list = make("ul", "tally");
  for (const { cell, count } of [...found.values()].sort((a, b) => b.count - a.count))
    list.append(make("li", "", stateLabel(feature, cell), ` on ${plural(count, "CPU")}`));
  return [make("p", "card-cpu", title), featureTitle(feature), list,
    make("p", "sentence", `${feature.explanation}.`), featureFacts(feature)];
}

function explainFeature(feature) {
  return [featureTitle(feature), make("p", "sentence", `${feature.explanation}.`), featureFacts(feature)];
}

function findingItem(finding) {
  const item = make("li", `finding f-${finding.severity}`,
    make("strong", "", finding.severity), " ", finding.text || finding.rule);
  const facts = make("dl", "facts");
  definition(facts, "Rule", finding.rule);
  definition(facts, "About", finding.detail);
  definition(facts, "Where", finding.msr && finding.bits ? `MSR ${finding.msr}, bits ${finding.bits}`
    : finding.msr && `MSR ${finding.msr}`);
  if (finding.seen !== finding.wanted) {
    definition(facts, "Seen", finding.seen);
    definition(facts, "Wanted", finding.wanted);
  }
  definition(facts, "Manual", finding.sdm);
  definition(facts, "Remedy", finding.remedy);
  item.append(facts);
  return item;
}

function stageList(row) {
  const list = make("ol", "stages");
  const told = new Set();
  row.stages.forEach((stage, index) => {
    const item = make("li", `stage v-${stage.verdict}`, make("span", "stage-title",
      corpus.stages[index].title), make("span", "stage-verdict", stage.verdict));
    const lacks = [...stage.missing.map((need) => [need, "Missing"]),
      ...stage.unknown.map((need) => [need, "Not recorded"])].filter(([need]) => !told.has(need));
    for (const [need, word] of lacks) {
      told.add(need);
      const requirement = corpus.requirements[need];
      item.append(make("p", "", `${word}: `, make("code", "", requirement.feature),
        `: ${requirement.why}.`));
    }
    list.append(item);
  });
  return list;
}

function explainVerdict(row) {
  const parts = [make("p", "card-cpu", row.cpu),
    make("p", "", "Can Rootmode run here? ", verdictLabel(row)), stageList(row)];
  if (row.findings.length > 0)
    parts.push(make("ul", "findings", ...row.findings.map(findingItem)));
  return parts;
}

/* A table of features under the titles of their groups; `cells` gives what stands beside each. */
function featureTable(chosen, heads, cells, open) {
  const table = make("table", "feature-table");
  table.append(make("thead", "", make("tr", "", ...["Feature", ...heads].map((head) => {
    const cell = make("th", "", head);
    cell.scope = "col";
    return cell;
  }))));
  for (const group of corpus.groups) {
    const own = chosen.filter((feature) => feature.group === group);
    if (own.length === 0)
      continue;
    const title = make("th", "group-title", group.title);
    title.colSpan = heads.length + 1;
    title.scope = "rowgroup";
    const body = make("tbody", "", make("tr", "", title));
    for (const feature of own) {
      const name = make("th", "", button("link", feature.name, () => open(feature)),
        make("small", "sentence", `${feature.explanation}. `, make("code", "", feature.id)));
      name.scope = "row";
      const line = make("tr", "", name, ...cells(feature).map((cell) => make("td", "", cell)));
      line.dataset.feature = feature.id;
      body.append(line);
    }
    table.append(body);
  }
  return table;
}

function msrTable(names, values) {
  const table = make("table", "msrs");
  const addresses = [...new Set(values.flatMap((row) => Object.keys(row.msrs)))]
    .sort((a, b) => Number(a) - Number(b));
  for (const address of addresses) {
    const own = values.map((row) => row.msrs[address] || "no value");
    if (values.length > 1 && own.every((value) => value === own[0]))
      continue;
    table.append(make("tr", "", make("th", "", address),
      ...own.map((value) => make("td", "", make("code", "", value)))));
  }
  if (values.length > 1) {
    table.prepend(make("tr", "", make("th", "", "MSR"),
      ...names.map((name) => make("th", "", name))));
  }
  return table;
}

function showCpu(row, open) {
  const facts = make("dl", "facts");
  definition(facts, "Name", make("code", "", row.id));
  definition(facts, "Generation", row.generation === null ? "" :
    `${row.generationName} (${corpus.generations[row.generation].year})`);
  definition(facts, "CPUID", row.cpuid);
  definition(facts, "Kind", [row.kind, row.confidence].filter((word) => word).join(", "));
  definition(facts, "Source", row.source);
  definition(facts, "Notes", row.notes);
  const parts = [facts, make("h3", "", "Can Rootmode run here?"), make("p", "", verdictLabel(row)),
    stageList(row)];
  if (row.findings.length > 0) {
    parts.push(make("h3", "", plural(row.findings.length, "finding")),
      make("ul", "findings", ...row.findings.map(findingItem)));
  }
  parts.push(make("h3", "", "Features"),
    featureTable(features, ["Here"], (feature) => [stateLabel(feature, cellOf(row, feature))], open),
    make("h3", "", "Registers"), msrTable([], [row]));
  return parts;
}

function showDifference(a, b, open) {
  const chosen = difference(a, b);
  const side = (letter, row) => make("div", "side", make("span", "letter", letter),
    make("div", "", make("strong", "", row.cpu), make("code", "", row.id), verdictLabel(row)));
  const parts = [make("div", "sides", side("A", a), side("B", b)),
    make("p", "", chosen.length === 0 ? "No feature differs." :
      `${plural(chosen.length, "feature")} ${chosen.length === 1 ? "differs" : "differ"}.`)];
  if (chosen.length > 0) {
    parts.push(featureTable(chosen, ["A", "B"], (feature) =>
      [a, b].map((row) => stateLabel(feature, cellOf(row, feature))), open));
  }
  const msrs = msrTable(["A", "B"], [a, b]);
  if (msrs.rows.length > 1)
    parts.push(make("h3", "", "Registers whose values differ"), msrs);
  return parts;
}

function showFeature(feature) {
  const list = make("ul", "by-section");
  for (const section of sections) {
    list.append(make("li", "", make("span", "", section.title, make("small", "", section.note)),
      stateLabel(feature, cellOfAll(section.rows, feature))));
  }
  return [make("p", "", make("code", "", feature.id)), make("p", "sentence", `${feature.explanation}.`),
    featureFacts(feature), make("h3", "", "From generation to generation"), list];
}
