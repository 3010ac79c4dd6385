#include "vm/host/signal_line.h"

#include <stdatomic.h>

bool signal_line_take(struct signal_line *line, uint32_t target)
{
    struct signal_word free = {0};
    const struct signal_word taken = {.target = (uint16_t)(target + 1)};

    return atomic_compare_exchange_strong(&line->word, &free, taken);
}

bool signal_line_has_sender(const struct signal_line *line)
{
    const struct signal_word word = atomic_load(&line->word);

    return word.sender != 0;
}

bool signal_line_wish(struct signal_line *line, enum signal_wish wish, uint8_t vector,
                      const volatile uint32_t *entered)
{
    struct signal_word word = atomic_load(&line->word);
    const struct signal_word wished = {
        .target = word.target, .sender = word.sender, .wish = (uint8_t)wish, .vector = vector};

    if (wish == SIGNAL_INIT)
        atomic_store(&line->entered, entered);
    return !word.sending && atomic_compare_exchange_strong(&line->word, &word, wished);
}

void signal_line_let_go(struct signal_line *line)
{
    atomic_store(&line->word, (struct signal_word){0});
}

/* INIT is lost, or worse, outside of the guest. */
static bool is_time(struct signal_line *line, uint8_t wish)
{
    return wish == SIGNAL_STARTUP || (wish == SIGNAL_INIT && *atomic_load(&line->entered) != 0);
}

struct signal_order signal_line_next(struct signal_line *line, uint32_t sender)
{
    struct signal_word word = atomic_load(&line->word), next = word;
    struct signal_order order = {SIGNAL_NONE, word.target - 1u, word.vector};

    if (word.target == 0 || word.target == sender + 1)
        return order;
    if (word.sender == 0) {
        next.sender = (uint16_t)(sender + 1);
        (void)atomic_compare_exchange_strong(&line->word, &word, next);
    } else if (word.sender == sender + 1 && is_time(line, word.wish)) {
        next.sending = true;
        if (atomic_compare_exchange_strong(&line->word, &word, next))
            order.send = (enum signal_wish)word.wish;
    }
    return order;
}

/* While it is on its way nobody else changes the word. */
void signal_line_sent(struct signal_line *line, struct signal_order order)
{
    struct signal_word word = atomic_load(&line->word);

    word.sending = false;
    if (order.send == SIGNAL_INIT)
        word.wish = word.vector = 0;
    atomic_store(&line->word, word);
}
