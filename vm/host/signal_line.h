/*
 * The line by which one CPU has another send it INIT and SIPI. Pure but for the atomic words.
 *
 * One CPU at a time holds the line: the target. Any other one may come to it as its sender and
 * stays until the target lets go, so that no two CPUs ever wait for each other. All that the two
 * agree on stands in one word, which each changes only from what it knows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum signal_wish { SIGNAL_NONE, SIGNAL_INIT, SIGNAL_STARTUP };

/* Free: all zeroes. */
struct signal_word {
    uint16_t target, sender;       /* a CPU's index and 1; 0: none */
    uint8_t wish, vector, sending; /* enum signal_wish; is it on its way? */
    uint8_t unused;
};
_Static_assert(sizeof(struct signal_word) == sizeof(uint64_t), "changed by one instruction");

struct signal_line {
    _Atomic(struct signal_word) word;
    _Atomic(const volatile uint32_t *) entered;
};

/* For the target. */

/* Takes the line; false when another CPU has it. */
bool signal_line_take(struct signal_line *line, uint32_t target);

/* Has a sender come? */
bool signal_line_has_sender(const struct signal_line *line);

/*
 * From now on the sender sends nothing; or INIT, once and not before `*entered` is not 0; or SIPI
 * with this vector, again and again. False while something is on its way: then once more.
 */
bool signal_line_wish(struct signal_line *line, enum signal_wish wish, uint8_t vector,
                      const volatile uint32_t *entered);

/* Lets go; only after the wish for nothing. */
void signal_line_let_go(struct signal_line *line);

/* For every other CPU, again and again while it has time. */

struct signal_order {
    enum signal_wish send; /* SIGNAL_NONE: nothing for now */
    uint32_t target;
    uint8_t vector;
};

/* Comes to a target that has no sender; what to send now. signal_line_sent() must follow. */
struct signal_order signal_line_next(struct signal_line *line, uint32_t sender);

/* What signal_line_next() said is sent. */
void signal_line_sent(struct signal_line *line, struct signal_order order);
