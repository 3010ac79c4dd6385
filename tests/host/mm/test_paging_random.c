/* Page tables after mappings at random, against a model that remembers what was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/host/paging_machine.h"
#include "tests/host/random.h"

/* The model: what was asked for, in order. The last request about an address decides. */
enum { REQUESTS = 60 };

struct request {
    uint64_t virt, physical, bytes;
    enum { MAP, PROTECT, UNMAP } what;
    uint64_t flags;
};

static bool model_walk(const struct request *requests, int count, uint64_t virt, uint64_t *physical,
                       uint64_t *flags)
{
    bool protected = false;

    while (count-- > 0) {
        const struct request *request = &requests[count];

        if (virt < request->virt || virt - request->virt >= request->bytes)
            continue;
        if (request->what == UNMAP)
            return false;
        if (!protected)
            *flags = request->flags;
        *physical = request->physical + (virt - request->virt);
        if (request->what == MAP)
            return true;
        protected = true;
    }
    return false;
}

/* Whether the model has all of the range mapped: it can only change where a request begins or ends.
 */
static bool model_maps_all(const struct request *requests, int count, uint64_t virt, uint64_t bytes)
{
    uint64_t physical;
    uint64_t flags;

    if (!model_walk(requests, count, virt, &physical, &flags))
        return false;
    for (int i = 0; i < count; i++) {
        uint64_t edge[] = {requests[i].virt, requests[i].virt + requests[i].bytes};

        for (int j = 0; j < 2; j++) {
            if (edge[j] > virt && edge[j] - virt < bytes &&
                !model_walk(requests, count, edge[j], &physical, &flags))
                return false;
        }
    }
    return true;
}

static struct request random_request(uint64_t *seed)
{
    static const uint64_t units[] = {KIB4, KIB4, MIB2, MIB2, GIB};
    uint64_t unit = units[random_below(seed, 5)];
    struct request request;

    request.what = (int)random_below(seed, 4) % 3;
    request.virt = HIGH + random_below(seed, 6 * GIB / unit) * unit;
    request.bytes = (1 + random_below(seed, unit == GIB ? 2 : 700)) * unit;
    request.physical = random_below(seed, 16 * GIB / unit) * unit;
    request.flags = PAGING_PAT(random_below(seed, 8));
    request.flags |= random_below(seed, 2) != 0 ? PAGING_WRITE : 0;
    request.flags |= random_below(seed, 2) != 0 ? PAGING_EXECUTE : 0;
    request.flags |= random_below(seed, 2) != 0 ? PAGING_GLOBAL : 0;
    return request;
}

static void compare_at(const struct machine *machine, const struct request *requests, int count,
                       uint64_t virt)
{
    uint64_t physical = 0;
    uint64_t flags = 0;

    if (model_walk(requests, count, virt, &physical, &flags))
        assert_seen(machine, virt, physical, 0, flags);
    else
        assert_unseen(machine, virt);
}

static void perform(struct machine *machine, struct request *requests, int *count, uint64_t *seed)
{
    struct request request = random_request(seed);

    switch (request.what) {
    case MAP:
        assert_int_equal(paging_map(&machine->tables, request.virt, request.physical, request.bytes,
                                    request.flags),
                         MAP_OK);
        break;
    case UNMAP:
        assert_int_equal(paging_unmap(&machine->tables, request.virt, request.bytes), MAP_OK);
        break;
    case PROTECT:
        if (!model_maps_all(requests, *count, request.virt, request.bytes)) {
            assert_int_equal(
                paging_protect(&machine->tables, request.virt, request.bytes, request.flags),
                MAP_NOT_MAPPED);
            return;
        }
        assert_int_equal(
            paging_protect(&machine->tables, request.virt, request.bytes, request.flags), MAP_OK);
        break;
    }
    requests[(*count)++] = request;
}

/* How many leaves there are: each once and in order, as the processor sees it. */
static uint64_t take_census(const struct machine *machine)
{
    uint64_t from = 0, end = 0, leaves = 0;
    struct paging_leaf leaf;

    while (paging_next(&machine->tables, &from, &leaf)) {
        assert_true(leaf.virtual_base >= end);
        assert_seen(machine, leaf.virtual_base, leaf.physical_base, leaf.size, leaf.flags);
        end = leaf.virtual_base + leaf.size;
        leaves++;
    }
    return leaves;
}

static void random_mappings_agree_with_the_model(void **state)
{
    static struct request requests[REQUESTS];

    (void)state;
    for (uint64_t run = 0; run < 24; run++) {
        uint64_t seed = 0x51ed2701 + run;
        struct machine machine;
        struct paging_audit audit;
        int count = 0;

        machine_init(&machine, run % 2);
        for (int step = 0; step < REQUESTS; step++)
            perform(&machine, requests, &count, &seed);
        for (int i = 0; i < count; i++) {
            compare_at(&machine, requests, count, requests[i].virt - 1);
            compare_at(&machine, requests, count, requests[i].virt);
            compare_at(&machine, requests, count, requests[i].virt + requests[i].bytes - 1);
            compare_at(&machine, requests, count, requests[i].virt + requests[i].bytes);
        }
        for (int i = 0; i < 3000; i++)
            compare_at(&machine, requests, count, HIGH + random_below(&seed, 9 * GIB));
        paging_audit(&machine.tables, &audit);
        assert_int_equal(audit.leaves_4k + audit.leaves_2m + audit.leaves_1g,
                         take_census(&machine));
        machine_end(&machine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_mappings_agree_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
