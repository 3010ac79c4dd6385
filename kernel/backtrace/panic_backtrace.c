/* What a panic says beyond the exception: it in words, machine checks, registers, a back trace. */
#include "boot/boot.h"
#include "kernel/backtrace/backtrace.h"
#include "kernel/console/console.h"
#include "kernel/trap/panic.h"
#include "lib/x86.h"
#include "vmx/exit_reason.h"
#include "vmx/text/exit_text.h"
#include "vmx/vmcs_field.h"
#include "vmx/vmx_result.h"

enum {
    BACK_TRACE_MOST = 24,
    /* No stack of ours is larger; frames are looked for from RSP up to here. */
    STACK_BYTES_MOST = 64 * 1024,
};

/* From linker.ld. */
extern const uint8_t text_start[];
extern const uint8_t text_end[];
extern const uint8_t symbols_start[];
extern const uint8_t symbols_end[];

static void print_name(const struct trap_frame *frame)
{
    console_print("%s (vector %lu)", trap_name(frame->vector), frame->vector);
    if (trap_has_error_code(frame->vector)) {
        console_print(", error code 0x%lx", frame->error_code);
        trap_explain_error(console_sink(), frame->vector, frame->error_code);
    }
}

static void print_machine_check(const struct trap_frame *frame, bool nested)
{
    (void)nested;
    if (frame->vector == X86_VECTOR_MC)
        machine_check_print(console_sink());
}

struct named_value {
    const char *name;
    uint64_t value;
};

/* Three on a line, which the narrowest screen holds. */
static void print_values(const struct named_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        console_print("  %-6s %016lx%s", values[i].name, values[i].value,
                      i % 3 == 2 || i + 1 == count ? "\n" : "");
}

static void print_registers(const struct trap_frame *frame, bool nested)
{
    const struct named_value state[] = {
        {"RIP", frame->rip},       {"RSP", frame->rsp},        {"RBP", frame->rbp},
        {"RFLAGS", frame->rflags}, {"CS", frame->cs},          {"SS", frame->ss},
        {"CR0", read_cr0()},       {"CR2", read_cr2()},        {"CR3", read_cr3()},
        {"CR4", read_cr4()},       {"EFER", rdmsr(IA32_EFER)},
    };
    const struct named_value general[] = {
        {"RAX", frame->rax}, {"RBX", frame->rbx}, {"RCX", frame->rcx}, {"RDX", frame->rdx},
        {"RSI", frame->rsi}, {"RDI", frame->rdi}, {"R8", frame->r8},   {"R9", frame->r9},
        {"R10", frame->r10}, {"R11", frame->r11}, {"R12", frame->r12}, {"R13", frame->r13},
        {"R14", frame->r14}, {"R15", frame->r15},
    };

    print_values(state, sizeof(state) / sizeof(state[0]));
    if (!nested && frame->vector != PANIC_CALLED)
        print_values(general, sizeof(general) / sizeof(general[0]));
}

/* A fault on the way (a guard page, an address that cannot be) ends the walk, not the machine. */
static bool read_stack(uint64_t address, uint64_t *value)
{
    uint64_t vector, found = 0;

    asm volatile("1: mov (%[address]), %[found]\n\t"
                 "xor %%eax, %%eax\n\t"
                 "2:\n\t" X86_FIXUP("1b", "2b")
                 : "=&a"(vector), [found] "+&r"(found)
                 : [address] "r"(address)
                 : "cc", "memory");
    *value = found;
    return vector == 0;
}

/* `lookup` lies in the function that is meant: a return address may already be after its end. */
static void print_place(uint64_t address, uint64_t lookup)
{
    struct symbol symbol;

    if (symbols_find(symbols_start, (size_t)(symbols_end - symbols_start), lookup - KERNEL_BASE,
                     &symbol))
        console_print("    %016lx  %s+0x%lx\n", address, symbol.name,
                      symbol.inside + (address - lookup));
    else
        console_print("    %016lx\n", address);
}

static bool in_text(struct address_range text, uint64_t address)
{
    return address >= text.start && address < text.end;
}

static void print_back_trace(const struct trap_frame *frame, bool nested)
{
    struct address_range text = {(uint64_t)text_start, (uint64_t)text_end};
    struct address_range stack = {frame->rsp, frame->rsp + STACK_BYTES_MOST};
    uint64_t returns[BACK_TRACE_MOST];
    uint64_t top;
    size_t count;

    if (nested)
        return;
    console_print("  Back trace:\n");
    if (in_text(text, frame->rip))
        print_place(frame->rip, frame->rip);
    else if (read_stack(frame->rsp, &top) && in_text(text, top))
        print_place(top, top - 1); /* a call to where no code is */
    count = backtrace_walk(frame->rbp, stack, text, read_stack, returns, BACK_TRACE_MOST);
    for (size_t i = 0; i < count; i++)
        print_place(returns[i], returns[i] - 1);
}

/*
 * SDM Vol. 3, "Loading Host RIP, RSP, SSP, and RFLAGS": nothing else of the two is checked at a VM
 * entry than that RIP is canonical. Just after an exit the stack is near HOST_RSP.
 */
static void print_vm_exit(const struct trap_frame *frame, bool nested)
{
    enum { NEAR_HOST_RSP = 256 }; /* a call or two */
    uint64_t rip, rsp, reason = 0;
    const char *name;

    if (nested || !vmx_ok(vmread(VMCS_HOST_RIP, &rip)) || !vmx_ok(vmread(VMCS_HOST_RSP, &rsp)) ||
        (frame->rip != rip && rsp - frame->rsp > NEAR_HOST_RSP))
        return;
    (void)vmread(VMCS_EXIT_REASON, &reason);
    name = exit_reason_name(reason & EXIT_REASON_BASIC);
    console_print("  After a VM exit (%s), which loads RIP and RSP from the VMCS\n"
                  "  HOST_RIP 0x%lx, HOST_RSP 0x%lx\n",
                  name != NULL ? name : "an undefined reason", rip, rsp);
}

SET_MEMBER(trap_names, 0, trap_name_printer, print_name);
PANIC_SECTION(15, print_vm_exit);
PANIC_SECTION(20, print_machine_check);
PANIC_SECTION(30, print_registers);
PANIC_SECTION(40, print_back_trace);
