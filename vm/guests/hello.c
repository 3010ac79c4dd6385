#include "lib/string.h"
#include "vm/guests/guest.h"

extern const uint8_t hello_cpuid[];

static const char *check_hello(const struct vcpu *vcpu)
{
    return memcmp(vcpu_memory(vcpu, GUEST_DATA, 12), HYPERVISOR_SIGNATURE, 12) == 0
               ? NULL
               : "CPUID leaf 0x40000000 did not give this hypervisor's signature";
}

BUILT_IN_GUEST(0010, hello, GUEST_LONG, "hello",
               "Asks CPUID who is there, twice, and ends by its own call.",
               EXPECTED_EXITS({EXIT_REASON_CPUID, hello_cpuid, .done = EXIT_EMULATED},
                              {EXIT_REASON_CPUID, .done = EXIT_EMULATED}),
               .check = check_hello);
