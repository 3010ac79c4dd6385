/*
 * Names of bits in the guest-state area.
 *
 * SDM Vol. 3, "Guest Register State", table "Format of Access Rights"; "Guest Non-Register State".
 */
#ifndef VM_GUEST_STATE_H
#define VM_GUEST_STATE_H

#define GUEST_CS_64_BIT (1u << 13) /* in the access rights of CS */

/* In the access rights of any segment; types of system segments. */
#define ACCESS_TYPE         0xfu
#define ACCESS_CODE_OR_DATA (1u << 4)
#define ACCESS_DPL(rights)  ((rights) >> 5 & 3)
#define ACCESS_PRESENT      (1u << 7)
#define ACCESS_BIG          (1u << 14) /* D/B */
#define ACCESS_UNUSABLE     (1u << 16)
#define ACCESS_TYPE_TSS_16  1u
#define ACCESS_TYPE_LDT     2u
#define ACCESS_TYPE_TSS     9u /* of 32 bits, or of IA-32e mode */
#define ACCESS_TSS_IS_BUSY  2u

#define ACTIVITY_WAIT_FOR_SIPI 3

#define BLOCKING_BY_STI    (1u << 0)
#define BLOCKING_BY_MOV_SS (1u << 1)
#define BLOCKING_BY_SMI    (1u << 2)
#define BLOCKING_BY_NMI    (1u << 3)

#define PENDING_DEBUG_BS (1ull << 14) /* single step */

#define DR6_BREAKPOINTS    0xfull
#define DR6_BLD            (1ull << 11) /* 0: a bus lock */
#define DR6_BD             (1ull << 13) /* access to a debug register */
#define DR6_BS             (1ull << 14) /* single step */
#define DR6_RTM            (1ull << 16) /* 0: within a transactional region */
#define DR6_INITIAL        0xffff0ff0ull
#define DR7_GENERAL_DETECT (1ull << 13)
#define DR7_ZERO           0xd000ull /* always 0; bit 10 is always 1 */

#endif
