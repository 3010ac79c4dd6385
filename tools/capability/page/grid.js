"use strict";
/* The lines of the matrix. */

function cellElement(feature, index, columns, cell) {
  const begins = index === 0 || columns[index - 1].group !== feature.group;
  const element = make("span", `c s-${cell.code}${begins ? " first" : ""}`);
  element.setAttribute("role", "gridcell");
  element.setAttribute("aria-label", `${feature.name}: ${wordOf(feature, cell)}`);
  return element;
}

function line(classes, head, verdict, cells) {
  const element = make("div", `row ${classes}`, head, verdict, ...cells);
  element.setAttribute("role", "row");
  head.setAttribute("role", "rowheader");
  verdict.setAttribute("role", "gridcell");
  return element;
}

function sectionLine(section, rows, columns, open) {
  const end = verdictLabel(rows[0]);
  const same = rows.every((row) => verdictLabel(row).textContent === end.textContent);
  const head = make("span", "head section-head", make("span", "arrow", open ? "▾" : "▸"),
    make("span", "name", section.title), make("small", "", section.note),
    make("small", "count", String(rows.length)));
  const element = line("section", head, make("span", "run", same ? end.textContent : "differs"),
  columns.map((feature, index) =>
    cellElement(feature, index, columns, cellOfSection(section, rows, feature))));
  element.setAttribute("aria-expanded", String(open));
  element.section = section;
  element.rows = rows;
  return element;
}

/* `letter`: under which the CPU is chosen for a difference, undefined if it is not. */
function cpuLine(row, columns, letter) {
  const mark = make("button", "mark", letter || "");
  mark.type = "button";
  mark.tabIndex = -1;
  mark.setAttribute("aria-pressed", String(letter !== undefined));
  mark.setAttribute("aria-label", `Compare ${row.cpu}`);
  const found = worst(row);
  const head = make("span", "head", mark, make("span", "name", row.name));
  const element = line("cpu", head, make("span", "run", verdictLabel(row),
    found === undefined ? null : make("span", `dot f-${found}`)),
  columns.map((feature, index) =>
    cellElement(feature, index, columns, cellOf(row, feature))));
  element.setAttribute("aria-selected", String(letter !== undefined));
  element.cpu = row;
  return element;
}

function headLines(columns) {
  const corner = make("span", "head", "CPU");
  const run = make("span", "run", "Rootmode runs");
  const cells = columns.map((feature, index) => {
    const begins = index === 0 || columns[index - 1].group !== feature.group;
    const element = make("span", `c top${begins ? " first" : ""}`, make("span", "", feature.short));
    element.setAttribute("role", "columnheader");
    element.setAttribute("aria-label", `${feature.name} (${feature.id})`);
    return element;
  });
  const titles = make("div", "row titles", make("span", "head"), make("span", "run"));
  titles.setAttribute("aria-hidden", "true");
  for (const group of corpus.groups) {
    const width = columns.filter((feature) => feature.group === group).length;
    if (width === 0)
      continue;
    const title = make("span", "group", make("span", "", group.title));
    title.style.width = `calc(${width} * var(--cell))`;
    title.title = group.title;
    titles.append(title);
  }
  const names = line("names", corner, run, cells);
  corner.setAttribute("role", "columnheader");
  run.setAttribute("role", "columnheader");
  return make("div", "top-lines", titles, names);
}
