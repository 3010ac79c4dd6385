#include "lib/string.h"
#include "vm/guests/probe.h"
#include "vm/guests/test_guests.h"

/* SDM Vol. 3, table "Exit Qualification for I/O Instructions". */
#define SIZE(bytes) ((bytes)-1u)
#define IN          (1u << 3)
#define STRING      (1u << 4)
#define REP         (1u << 5)
#define IMMEDIATE   (1u << 6)
#define PORT(port)  ((port) << 16)

#define IMM PORT(0x80u) | IMMEDIATE
#define DX  PORT(0x1234u)

/* Nothing is at any port: all ones. AL and AX leave what is above them, EAX clears it. */
#define READS(q, bits, ones) \
    EXIT_REASON_IO_INSTRUCTION, (q) | IN, .done = EXIT_EMULATED, .mask = (bits), .value = (ones)
#define READS_AL(q)  READS((q) | SIZE(1), 0xff, 0xff)
#define READS_AX(q)  READS((q) | SIZE(2), 0xffff, 0xffff)
#define READS_EAX(q) READS((q) | SIZE(4), -1, UINT32_MAX)
#define WRITES(q)    EXIT_REASON_IO_INSTRUCTION, (q), .done = EXIT_IGNORED

static const struct probe io_probes[] = {
    {"IN AL, imm8", READS_AL(IMM)},
    {"IN AX, imm8", READS_AX(IMM)},
    {"IN EAX, imm8", READS_EAX(IMM)},
    {"IN AL, DX", READS_AL(DX)},
    {"IN AX, DX", READS_AX(DX)},
    {"IN EAX, DX", READS_EAX(DX)},
    {"OUT imm8, AL", WRITES(IMM | SIZE(1))},
    {"OUT imm8, AX", WRITES(IMM | SIZE(2))},
    {"OUT imm8, EAX", WRITES(IMM | SIZE(4))},
    {"OUT DX, AL", WRITES(DX | SIZE(1))},
    {"OUT DX, AX", WRITES(DX | SIZE(2))},
    {"OUT DX, EAX", WRITES(DX | SIZE(4))},
};

PROBED_GUEST(0640, io, "io", "IN and OUT in every size, by immediate and by DX; every port exits.",
             PROBES_IN(io_probes));

/*
 * RSI and RDI move on; with REP so does RCX, and each element exits. Whether a count of 0 exits the
 * manual does not say. The segment of INS is undefined in the instruction information.
 */
#define STRING_IN(q)           EXIT_REASON_IO_INSTRUCTION, DX | STRING | IN | (q), .done = EXIT_EMULATED
#define STRING_OUT(q)          EXIT_REASON_IO_INSTRUCTION, DX | STRING | (q), .done = EXIT_EMULATED
#define TO_64                  INFO(INFO_MASK_ADDRESS, INFO_ADDRESS_64)
#define FROM_64                INFO(INFO_MASK_ADDRESS | INFO_MASK_SEGMENT, INFO_ADDRESS_64 | INFO_DS)
#define FROM_32                INFO(INFO_MASK_ADDRESS | INFO_MASK_SEGMENT, INFO_ADDRESS_32 | INFO_DS)
#define MOVES(reg, to)         HOLDS(reg, PROBE_SCRATCH + (to))
#define ALL_OF(count, pointer) .times = (count), .changes = 1u << (pointer), HOLDS(VCPU_RCX, 0)

static const struct probe ins_probes[] = {
    {"INSB", STRING_IN(SIZE(1)), TO_64, MOVES(VCPU_RDI, 1)},
    {"INSW", STRING_IN(SIZE(2)), TO_64, MOVES(VCPU_RDI, 3)},
    {"INSD", STRING_IN(SIZE(4)), TO_64, MOVES(VCPU_RDI, 7)},
    {"OUTSB", STRING_OUT(SIZE(1)), FROM_64, MOVES(VCPU_RSI, 1)},
    {"OUTSW", STRING_OUT(SIZE(2)), FROM_64, MOVES(VCPU_RSI, 3)},
    {"OUTSD", STRING_OUT(SIZE(4)), FROM_64, MOVES(VCPU_RSI, 7)},
    {"REP INSB", STRING_IN(REP | SIZE(1)), TO_64, ALL_OF(3, VCPU_RDI)},
    {"REP OUTSD", STRING_OUT(REP | SIZE(4)), FROM_64, ALL_OF(2, VCPU_RSI)},
    {"REP INSB of nothing", STRING_IN(REP | SIZE(1)), .may = true},
    {"INSW downwards", STRING_IN(SIZE(2)), TO_64, MOVES(VCPU_RDI, 0x13 - 2)},
    {"REP OUTSB with 32-bit addresses", STRING_OUT(REP | SIZE(1)), FROM_32, ALL_OF(3, VCPU_RSI)},
};

/* 1 + 2 + 4 bytes, 3 by REP, and 2 at where those had ended: all ones, and nothing around them. */
static const char *check_ins(const struct vcpu *vcpu)
{
    const uint8_t *memory = vcpu_memory(vcpu, PROBE_SCRATCH, 0x20);
    uint8_t wanted[0x20] = {0};

    memset(wanted, 0xff, 7);
    memset(wanted + 0x10, 0xff, 3 + 2);
    if (memcmp(memory, wanted, sizeof(wanted)) != 0)
        return "INS did not fill the memory that it should";
    if (probe_after(vcpu, 6)->reg[VCPU_RDI] != PROBE_SCRATCH + 0x13)
        return "REP INSB did not move RDI by 3";
    if (probe_after(vcpu, 7)->reg[VCPU_RSI] != PROBE_SCRATCH + 0x20 + 2 * 4)
        return "REP OUTSD did not move RSI by 2 times 4";
    if (probe_after(vcpu, 10)->reg[VCPU_RSI] != PROBE_SCRATCH + 0x28 - 3)
        return "REP OUTSB with DF = 1 did not move RSI by -3";
    return NULL;
}

GUEST_LACKS(lacks_string_information, capability->ins_outs_information,
            "information on INS and OUTS");

PROBED_GUEST(0650, ins, "ins",
             "INS and OUTS in every size, with REP, backwards, with short addresses.",
             .lacks = lacks_string_information, PROBES_IN(ins_probes), .check_more = check_ins);

/*
 * What does not exit reaches the machine: of all ports only 0x80, the POST code's, is known to do
 * no harm anywhere. So in the second bitmap, of ports from 0x8000 on, bits that are 0 are shown by
 * neighbours that exit, and no access is made that they alone decide.
 */
static const struct probe io_bitmap_probes[] = {
    {.instruction = "OUT of 0x80, which does not exit"},
    {"OUT of 0x81, which exits", WRITES(PORT(0x81u) | IMMEDIATE | SIZE(1))},
    {.instruction = "IN of 0x80, which does not exit", .changes = 1u << VCPU_RAX},
    {"OUT of 0x8235, which exits", WRITES(PORT(0x8235u) | SIZE(1))},
    {"OUT of two bytes, the first of which exits", WRITES(PORT(0x8235u) | SIZE(2))},
    {"OUT of two bytes, the second of which exits", WRITES(PORT(0x8234u) | SIZE(2))},
    {"OUT of two bytes, the second in the second bitmap", WRITES(PORT(0x7fffu) | SIZE(2))},
    {"OUT of two bytes at 0xffff", WRITES(PORT(0xffffu) | SIZE(2))},
};

static void open_ports(struct vcpu *vcpu)
{
    static const uint16_t open[] = {0x80, 0x7fff, 0x8234, 0x8236, 0xffff, 0x0000};

    for (unsigned i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        vm_port_exits(vcpu->vm, open[i], false);
}

PROBED_GUEST(0660, io_bitmap, "io-bitmap",
             "Ports that exit and ports that do not, in both I/O bitmaps.",
             CONTROLS(ON(PRIMARY, IO_BITMAPS)), .setup = open_ports, PROBES_IN(io_bitmap_probes));
