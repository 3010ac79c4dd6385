/* The page's data: sound JSON, a character for each feature, words for everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/capability/html_data.h"
#include "tools/capability/html_words.h"
#include "tools/capability/json_scan.h"

enum { TEXT_MAX = 4 << 20, GROUP_MAX = 32 };

static struct text_buffer buffer;
static char *text;

/* The document of these rows of the corpus, the last of them as if a person had given it. */
static void make(const char *const *ids, size_t count)
{
    struct html_row *rows = calloc(count, sizeof(*rows));
    struct dump_list list = {.set = NULL};

    assert_non_null(rows);
    for (size_t i = 0; i < count; i++)
        dump_list_add(&list, ids[i])->dump = corpus_find(ids[i])->dump;
    for (size_t i = 0; i < count; i++) {
        check_set(&list, i, CHECK_CHOICE_AUTO, &rows[i].checked);
        rows[i].row = i + 1 < count ? corpus_find(ids[i]) : NULL;
    }
    text_buffer_init(&buffer, text, TEXT_MAX);
    html_data(&buffer.sink, rows, count);
    assert_int_equal(buffer.lost, 0);
    dump_list_free(&list);
    free(rows);
}

/* The string after the `which`-th member `name`. */
static const char *member(const char *name, unsigned which)
{
    char key[32];
    const char *at = text;

    format_text(key, sizeof(key), "\"%s\": \"", name);
    for (unsigned i = 0; i <= which; i++) {
        at = strstr(at, key);
        assert_non_null(at);
        at += strlen(key);
    }
    return at;
}

static const char *const ids[] = {"ilx-206d5-sandybridgeep-cpuid", "vboxdb-core-duo-t2600",
                                  "nested-gce-a"};

static void it_is_sound_json(void **state)
{
    struct dump_error error = {0};
    struct scan scan = {.line = 1, .name = "data", .error = &error};

    (void)state;
    make(ids, 3);
    scan.at = text;
    scan.end = text + buffer.length;
    assert_true(json_skip(&scan));
    assert_true(json_end(&scan));
    assert_int_equal(error.line, 0);
}

/*
 * From the raw values of the corpus: a Sandy Bridge has EPT (0x48b bit 33 of 0x4ff00000000), no VM
 * functions (bit 45), IA32_VMX_BASIC[55]; its dump has no IA32_FEATURE_CONTROL. A Core Duo has no
 * secondary controls at all.
 */
static void cells_say_what_the_registers_say(void **state)
{
    static const struct {
        unsigned row;
        const char *feature;
        char code;
    } expected[] = {
        {0, "secondary.ept", 'x'},          {0, "secondary.vm-functions", '0'},
        {0, "basic.true-controls", '1'},    {0, "feature-control.lock", 'u'},
        {0, "basic.revision-id", 'v'},      {0, "cr0.pe", '1'},
        {0, "misc.mseg-revision-id", 'z'},  {1, "secondary.ept", 'a'},
        {1, "basic.32-bit-addresses", '1'},
    };

    (void)state;
    make(ids, 3);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const struct vmx_feature *feature = vmx_feature_find(expected[i].feature);
        const char *cells = member("cells", expected[i].row);

        assert_non_null(feature);
        assert_int_equal(strcspn(cells, "\""), vmx_feature_count);
        if (cells[feature - vmx_feature_table] != expected[i].code)
            fail_msg("%s of row %u: %c", expected[i].feature, expected[i].row,
                     cells[feature - vmx_feature_table]);
    }
}

static void rows_say_what_they_are(void **state)
{
    (void)state;
    make(ids, 3);
    assert_memory_equal(member("kind", vmx_feature_count), "bare-metal\"", 11);
    assert_non_null(strstr(text, "\"kind\": \"given\""));
    assert_non_null(strstr(text, "\"verdict\": \"refused\""));
    assert_non_null(strstr(text, "\"verdict\": \"incomplete\""));
    assert_non_null(strstr(text, "\"6\": \"write-back (WB)\""));
    /* The TRUE register reports where IA32_VMX_BASIC[55] is set: on Sandy Bridge, not on Core Duo.
     */
    assert_non_null(strstr(text, "\"IA32_VMX_TRUE_PINBASED_CTLS (MSR 0x48d)\""));
    assert_non_null(strstr(text, "\"IA32_VMX_PINBASED_CTLS (MSR 0x481)\""));
}

/* One register reports all of a group, as the page says it. */
static void a_group_has_one_register_and_a_title(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        const struct vmx_feature *feature = &vmx_feature_table[i];
        size_t length = strcspn(feature->id, ".");
        char group[GROUP_MAX];

        format_text(group, sizeof(group), "%.*s", (int)length, feature->id);
        assert_string_not_equal(html_group_title(group), group);
        for (uint32_t j = 0; j < i; j++) {
            const struct vmx_feature *other = &vmx_feature_table[j];

            if (strncmp(other->id, feature->id, length + 1) == 0)
                assert_int_equal(other->msr, feature->msr);
        }
    }
    assert_string_equal(html_group_title("unheard-of"), "unheard-of");
}

/* Every state has a code of its own, and every kind a sentence for it. */
static void every_state_has_its_words(void **state)
{
    (void)state;
    for (int i = 0; i < HTML_CELL_COUNT; i++) {
        assert_int_equal(html_cell_code(html_cells[i].value), html_cells[i].code);
        for (int j = 0; j < i; j++)
            assert_int_not_equal(html_cells[i].code, html_cells[j].code);
        for (int kind = FEATURE_CONTROL; kind <= FEATURE_RESERVED; kind++) {
            const char *sentence =
                html_state_sentence((enum vmx_feature_kind)kind, html_cells[i].value);

            assert_int_equal(sentence[strlen(sentence) - 1], '.');
        }
    }
    assert_string_equal(html_state_sentence(FEATURE_CONTROL, html_cells[3].value),
                        "Must be 1: on this CPU it cannot be turned off.");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_sound_json),
        cmocka_unit_test(cells_say_what_the_registers_say),
        cmocka_unit_test(rows_say_what_they_are),
        cmocka_unit_test(a_group_has_one_register_and_a_title),
        cmocka_unit_test(every_state_has_its_words),
    };
    int failed;

    text = malloc(TEXT_MAX);
    failed = text != NULL ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    free(text);
    return failed;
}
