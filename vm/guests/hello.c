#include "vm/guests/test_guests.h"

extern const uint8_t hello_cpuid[];

GUEST(0010, hello, GUEST_LONG, "hello", "Asks CPUID who is there, twice, and ends by its own call.",
      EXITS({EXIT_REASON_CPUID, hello_cpuid, EMULATED}, {EXIT_REASON_CPUID, EMULATED}),
      MEMORY({GUEST_DATA, 12, HYPERVISOR_SIGNATURE,
              "CPUID leaf 0x40000000 did not give this hypervisor's signature"},
             {GUEST_DATA + 12, 1, "", "a general register came back changed from a VM exit"}));
