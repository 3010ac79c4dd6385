#include "kernel/backtrace/backtrace.h"

/* What an error code holds. SDM Vol. 3, "Error Code". */
enum error_code_kind {
    NO_ERROR_CODE,
    ALWAYS_ZERO,
    SELECTOR,
    PAGE_FAULT,
    CONTROL_PROTECTION,
    OTHER
};

enum { EXCEPTIONS = 32 }; /* vectors from 32 on are interrupts */

struct vector_text {
    const char *name;
    enum error_code_kind error_code;
};

/*
 * SDM Vol. 3, "Exceptions and Interrupts", table "Protected-Mode Exceptions and Interrupts".
 * #HV, #VC and #SX are AMD's: AMD64 Architecture Programmer's Manual Vol. 2, "Vectors".
 */
static const struct vector_text vectors[EXCEPTIONS] = {
    [0] = {"#DE, Divide Error", NO_ERROR_CODE},
    [1] = {"#DB, Debug", NO_ERROR_CODE},
    [2] = {"NMI, Non-Maskable Interrupt", NO_ERROR_CODE},
    [3] = {"#BP, Breakpoint", NO_ERROR_CODE},
    [4] = {"#OF, Overflow", NO_ERROR_CODE},
    [5] = {"#BR, BOUND Range Exceeded", NO_ERROR_CODE},
    [6] = {"#UD, Invalid Opcode", NO_ERROR_CODE},
    [7] = {"#NM, Device Not Available", NO_ERROR_CODE},
    [8] = {"#DF, Double Fault", ALWAYS_ZERO},
    [9] = {"Coprocessor Segment Overrun", NO_ERROR_CODE},
    [10] = {"#TS, Invalid TSS", SELECTOR},
    [11] = {"#NP, Segment Not Present", SELECTOR},
    [12] = {"#SS, Stack-Segment Fault", SELECTOR},
    [13] = {"#GP, General Protection", SELECTOR},
    [14] = {"#PF, Page Fault", PAGE_FAULT},
    [16] = {"#MF, x87 FPU Floating-Point Error", NO_ERROR_CODE},
    [17] = {"#AC, Alignment Check", ALWAYS_ZERO},
    [18] = {"#MC, Machine Check", NO_ERROR_CODE},
    [19] = {"#XM, SIMD Floating-Point Exception", NO_ERROR_CODE},
    [20] = {"#VE, Virtualization Exception", NO_ERROR_CODE},
    [21] = {"#CP, Control Protection Exception", CONTROL_PROTECTION},
    [28] = {"#HV, Hypervisor Injection Exception", NO_ERROR_CODE},
    [29] = {"#VC, VMM Communication Exception", OTHER},
    [30] = {"#SX, Security Exception", OTHER},
};

/* What a bit of an error code says when it is 1 and when it is 0; NULL: nothing. */
struct bit_text {
    uint64_t bit;
    const char *set;
    const char *clear;
};

/* SDM Vol. 3, "Page-Fault Exceptions", figure "Page-Fault Error Code". */
static const struct bit_text page_fault_bits[] = {
    {1ull << 1, "write", NULL},
    {1ull << 4, "instruction fetch", NULL},
    {1ull << 2, "by user-mode code", NULL},
    {1ull << 0, "page is present: its rights forbid it", "page is not present"},
    {1ull << 3, "a reserved bit is set in a paging structure", NULL},
    {1ull << 5, "protection key", NULL},
    {1ull << 6, "shadow-stack access", NULL},
    {1ull << 7, "during HLAT paging", NULL},
    {1ull << 15, "SGX access control", NULL},
};

/* SDM Vol. 3, "Interrupt 21—Control Protection Exception (#CP)". */
static const char *const control_protection_causes[] = {
    [1] = "NEAR-RET", [2] = "FAR-RET/IRET", [3] = "ENDBRANCH", [4] = "RSTORSSP", [5] = "SETSSBSY",
};

enum {
    CONTROL_PROTECTION_CAUSES =
        sizeof(control_protection_causes) / sizeof(control_protection_causes[0]),
};

#define PAGE_FAULT_WRITE_OR_FETCH (1ull << 1 | 1ull << 4)
#define SELECTOR_EXTERNAL         (1ull << 0)
#define SELECTOR_IDT              (1ull << 1)
#define SELECTOR_LDT              (1ull << 2)
#define SELECTOR_INDEX_SHIFT      3
#define SELECTOR_INDEX_MASK       0x1fffull
#define CONTROL_PROTECTION_CAUSE  0x7fffull

const char *trap_name(uint64_t vector)
{
    if (vector >= EXCEPTIONS)
        return "interrupt";
    return vectors[vector].name != NULL ? vectors[vector].name : "reserved";
}

bool trap_has_error_code(uint64_t vector)
{
    return vector < EXCEPTIONS && vectors[vector].error_code != NO_ERROR_CODE;
}

static void explain_page_fault(struct sink *sink, uint64_t error_code)
{
    const char *comma = ": ";

    if ((error_code & PAGE_FAULT_WRITE_OR_FETCH) == 0) {
        print_to(sink, ": read");
        comma = ", ";
    }
    for (size_t i = 0; i < sizeof(page_fault_bits) / sizeof(page_fault_bits[0]); i++) {
        const struct bit_text *bit = &page_fault_bits[i];
        const char *text = (error_code & bit->bit) != 0 ? bit->set : bit->clear;

        if (text == NULL)
            continue;
        print_to(sink, "%s%s", comma, text);
        comma = ", ";
    }
}

static void explain_selector(struct sink *sink, uint64_t error_code)
{
    uint64_t index = error_code >> SELECTOR_INDEX_SHIFT & SELECTOR_INDEX_MASK;
    const char *table = "GDT";

    if (error_code == 0) {
        print_to(sink, ": no selector involved");
        return;
    }
    if ((error_code & SELECTOR_IDT) != 0)
        table = "IDT";
    else if ((error_code & SELECTOR_LDT) != 0)
        table = "LDT";
    print_to(sink, ": %s entry %llu%s", table, (unsigned long long)index,
             (error_code & SELECTOR_EXTERNAL) != 0
                 ? ", while an event from outside the program was delivered"
                 : "");
}

void trap_explain_error(struct sink *sink, uint64_t vector, uint64_t error_code)
{
    uint64_t cause = error_code & CONTROL_PROTECTION_CAUSE;

    if (vector >= EXCEPTIONS)
        return;
    switch (vectors[vector].error_code) {
    case PAGE_FAULT:
        explain_page_fault(sink, error_code);
        break;
    case SELECTOR:
        explain_selector(sink, error_code);
        break;
    case CONTROL_PROTECTION:
        if (cause > 0 && cause < CONTROL_PROTECTION_CAUSES)
            print_to(sink, ": %s", control_protection_causes[cause]);
        break;
    default:
        break;
    }
}
