/*
 * What guests say as data (vm/guests/test_guests.h): a run that is as it should be, and each part
 * of it changed, which the check must see and name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/guest_machine.h"
#include "vm/guests/test_guests.h"

static const uint8_t code[16];
static const struct wanted_event events[] = {
    EVENT(X86_VECTOR_UD, code + 4),
    {X86_VECTOR_PF, 2, NULL, 0x40000000},
    EVENT(0x40, NULL),
};
static const struct guest_code guest_code = {.start = code};
const struct guest_kind guests_of_memory = {.compare = check_left};
static struct guest guest = {.code = &guest_code, .events = events, .wanted_count = 3};
static struct vcpu *vcpu;

static struct recorded_event *seen(unsigned number)
{
    return (struct recorded_event *)guest_machine_memory(GUEST_ARRAY) + number;
}

/* SDM Vol. 3, "Fault-Class Exceptions": RF is saved as 1; of an interrupt nothing is held. */
static int as_it_should_be(void **state)
{
    static const struct recorded_event right[] = {
        {X86_VECTOR_UD, NO_ERROR_CODE, GUEST_CODE + 4, 0, RFLAGS_RF},
        {X86_VECTOR_PF, 2, 0x1234, 0x40000000, RFLAGS_RF},
        {0x40, NO_ERROR_CODE, 0x5678, 0x40000000, 0},
    };
    const uint32_t count = 3;

    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    guest_vm_of(vcpu)->guest = &guest;
    memcpy(seen(0), right, sizeof(right));
    memcpy(guest_machine_memory(GUEST_DATA), &count, sizeof(count));
    return 0;
}

static void assert_names(const char *what)
{
    assert_non_null(check_events(vcpu));
    assert_non_null(strstr(check_events(vcpu), what));
    as_it_should_be(NULL);
}

static void every_part_of_an_event_counts(void **state)
{
    (void)state;
    assert_null(check_events(vcpu));
    *(uint32_t *)guest_machine_memory(GUEST_DATA) = 2;
    assert_names("fewer");
    *(uint32_t *)guest_machine_memory(GUEST_DATA) = 4;
    assert_names("more");
    seen(2)->vector = 0x41;
    assert_names("another vector");
    seen(1)->error = 0;
    assert_names("another error code");
    seen(0)->flags = 0;
    assert_names("another RF");
    seen(0)->rip++;
    assert_names("another return address");
    seen(1)->cr2++;
    assert_names("CR2");
}

static void what_no_row_names_does_not_count(void **state)
{
    (void)state;
    seen(1)->rip = seen(2)->rip = 1;
    seen(0)->cr2 = seen(2)->cr2 = 1;
    seen(2)->flags = RFLAGS_RF;
    assert_null(check_events(vcpu));
}

static const uint16_t pair[] = {0x1122, 0x3344};
static const struct guest leaves = {MEMORY(WORD(GUEST_DATA, 0x12345678, "word"),
                                           {GUEST_DATA + 8, sizeof(pair), pair, "pair"},
                                           {GUEST_DATA + 16, 8, NULL, "zeroes"})};

static void every_byte_of_memory_counts(void **state)
{
    static const struct {
        unsigned at;
        const char *named;
    } changes[] = {{0, "word"},  {3, "word"},    {8, "pair"},
                   {11, "pair"}, {16, "zeroes"}, {23, "zeroes"}};
    uint8_t *memory = guest_machine_memory(GUEST_DATA);

    (void)state;
    guest_vm_of(vcpu)->guest = &leaves;
    memset(memory, 0, 32);
    memcpy(memory, &(uint32_t){0x12345678}, 4);
    memcpy(memory + 8, pair, sizeof(pair));
    memory[4] = memory[12] = memory[24] = 1; /* around them */
    assert_null(check_left(vcpu));
    for (unsigned i = 0; i < COUNT_OF(changes); i++) {
        memory[changes[i].at] ^= 1;
        assert_string_equal(check_left(vcpu), changes[i].named);
        memory[changes[i].at] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_part_of_an_event_counts, as_it_should_be),
        cmocka_unit_test_setup(what_no_row_names_does_not_count, as_it_should_be),
        cmocka_unit_test_setup(every_byte_of_memory_counts, as_it_should_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
