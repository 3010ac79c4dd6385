/* Pairs: `0x480=0xda040000000012`, apart by spaces, commas or line ends. */
#include "tools/capability/scan.h"

static bool take_pair(struct scan *scan, struct piece word)
{
    size_t equals = piece_find(word, '=');
    uint64_t msr, value;

    if (equals == word.length)
        return scan_expected(scan, word, "a pair like `0x480=0xda040000000012`");
    if (!scan_address(scan, (struct piece){word.start, equals}, &msr))
        return false;
    if (!piece_hex(piece_after(word, equals + 1), 1, 16, &value))
        return scan_expected(scan, word, "after `=` a value, 0x and 1 to 16 hex digits");
    return scan_put(scan, scan_set(scan), msr, value);
}

bool read_pairs(struct scan *scan)
{
    struct piece line;

    while (scan_line(scan, &line)) {
        struct piece word;

        if (piece_starts(line, "#"))
            continue;
        for (word = piece_word(&line, " \t,;"); word.length > 0;
             word = piece_word(&line, " \t,;")) {
            if (!take_pair(scan, word))
                return false;
        }
    }
    return true;
}
