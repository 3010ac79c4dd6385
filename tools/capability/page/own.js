"use strict";
/*
 * #msrs=TEXT behind the address: the CPUs with these registers stand beside the corpus, as those do
 * that `vmxcap --html` was given. The engine is fetched only then, before the scripts that follow.
 */

const ownText = location.hash.startsWith("#msrs=") ? decodeURIComponent(location.hash.slice(6)) : "";
if (ownText !== "")
  for (const file of ["entry-wasm.js", "engine.js", "own-rows.js"])
    document.write(`<script src="${file}"></script>`);
