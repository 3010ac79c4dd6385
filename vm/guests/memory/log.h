/*
 * Pages of the guests whose writes the processor watches: a log of them, and a page that may be
 * written in parts.
 */
#ifndef VM_GUESTS_LOG_H
#define VM_GUESTS_LOG_H

#define LOG_FIRST   0x20000 /* the pages that are dirtied */
#define LOG_PAGES   24
#define LOG_PAGE    0x3d000 /* the page-modification log */
#define LOG_ROOM    16      /* entries at first */
#define LOG_VALUE   0x5a5a5a5a
#define PARTS_PAGE  0x30000
#define PARTS_TABLE 0x3c000 /* the sub-page-permission table: empty */
#define PARTS_VALUE 0x600df00d
#define LOCK_SPLIT  (GUEST_DATA + 0x1fe) /* four bytes in two cache lines */

#endif
