#include "vm/access/guest_access.h"

/* What is read of an instruction, one byte after the other. */
struct code {
    const uint8_t *bytes;
    unsigned count, at;
};

/* The next byte; beyond the end 0, and `at` says so. */
static uint8_t next(struct code *code)
{
    return code->at++ < code->count ? code->bytes[code->at - 1] : 0;
}

static uint32_t next_value(struct code *code, unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)next(code) << 8 * i;
    return value;
}

enum { OPERAND_SIZE = 0x66 }; /* 16 bits; a REX.W behind it would win */
enum { REX = 0x40, REX_MASK = 0xf0, REX_W = 8, REX_R = 4 };

/* Those that change neither operand nor length: segments, and LOCK. */
static bool is_harmless_prefix(uint8_t byte)
{
    return byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x64 ||
           byte == 0x65 || byte == 0xf0;
}

enum { OP_XCHG = 0x87, OP_MOV_FROM_REGISTER = 0x89, OP_MOV_FROM_EAX = 0xa3, OP_MOV_VALUE = 0xc7 };

/*
 * "ModR/M and SIB Bytes", addresses of 32 and of 64 bits: where the operand is the violation has
 * told, so only their length counts. False: a register, not memory.
 */
static bool skip_address(struct code *code, uint8_t modrm)
{
    unsigned mod = modrm >> 6, rm = modrm & 7, base = rm;

    if (mod == 3)
        return false;
    if (rm == 4)
        base = next(code) & 7;
    if (mod == 1)
        code->at += 1;
    else if (mod == 2 || base == 5)
        code->at += 4;
    return true;
}

bool store_decode(const uint8_t *bytes, unsigned count, bool is_64_bit, struct store *store)
{
    struct code code = {bytes, count, 0};
    uint8_t rex = 0, opcode, modrm;

    *store = (struct store){.bytes = 4};
    do {
        opcode = next(&code);
        if (opcode == OPERAND_SIZE)
            store->bytes = 2;
    } while ((opcode == OPERAND_SIZE || is_harmless_prefix(opcode)) && code.at < count);
    if (is_64_bit && (opcode & REX_MASK) == REX) {
        rex = opcode;
        opcode = next(&code);
    }
    if ((rex & REX_W) != 0)
        return false;
    if (opcode == OP_MOV_FROM_EAX) {
        code.at += is_64_bit ? 8 : 4;
    } else if (opcode == OP_MOV_FROM_REGISTER || opcode == OP_XCHG || opcode == OP_MOV_VALUE) {
        modrm = next(&code);
        store->source = (modrm >> 3 & 7) | (unsigned)(rex & REX_R) << 1;
        store->exchanges = opcode == OP_XCHG;
        store->has_value = opcode == OP_MOV_VALUE;
        if (!skip_address(&code, modrm) || (store->has_value && (modrm >> 3 & 7) != 0))
            return false;
        if (store->has_value)
            store->value = next_value(&code, store->bytes);
    } else {
        return false;
    }
    store->length = code.at;
    return code.at <= count;
}
