#include "vm/guests/memory/memory.h"
#include "vm/guests/test_guests.h"
#include "vmx/vmcs_access.h"

extern const uint8_t page_faults_on_pf[], page_faults_read[], page_faults_write[];

/* SDM Vol. 3, "Interrupt 14 - Page-Fault Exception (#PF)": W/R. */
enum { ERROR_WRITE = 1 << 1, ERROR_PRESENT = 1 << 0 };

/*
 * SDM Vol. 3, "Exception Bitmap": a page fault exits if bit 14 is 1 and its error code, under the
 * mask, is the match; or if bit 14 is 0 and it is not.
 */
static const struct {
    bool in_bitmap;
    uint32_t mask, match;
} choices[PAGE_FAULT_CHOICES] = {
    {true, 0, 0},                      /* every one exits */
    {false, 0, 0},                     /* none */
    {true, ERROR_WRITE, ERROR_WRITE},  /* writes */
    {true, ERROR_WRITE, 0},            /* reads */
    {false, ERROR_WRITE, ERROR_WRITE}, /* what is not a write */
    {true, 0, ERROR_PRESENT},          /* none: nothing under an empty mask can match */
    {false, 0, ERROR_PRESENT},         /* for the same reason every one */
};

#define CHOICE EXIT_REASON_VMCALL, .done = EXIT_EMULATED
#define READ   EXCEPTION(FAULT_WITH_CODE(PF), page_faults_read), QUALIFIED(PAGE_FAULT_ADDRESS)
#define WRITE  EXCEPTION(FAULT_WITH_CODE(PF), page_faults_write), QUALIFIED(PAGE_FAULT_ADDRESS)

static const struct exit_expected exits[] = {
    {CHOICE}, {READ},   {WRITE}, {CHOICE}, {CHOICE}, {WRITE}, {CHOICE},
    {READ},   {CHOICE}, {READ},  {CHOICE}, {CHOICE}, {READ},  {WRITE},
};

static enum exit_done choose(struct vcpu *vcpu, const struct exit_record *exit)
{
    uint32_t number = (uint32_t)exit->rcx;

    (void)vcpu;
    if (exit_basic_reason(exit) != EXIT_REASON_VMCALL || exit->rax != PAGE_FAULT_CALL ||
        number >= PAGE_FAULT_CHOICES)
        return EXIT_DEFAULT;
    vmcs_write32(VMCS_EXCEPTION_BITMAP,
                 VCPU_EXCEPTIONS | (choices[number].in_bitmap ? 1u << X86_VECTOR_PF : 0));
    vmcs_write32(VMCS_PAGE_FAULT_ERROR_CODE_MASK, choices[number].mask);
    vmcs_write32(VMCS_PAGE_FAULT_ERROR_CODE_MATCH, choices[number].match);
    return EXIT_DEFAULT;
}

/* The guest sees each fault, whether it exited or not. */
static const char *check(const struct vcpu *vcpu)
{
    struct wanted_event events[PAGE_FAULT_CHOICES * 2];

    for (uint32_t i = 0; i < PAGE_FAULT_CHOICES; i++) {
        events[2 * i] = (struct wanted_event){X86_VECTOR_PF, 0, page_faults_read};
        events[2 * i + 1] = (struct wanted_event){X86_VECTOR_PF, ERROR_WRITE, page_faults_write};
    }
    return events_differ(vcpu, events, PAGE_FAULT_CHOICES * 2);
}

static const struct guest_handler handlers[] = {{X86_VECTOR_PF, page_faults_on_pf}};

BUILT_IN_GUEST(0050, page_faults, GUEST_LONG, "page-faults",
               "Reads and writes what is not mapped; mask and match choose which faults exit.",
               HANDLERS_IN(handlers), .on_exit = choose, EXPECTED_IN(exits), .check = check);
