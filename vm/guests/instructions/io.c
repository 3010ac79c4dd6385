#include "lib/string.h"
#include "vm/guests/probed.h"

/* SDM Vol. 3, table "Exit Qualification for I/O Instructions". */
#define SIZE(bytes) ((bytes)-1u)
#define IN          (1u << 3)
#define STRING      (1u << 4)
#define REP         (1u << 5)
#define IMMEDIATE   (1u << 6)
#define PORT(port)  ((port) << 16)

#define IMM PORT(0x80u) | IMMEDIATE
#define DX  PORT(0x1234u)

/* Nothing is after a port: all ones. AL and AX leave what is above them, EAX clears it. */
#define AL_IN(text, q)                                                          \
    {                                                                           \
        text, EXIT_REASON_IO_INSTRUCTION, (q) | IN | SIZE(1),                   \
            .done = EXIT_EMULATED, .reg = VCPU_RAX, .mask = 0xff, .value = 0xff \
    }
#define AX_IN(text, q)                                                              \
    {                                                                               \
        text, EXIT_REASON_IO_INSTRUCTION, (q) | IN | SIZE(2),                       \
            .done = EXIT_EMULATED, .reg = VCPU_RAX, .mask = 0xffff, .value = 0xffff \
    }
#define EAX_IN(text, q)                                                                    \
    {                                                                                      \
        text, EXIT_REASON_IO_INSTRUCTION, (q) | IN | SIZE(4),                              \
            .done = EXIT_EMULATED, .reg = VCPU_RAX, .mask = PROBE_ALL, .value = UINT32_MAX \
    }
#define OUT_OF(text, q)                                             \
    {                                                               \
        text, EXIT_REASON_IO_INSTRUCTION, (q), .done = EXIT_IGNORED \
    }

static const struct probe io_probes[] = {
    AL_IN("IN AL, imm8", IMM),
    AX_IN("IN AX, imm8", IMM),
    EAX_IN("IN EAX, imm8", IMM),
    AL_IN("IN AL, DX", DX),
    AX_IN("IN AX, DX", DX),
    EAX_IN("IN EAX, DX", DX),
    OUT_OF("OUT imm8, AL", IMM | SIZE(1)),
    OUT_OF("OUT imm8, AX", IMM | SIZE(2)),
    OUT_OF("OUT imm8, EAX", IMM | SIZE(4)),
    OUT_OF("OUT DX, AL", DX | SIZE(1)),
    OUT_OF("OUT DX, AX", DX | SIZE(2)),
    OUT_OF("OUT DX, EAX", DX | SIZE(4)),
};

PROBED_GUEST(0640, io, "io", "IN and OUT in every size, by immediate and by DX; every port exits.",
             NULL);

/*
 * SDM Vol. 3, "Format of the VM-Exit Instruction-Information Field as Used for INS and OUTS":
 * address size in bits 9:7 (1: 32 bits, 2: 64 bits); segment of OUTS in 17:15, of INS undefined.
 */
#define ADDRESS_SIZE    (7u << 7)
#define ADDRESS_32      (1u << 7)
#define ADDRESS_64      (2u << 7)
#define SEGMENT         (7u << 15)
#define SEGMENT_DS      (3u << 15)
#define INS_INFORMATION .information_mask = ADDRESS_SIZE, .information = ADDRESS_64
#define OUTS_INFORMATION \
    .information_mask = ADDRESS_SIZE | SEGMENT, .information = ADDRESS_64 | SEGMENT_DS

#define INS(text, bytes, at)                                                               \
    {                                                                                      \
        text, EXIT_REASON_IO_INSTRUCTION, DX | STRING | IN | SIZE(bytes), INS_INFORMATION, \
            .done = EXIT_EMULATED, .reg = VCPU_RDI, .mask = PROBE_ALL,                     \
            .value = PROBE_SCRATCH + (at)                                                  \
    }
#define OUTS(text, bytes, at)                                                          \
    {                                                                                  \
        text, EXIT_REASON_IO_INSTRUCTION, DX | STRING | SIZE(bytes), OUTS_INFORMATION, \
            .done = EXIT_EMULATED, .reg = VCPU_RSI, .mask = PROBE_ALL,                 \
            .value = PROBE_SCRATCH + (at)                                              \
    }

/*
 * RSI and RDI move on; with REP so does RCX, and each element exits. Whether a count of 0 exits the
 * manual does not say.
 */
static const struct probe ins_probes[] = {
    INS("INSB", 1, 1),
    INS("INSW", 2, 3),
    INS("INSD", 4, 7),
    OUTS("OUTSB", 1, 1),
    OUTS("OUTSW", 2, 3),
    OUTS("OUTSD", 4, 7),
    {"REP INSB", EXIT_REASON_IO_INSTRUCTION, DX | STRING | REP | IN | SIZE(1), INS_INFORMATION,
     .done = EXIT_EMULATED, .times = 3, .changes = 1u << VCPU_RDI, .reg = VCPU_RCX,
     .mask = PROBE_ALL, .value = 0},
    {"REP OUTSD", EXIT_REASON_IO_INSTRUCTION, DX | STRING | REP | SIZE(4), OUTS_INFORMATION,
     .done = EXIT_EMULATED, .times = 2, .changes = 1u << VCPU_RSI, .reg = VCPU_RCX,
     .mask = PROBE_ALL, .value = 0},
    {"REP INSB of nothing", EXIT_REASON_IO_INSTRUCTION, DX | STRING | REP | IN | SIZE(1),
     .done = EXIT_EMULATED, .may = true},
    INS("INSW downwards", 2, 0x13 - 2),
    {"REP OUTSB with 32-bit addresses", EXIT_REASON_IO_INSTRUCTION, DX | STRING | REP | SIZE(1),
     .information_mask = ADDRESS_SIZE | SEGMENT, .information = ADDRESS_32 | SEGMENT_DS,
     .done = EXIT_EMULATED, .times = 3, .changes = 1u << VCPU_RSI, .reg = VCPU_RCX,
     .mask = PROBE_ALL, .value = 0},
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

static const char *lacks_string_information(const struct vmx_capability *capability)
{
    return capability->ins_outs_information ? NULL : "information on INS and OUTS";
}

PROBED_GUEST(0650, ins, "ins",
             "INS and OUTS in every size, with REP, backwards, with short addresses.", check_ins,
             .lacks = lacks_string_information);

/*
 * What does not exit reaches the machine: of all ports only 0x80, the POST code's, is known to do
 * no harm anywhere. So in the second bitmap, of ports from 0x8000 on, bits that are 0 are shown by
 * neighbours that exit, and no access is made that they alone decide.
 */
static const struct probe io_bitmap_probes[] = {
    {.instruction = "OUT of 0x80, which does not exit"},
    OUT_OF("OUT of 0x81, which exits", PORT(0x81u) | IMMEDIATE | SIZE(1)),
    {.instruction = "IN of 0x80, which does not exit", .changes = 1u << VCPU_RAX},
    OUT_OF("OUT of 0x8235, which exits", PORT(0x8235u) | SIZE(1)),
    OUT_OF("OUT of two bytes, the first of which exits", PORT(0x8235u) | SIZE(2)),
    OUT_OF("OUT of two bytes, the second of which exits", PORT(0x8234u) | SIZE(2)),
    OUT_OF("OUT of two bytes, the second in the second bitmap", PORT(0x7fffu) | SIZE(2)),
    OUT_OF("OUT of two bytes at 0xffff", PORT(0xffffu) | SIZE(2)),
};

static void open_ports(struct vcpu *vcpu)
{
    static const uint16_t open[] = {0x80, 0x7fff, 0x8234, 0x8236, 0xffff, 0x0000};

    for (unsigned i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        vm_port_exits(vcpu->vm, open[i], false);
}

PROBED_GUEST(0660, io_bitmap, "io-bitmap",
             "Ports that exit and ports that do not, in both I/O bitmaps.", NULL,
             .on[VMX_CONTROL_PRIMARY] = PRIMARY_IO_BITMAPS, .setup = open_ports);
