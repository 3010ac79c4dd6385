#include "lib/string.h"
#include "vm/guest.h"
#include "vmx/exit_reason.h"

extern const uint8_t hello_start[], hello_cpuid[], hello_end[];

static const char *check_hello(const struct vcpu *vcpu)
{
    return memcmp(vcpu_memory(vcpu, GUEST_DATA, 12), "RootmodeVMX ", 12) == 0
               ? NULL
               : "CPUID leaf 0x40000000 did not give this hypervisor's signature";
}

static const struct guest guest_hello = {
    .name = "hello",
    .purpose = "Asks CPUID who is there, twice, and ends by its own call.",
    .code = hello_start,
    .code_end = hello_end,
    .mode = GUEST_LONG,
    .expected =
        (const struct exit_expected[]){
            {.reason = EXIT_REASON_CPUID, .at = hello_cpuid, .done = EXIT_EMULATED},
            {.reason = EXIT_REASON_CPUID, .done = EXIT_EMULATED},
        },
    .expected_count = 2,
    .check = check_hello,
};
BUILT_IN_GUEST(0010, guest_hello);
