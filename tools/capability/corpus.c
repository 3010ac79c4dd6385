#include "tools/capability/corpus.h"

#include <stdbool.h>
#include <string.h>

/* "Bochs 2.7 cpu model tigerlake (11th Gen …)": the emulator's own word for what it imitates. */
static bool is_model(const struct corpus_row *row, const char *name)
{
    static const char words[] = " cpu model ";
    const char *model = strstr(row->cpu, words);
    size_t length = strlen(name);

    if (strcmp(row->kind, "emulator") != 0 || model == NULL || length == 0)
        return false;
    model += strlen(words);
    return strncmp(model, name, length) == 0 && model[length] == ' ';
}

const struct corpus_row *corpus_find(const char *id)
{
    for (size_t i = 0; i < corpus_count; i++) {
        if (strcmp(corpus[i].id, id) == 0)
            return &corpus[i];
    }
    for (size_t i = 0; i < corpus_count; i++) {
        if (is_model(&corpus[i], id))
            return &corpus[i];
    }
    return NULL;
}
