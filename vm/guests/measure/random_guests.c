/*
 * Random guests: random bytes from a seed, run as code in one mode of the processor, again and
 * again with other seeds. What they do cannot be known beforehand; each has to end for a reason
 * that can be named, without harm to the others.
 */
#include "vm/guests/guest_run.h"

enum {
    RANDOM_BYTES = 4096,
    RANDOM_EXITS = 300,
    RANDOM_US = 1000,
};

/* SplitMix64, by Sebastiano Vigna: public domain. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

/* Beginnings of instructions that a hypervisor has to do with, which few random bytes are; what
 * follows is random again. Each number is how many bytes there are, and then the bytes. */
static const uint32_t beginnings[] = {
    0x20f00, 0x20f01,   0x20f06, 0x20f08, 0x20f09,   0x20f0b,   0x20f20, 0x20f21, 0x20f22, 0x20f23,
    0x20f30, 0x20f31,   0x20f32, 0x20f33, 0x20f34,   0x20f35,   0x20f78, 0x20f79, 0x20fa2, 0x20fae,
    0x20fc7, 0x30f01c1, 0x16c,   0x16e,   0x30f01d1, 0x3660f38, 0x18e,   0x117,   0x19a,   0x19d,
    0x1ca,   0x1cb,     0x1cc,   0x1cd,   0x1ce,     0x1cf,     0x1e4,   0x1e6,   0x1ea,   0x1ec,
    0x1ee,   0x1f1,     0x1f3,   0x1f4,   0x1fa,     0x1fb,     0x148,   0x166,
};

enum { BEGINNINGS = COUNT_OF(beginnings) };

static void write_code(uint8_t *code, uint64_t *state)
{
    for (uint32_t i = 0; i < RANDOM_BYTES; i++) {
        uint64_t random = next_random(state);
        uint32_t beginning = beginnings[(uint32_t)(random >> 16) % BEGINNINGS];
        uint32_t length = beginning >> 24 != 0 ? 3 : beginning >> 16 != 0 ? 2 : 1;

        if ((random & 3) != 0 || i + length >= RANDOM_BYTES) {
            code[i] = (uint8_t)(random >> 8);
            continue;
        }
        for (uint32_t left = length; left > 0; left--)
            code[i + length - left] = (uint8_t)(beginning >> (left - 1) * 8);
        i += length - 1;
    }
}

/* Registers are small numbers, addresses in the guest's memory, or anything. */
static uint64_t register_value(uint64_t *state)
{
    uint64_t random = next_random(state);

    switch (random & 3) {
    case 0:
        return random >> 56;
    case 1:
    case 2:
        return (random >> 8) % GUEST_MEMORY_BYTES;
    default:
        return next_random(state);
    }
}

void random_guest_fill(const struct guest *guest, uint64_t state, uint8_t *memory,
                       uint64_t reg[VCPU_REGISTERS])
{
    write_code(memory + GUEST_CODE + guest->code->bytes, &state);
    for (unsigned i = 0; i < VCPU_REGISTERS; i++) {
        if (i != VCPU_RSP)
            reg[i] = register_value(&state);
    }
}

/* The options are those of one round. */
static void setup(struct vcpu *vcpu)
{
    random_guest_fill(guest_of(vcpu), guest_vm_of(vcpu)->options->random.seed,
                      vm_memory(vcpu->vm, 0, GUEST_MEMORY_BYTES), vcpu->reg);
}

uint64_t random_guest_state(uint64_t seed, enum guest_mode mode, uint32_t cpu, uint32_t round)
{
    uint64_t state = seed;

    state = next_random(&state) + (uint64_t)mode;
    state = next_random(&state) + cpu;
    state = next_random(&state) + round;
    return state;
}

static void print_ends(const uint32_t ends[GUEST_END_COUNT], uint32_t rounds, struct guest_run *run)
{
    struct text_buffer text;

    text_buffer_init(&text, run->detail, sizeof(run->detail));
    print_to(&text.sink, "%u rounds; ended by", rounds);
    for (uint32_t i = 0; i < GUEST_END_COUNT; i++) {
        if (ends[i] != 0)
            print_to(&text.sink, " %s %u,", guest_end_name((enum guest_end)i), ends[i]);
    }
    run->detail[text.length - 1] = '\0'; /* the last comma */
}

void random_guest_run(const struct guest *guest, struct vmx_cpu *cpu,
                      const struct vm_options *options, struct guest_run *run)
{
    uint32_t ends[GUEST_END_COUNT] = {0};
    uint32_t rounds = options->random.rounds;
    struct vm_options round = *options;
    struct guest_run one;

    *run = (struct guest_run){.guest = guest, .result = GUEST_OK};
    for (uint32_t i = 0; i < rounds; i++) {
        round.random.seed = random_guest_state(options->random.seed, guest->mode, cpu->cpu, i);
        guest_run(guest, cpu, &round, &one);
        /* What a hypervisor must never come to, whatever its guest does; or its guest is none. */
        if (one.result == GUEST_SKIPPED || one.result == GUEST_NO_MEMORY ||
            guest_end_is_no_entry(one.end)) {
            run->result = one.result == GUEST_OK ? GUEST_DIED : one.result;
            run->end = one.end;
            if (one.result == GUEST_SKIPPED)
                format_text(run->detail, sizeof(run->detail), "%s", one.detail);
            else
                format_text(run->detail, sizeof(run->detail), "seed %lu, round %u: %s",
                            options->random.seed, i, one.detail);
            return;
        }
        ends[one.end]++;
        for (uint32_t reason = 0; reason < VM_EXIT_REASONS; reason++)
            run->exits[reason] += one.exits[reason];
    }
    print_ends(ends, rounds, run);
}

#define RANDOM_GUEST(place, bits, mode, text)                                                   \
    GUEST(place, random_##bits, mode, "chaos-" text, "Random bytes, as code in " text " mode.", \
          .setup = setup, .any_end = true, .unwatched = true, .exits_max = RANDOM_EXITS,        \
          .time_max_us = RANDOM_US)

RANDOM_GUEST(0440, 16, GUEST_REAL, "real");
RANDOM_GUEST(0450, 32, GUEST_PROTECTED, "protected");
RANDOM_GUEST(0460, 32, GUEST_PAGED, "paged");
RANDOM_GUEST(0470, 32, GUEST_PAE, "pae");
RANDOM_GUEST(0480, 64, GUEST_LONG, "long");
