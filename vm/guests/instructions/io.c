#include "lib/string.h"
#include "vm/guests/probe.h"

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
    EXIT_REASON_IO_INSTRUCTION, (q) | IN, EMULATED, .mask = (bits), .value = (ones)
#define READS_AL(q)  READS((q) | SIZE(1), 0xff, 0xff)
#define READS_AX(q)  READS((q) | SIZE(2), 0xffff, 0xffff)
#define READS_EAX(q) READS((q) | SIZE(4), -1, UINT32_MAX)
#define WRITES(q)    EXIT_REASON_IO_INSTRUCTION, (q), IGNORED

/* RSI and RDI move on; with REP so does RCX, and each element exits. Whether a count of 0 exits the
 * manual does not say. The segment of INS is undefined in the instruction information. */
#define STRING_IN(q)           EXIT_REASON_IO_INSTRUCTION, DX | STRING | IN | (q), EMULATED
#define STRING_OUT(q)          EXIT_REASON_IO_INSTRUCTION, DX | STRING | (q), EMULATED
#define TO_64                  INFO(INFO_MASK_ADDRESS, INFO_ADDRESS_64)
#define FROM_64                INFO(INFO_MASK_ADDRESS | INFO_MASK_SEGMENT, INFO_ADDRESS_64 | INFO_DS)
#define FROM_32                INFO(INFO_MASK_ADDRESS | INFO_MASK_SEGMENT, INFO_ADDRESS_32 | INFO_DS)
#define MOVES(reg, to)         HOLDS(reg, PROBE_SCRATCH + (to))
#define ALL_OF(count, pointer) .times = (count), .changes = 1u << (pointer), HOLDS(VCPU_RCX, 0)

/* 1 + 2 + 4 bytes, 3 by REP, and 2 at where those had ended: all ones, and nothing around them. */
static const char *check_ins(const struct vcpu *vcpu)
{
    const uint8_t *memory = vm_memory(vcpu->vm, PROBE_SCRATCH, 0x20);
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

static void open_ports(struct vcpu *vcpu)
{
    static const uint16_t open[] = {0x80, 0x7fff, 0x8234, 0x8236, 0xffff, 0x0000};

    for (unsigned i = 0; i < COUNT_OF(open); i++)
        vm_port_exits(vcpu->vm, open[i], false);
}

#include "vm/guests/instructions/io.def"
