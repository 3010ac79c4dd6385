/*
 * What the cases of the labs say to a student: a sentence where something is not as the manual has
 * it. tools/lab prints the first one of each case.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Ends the case with the sentence, which is printf's format and its arguments. */
#define want(condition, ...)                            \
    do {                                                \
        if (!(condition)) {                             \
            fail_msg(__VA_ARGS__);                      \
            abort(); /* cmocka does not say noreturn */ \
        }                                               \
    } while (0)

/* An unsigned long long, for %llx. */
#define ull(value) ((unsigned long long)(value))
