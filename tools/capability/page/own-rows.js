"use strict";
/* The CPUs with the registers of the address (own.js) become rows; the first is opened. */

if (entryWasm !== "") {
  const own = makeEngine(entryWasm).data(ownText);
  if (typeof own === "string") {
    document.body.dataset.own = own;
  } else {
    corpus.rows.push(...own.rows);
    history.replaceState(null, "", `#cpu=${encodeURIComponent(own.rows[0].id)}`);
  }
}
