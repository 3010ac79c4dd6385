/*
 * Gives back all memory: what was allocated before is gone.
 */
#ifndef TOOLS_ENTRY_WASM_LIBRARY_H
#define TOOLS_ENTRY_WASM_LIBRARY_H

void library_reset(void);

#endif
