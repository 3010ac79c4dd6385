#include "tools/capability/corpus.h"

#include <string.h>

const struct corpus_row *corpus_find(const char *id)
{
    for (size_t i = 0; i < corpus_count; i++) {
        if (strcmp(corpus[i].id, id) == 0)
            return &corpus[i];
    }
    return NULL;
}
