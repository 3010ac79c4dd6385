/*
 * Lists for a person: what Rootmode needs, what features there are, what the corpus holds.
 */
#pragma once

#include "tools/capability/corpus.h"
#include "tools/capability/page.h"

/* What each stage needs, and why. */
void list_requirements(const struct page *page);

/* Every feature: its id first in its line. */
void list_features(const struct page *page);

/* A row of the corpus: its id first in its line. */
void list_corpus_row(const struct page *page, const struct corpus_row *row);
