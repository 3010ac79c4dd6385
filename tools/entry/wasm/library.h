/*
 * Gives back all memory: what was allocated before is gone.
 */
#pragma once

void library_reset(void);
