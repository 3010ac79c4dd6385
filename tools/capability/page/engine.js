"use strict";
/*
 * The same engine as the command line's, as WebAssembly (tools/entry/wasm/browser.c): texts go in as
 * bytes, the answer comes out as bytes.
 */

const CORPUS = -1, MSRS = -2; /* in place of a row */

function makeEngine(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const wasm = new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports;
  const put = (text) => {
    const encoded = new TextEncoder().encode(text);
    const at = wasm.room(encoded.length);
    new Uint8Array(wasm.memory.buffer, at, encoded.length).set(encoded);
    return [at, encoded.length];
  };
  const output = () => wasm.output_bytes() === 0 ? "" : new TextDecoder().decode(
    new Uint8Array(wasm.memory.buffer, wasm.output(), wasm.output_bytes()));

  return {
    /* What it is (VERDICTS of entry.js), and the words. */
    answer(dump, msrs, row, json) {
      wasm.begin();
      const text = put(dump), registers = put(msrs);
      return [wasm.answer(...text, ...registers, row, json ? 1 : 0), output()];
    },
    /* [id, CPU, kind, generation] of each row of the corpus. */
    rows() {
      return Array.from({ length: wasm.rows() }, (_, row) => {
        wasm.begin();
        wasm.row(row);
        return output().split("\t");
      });
    },
    /* As data.js, of the CPUs with these MSRs; or the words that say why not. */
    data(msrs) {
      wasm.begin();
      const good = wasm.data(...put(msrs)) !== 0;
      return good ? JSON.parse(output()) : output();
    },
  };
}
