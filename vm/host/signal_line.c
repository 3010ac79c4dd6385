#include "vm/host/signal_line.h"

#include <stdatomic.h>

/* A CPU's index and 1, 0 for none; what is wished, is it on its way, and the vector. */
enum {
    TARGET_SHIFT = 0,
    SENDER_SHIFT = 16,
    CPU_MASK = 0xffff,
    WISH_SHIFT = 32,
    WISH_MASK = 0xff,
    VECTOR_SHIFT = 40,
    VECTOR_MASK = 0xff,
};
#define PAIR_MASK ((uint64_t)CPU_MASK << SENDER_SHIFT | (uint64_t)CPU_MASK << TARGET_SHIFT)
#define SENDING   (1ull << 48)

static uint32_t target_of(uint64_t word)
{
    return (uint32_t)(word >> TARGET_SHIFT & CPU_MASK);
}

static uint32_t sender_of(uint64_t word)
{
    return (uint32_t)(word >> SENDER_SHIFT & CPU_MASK);
}

static enum signal_wish wish_of(uint64_t word)
{
    return (enum signal_wish)(word >> WISH_SHIFT & WISH_MASK);
}

bool signal_line_take(struct signal_line *line, uint32_t target)
{
    uint64_t free = 0;

    return atomic_compare_exchange_strong(&line->word, &free, target + 1ull);
}

bool signal_line_has_sender(const struct signal_line *line)
{
    return sender_of(atomic_load(&line->word)) != 0;
}

bool signal_line_wish(struct signal_line *line, enum signal_wish wish, uint8_t vector,
                      const volatile uint32_t *entered)
{
    uint64_t word = atomic_load(&line->word);

    if (wish == SIGNAL_INIT)
        atomic_store(&line->entered, entered);
    return (word & SENDING) == 0 &&
           atomic_compare_exchange_strong(&line->word, &word,
                                          (word & PAIR_MASK) | (uint64_t)wish << WISH_SHIFT |
                                              (uint64_t)vector << VECTOR_SHIFT);
}

void signal_line_let_go(struct signal_line *line)
{
    atomic_store(&line->word, 0);
}

/* INIT is lost, or worse, outside of the guest. */
static bool is_time(struct signal_line *line, enum signal_wish wish)
{
    return wish == SIGNAL_STARTUP || (wish == SIGNAL_INIT && *atomic_load(&line->entered) != 0);
}

struct signal_order signal_line_next(struct signal_line *line, uint32_t sender)
{
    uint64_t word = atomic_load(&line->word);
    struct signal_order order = {SIGNAL_NONE, target_of(word) - 1,
                                 (uint8_t)(word >> VECTOR_SHIFT & VECTOR_MASK)};

    if (target_of(word) == 0 || target_of(word) == sender + 1)
        return order;
    if (sender_of(word) == 0)
        (void)atomic_compare_exchange_strong(&line->word, &word,
                                             word | (sender + 1ull) << SENDER_SHIFT);
    else if (sender_of(word) == sender + 1 && is_time(line, wish_of(word)) &&
             atomic_compare_exchange_strong(&line->word, &word, word | SENDING))
        order.send = wish_of(word);
    return order;
}

/* While it is on its way nobody else changes the word. */
void signal_line_sent(struct signal_line *line, struct signal_order order)
{
    uint64_t word = atomic_load(&line->word) & ~SENDING;

    if (order.send == SIGNAL_INIT)
        word &= PAIR_MASK;
    atomic_store(&line->word, word);
}
