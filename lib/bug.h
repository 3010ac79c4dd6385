/*
 * What cannot be unless the code is wrong. As Linux's BUG_ON(): UD2, at which the trap handler
 * panics with the function's name and how it was reached.
 */
#ifndef LIB_BUG_H
#define LIB_BUG_H

#define BUG_ON(condition)                       \
    do {                                        \
        if (__builtin_expect(!!(condition), 0)) \
            __builtin_trap();                   \
    } while (0)

#endif
