/*
 * Sets that the linker puts together: a file makes something of its own a member, and no other file
 * has to name it. As Linux's initcalls and FreeBSD's SET_DECLARE(); lib/sets.ld has a line for each
 * set, which names its beginning and its end.
 */
#pragma once

/* clang's AddressSanitizer would put space between members. */
#if __STDC_HOSTED__ && defined(__clang__)
#define SET_ATTRIBUTES used, no_sanitize("address")
#else
#define SET_ATTRIBUTES used
#endif

/*
 * A pointer to `object`, which may be a function, in the set; `place`, digits as many as others
 * have, sorts it. A file may have one member at a place.
 */
#define SET_MEMBER(set, place, type, object)                                             \
    static type *const __attribute__((SET_ATTRIBUTES, section(".set." #set "." #place))) \
    set##_##place = &(object)

/* Declares a set of pointers to `type`: set_NAME up to set_NAME_end. It may be empty. */
#define SET_DECLARE(set, type) extern type *const set_##set[], *const set_##set##_end[]

/* `item` points to each pointer of a set, in order. */
#define SET_FOR_EACH(set, item) \
    for (__typeof__(&set_##set[0]) item = set_##set; item < set_##set##_end; item++)
