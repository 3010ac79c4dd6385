/*
 * The bits of an EPT pointer. SDM Vol. 3, table "Format of Extended-Page-Table Pointer".
 */
#ifndef VMX_EPTP_H
#define VMX_EPTP_H

#define EPTP_MEMORY_TYPE    7ull /* bits 2:0: that of the tables; 0 UC, 6 WB */
#define EPTP_WALK_SHIFT     3    /* bits 5:3: the length of a page walk, less 1 */
#define EPTP_WALK           (7ull << EPTP_WALK_SHIFT)
#define EPTP_WALK_4         (3ull << EPTP_WALK_SHIFT)
#define EPTP_WALK_5         (4ull << EPTP_WALK_SHIFT)
#define EPTP_ACCESSED_DIRTY (1ull << 6)
#define EPTP_SHADOW_STACK   (1ull << 7) /* access rights of supervisor shadow-stack pages */
#define EPTP_TABLES         (~0xffful)  /* the physical address of the first table */

#endif
