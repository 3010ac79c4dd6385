/*
 * Sets that the linker puts together: a file makes something of its own a member, and no other file
 * has to name it. As Linux's initcalls and FreeBSD's SET_DECLARE(); linker.ld has a line for each
 * set, which names its beginning and its end.
 */
#ifndef LIB_SET_H
#define LIB_SET_H

/* A pointer to `object` in the set; `place`, digits as many as others have, sorts it. */
#define SET_MEMBER(set, place, type, object)                                                   \
    static type *const __attribute__((used, section(".set." #set "." #place))) set##_##place = \
        &(object)

#endif
