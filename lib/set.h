/*
 * Sets that the linker puts together: a file makes something of its own a member, and no other file
 * has to name it. As Linux's initcalls and FreeBSD's SET_DECLARE(); linker.ld has a line for each
 * set, which sorts its members. In a program of this machine the linker's own rule for sections
 * with such names finds them, in any order.
 */
#ifndef LIB_SET_H
#define LIB_SET_H

#if __STDC_HOSTED__
#define SET_SECTION(set, place) "set_" #set
#else
#define SET_SECTION(set, place) ".set." #set "." #place
#endif

/* A pointer to `object` in the set; `place`, digits as many as others have, sorts it. */
#define SET_MEMBER(set, place, type, object)                                                   \
    static type *const __attribute__((used, section(SET_SECTION(set, place)))) set##_##place = \
        &(object)

/* What goes over a set has to declare it. A set may be empty, or not there at all. */
#define SET_DECLARE(set, type)                                    \
    extern type *const __start_set_##set[] __attribute__((weak)); \
    extern type *const __stop_set_##set[] __attribute__((weak))

/* `item` points to each pointer of a set, in order. */
#define SET_FOR_EACH(set, item)                                                               \
    for (__typeof__(&__start_set_##set[0]) item = __start_set_##set; item < __stop_set_##set; \
         item++)

#endif
