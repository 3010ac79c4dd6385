"use strict";
/*
 * What the data says, without a word about how it looks. The engine has decided every cell, verdict
 * and finding (data.js); this looks them up, filters and compares.
 */

const MIXED = "m"; /* the code of a generation's cell whose CPUs differ */
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const groupOf = (feature) => feature.id.split(".")[0];

/* Features in the order of the columns: group by group. */
const features = corpus.groups.flatMap((group, place) =>
  corpus.features
    .map((feature, index) => ({ ...feature, index, group, place }))
    .filter((feature) => groupOf(feature) === group.id));
const featureById = new Map(features.map((feature) => [feature.id, feature]));
features.forEach((feature) => { feature.short = feature.id.slice(feature.group.id.length + 1); });

/* A CPU's name without what all of them have in it. */
function shortName(cpu) {
  return cpu.replace(/\((R|TM)\)/gi, "").replace(/ cpu model /i, " ").replace(/ CPU(?= |$)/g, "")
    .replace(/^(Genuine )?Intel /, "").replace(/ +/g, " ").trim();
}

const rowById = new Map();
for (const row of corpus.rows) {
  let next = 0;
  row.value = Array.from(row.cells, (code) => "vz".includes(code) ? row.values[next++] : null);
  row.generationName = row.generation === null ? "" : corpus.generations[row.generation].name;
  row.words = [row.cpu, row.id, row.cpuid, row.kind, row.generationName,
    row.generation === null ? "" : corpus.generations[row.generation].vendor]
    .join(" ").toLowerCase().split(/[^a-z0-9]+/);
  row.name = shortName(row.cpu);
  rowById.set(row.id, row);
}

const KINDS = [
  ["given", "Given"],
  ["bare-metal", "Real machines"],
  ["emulator", "Emulators"],
  ["named-model", "QEMU’s models"],
  ["nested-hypervisor", "Guests of hypervisors"],
].map(([id, title]) => ({ id, title, count: corpus.rows.filter((row) => row.kind === id).length }))
  .filter((kind) => kind.count > 0);

/* Real machines by generation, in the order of time; everything else by what it is. */
const sections = KINDS.flatMap((kind) => {
  const rows = corpus.rows.filter((row) => row.kind === kind.id);
  const time = (row) => row.generation === null ? Infinity : row.generation;
  rows.sort((a, b) => time(a) === time(b) ? 0 : time(a) - time(b));
  if (kind.id !== "bare-metal")
    return [{ id: kind.id, kind: kind.id, title: kind.title, note: "", rows }];
  const generations = corpus.generations.map((generation, index) => ({
    id: `generation-${index}`, kind: kind.id, title: generation.name,
    note: `${generation.year}${generation.vendor === "Intel" ? "" : ` · ${generation.vendor}`}`,
    rows: rows.filter((row) => row.generation === index),
  }));
  return [...generations, {
    id: "unknown-generation", kind: kind.id, title: "Generation not known", note: "",
    rows: rows.filter((row) => row.generation === null),
  }].filter((section) => section.rows.length > 0);
});

/* One cell of one CPU. */
function cellOf(row, feature) {
  return { code: row.cells[feature.index], value: row.value[feature.index] };
}

/* The whole sections' cells, which most pictures of the matrix show. */
const ofSection = new Map();
function cellOfSection(section, rows, feature) {
  if (rows.length < section.rows.length)
    return cellOfAll(rows, feature);
  const key = `${section.id} ${feature.id}`;
  if (!ofSection.has(key))
    ofSection.set(key, cellOfAll(rows, feature));
  return ofSection.get(key);
}

/* One cell for several CPUs: what all have that it is recorded of, or MIXED. */
function cellOfAll(rows, feature) {
  const cells = rows.map((row) => cellOf(row, feature));
  const known = cells.filter((cell) => corpus.states[cell.code].known);
  if (known.length === 0)
    return cells[0];
  const same = known.every((cell) => cell.code === known[0].code && cell.value === known[0].value);
  return same ? known[0] : { code: MIXED, value: null };
}

function wordOf(feature, cell) {
  if (cell.code === MIXED)
    return "differs between CPUs";
  return cell.value === null ? corpus.kinds[feature.kind][cell.code].word : cell.value;
}

function meaningOf(feature, cell) {
  return feature.meanings && cell.value !== null ? feature.meanings[cell.value] : undefined;
}

/*
 * As `vmxcap --diff`: what is not recorded on one side is no difference; where one side has no such
 * register, only what the other side offers is one.
 */
function differs(a, b) {
  const [first, second] = [corpus.states[a.code], corpus.states[b.code]];
  if (!first.known || !second.known)
    return false;
  if (!first.told || !second.told)
    return first.offered !== second.offered;
  return a.code !== b.code || a.value !== b.value;
}

function difference(a, b) {
  return features.filter((feature) =>
    feature.kind !== "reserved" && differs(cellOf(a, feature), cellOf(b, feature)));
}

/* As `vmxcap --find`: !, &&, || and parentheses over features; null for what is no expression. */
function parseFind(text) {
  const tokens = text.match(/\|\||&&|[!()]|[^\s!()&|]+|[&|]/g) || [];
  const used = new Set();
  let at = 0;

  function operand() {
    const token = tokens[at++];
    if (token === "!") {
      const inner = operand();
      return inner && ((row) => -inner(row));
    }
    if (token === "(") {
      const inner = either();
      return tokens[at++] === ")" ? inner : null;
    }
    const feature = featureById.get(token);
    if (feature === undefined)
      return null;
    used.add(feature);
    return (row) => {
      const state = corpus.states[row.cells[feature.index]];
      return !state.known ? 0 : state.offered ? 1 : -1;
    };
  }
  function chain(operator, part, pick) {
    let left = part();
    while (left !== null && tokens[at] === operator) {
      const before = left;
      at++;
      const right = part();
      left = right && ((row) => pick(before(row), right(row)));
    }
    return left;
  }
  const both = () => chain("&&", operand, Math.min);
  const either = () => chain("||", both, Math.max);

  const test = tokens.length > 0 ? either() : null;
  return test !== null && at === tokens.length ? { test, used: [...used] } : null;
}

/*
 * What a person typed: an expression, or words. A word that begins a word of some CPU asks for
 * CPUs, and all such words must fit; any other asks for features, and one of them must fit.
 */
function filterBy(text, kinds) {
  const shown = corpus.rows.filter((row) => kinds.has(row.kind));
  const find = parseFind(text);
  if (find !== null) {
    return { rows: new Set(shown.filter((row) => find.test(row) === 1)), columns: find.used,
      unknown: shown.filter((row) => find.test(row) === 0).length, find: true, nothing: [] };
  }
  let rows = shown;
  let columns = new Set();
  const nothing = [];
  if (/&&|\|\||!/.test(text))
    return { rows: new Set(), columns: [], unknown: 0, find: true, nothing: [text] };
  for (const word of text.toLowerCase().split(/\s+/).filter((part) => part !== "")) {
    const parts = word.split(/[^a-z0-9]+/).filter((part) => part !== "");
    const fits = (row) => row.id === word ||
      parts.every((part) => row.words.some((own) => own.startsWith(part)));
    const named = features.filter((feature) =>
      feature.id.includes(word) || feature.name.toLowerCase().includes(word));
    if (parts.length > 0 && corpus.rows.some(fits))
      rows = rows.filter(fits);
    else if (named.length > 0)
      named.forEach((feature) => columns.add(feature));
    else
      nothing.push(word);
  }
  if (nothing.length > 0)
    return { rows: new Set(), columns: [], unknown: 0, find: false, nothing };
  return { rows: new Set(rows), unknown: 0, find: false, nothing,
    columns: columns.size > 0 ? features.filter((feature) => columns.has(feature)) : features };
}

function statusText(result) {
  if (result.nothing.length > 0)
    return `Nothing is called “${result.nothing.join("”, “")}”.`;
  const all = `${result.rows.size} of ${plural(corpus.rows.length, "CPU")}`;
  if (!result.find)
    return `${all}, ${result.columns.length} of ${plural(features.length, "feature")}.`;
  return result.unknown === 0 ? `${all} offer this.`
    : `${all} offer this; of ${result.unknown} more it is not recorded.`;
}

/* What Rootmode needs a feature for. */
function needsOf(feature) {
  return corpus.requirements.filter((requirement) => requirement.feature === feature.id);
}
