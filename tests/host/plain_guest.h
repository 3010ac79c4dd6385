/* A guest of long mode with nothing but a name and four bytes of code: HLT, NOP, CPUID. */
#pragma once

#include "vm/guests/guest.h"

static const uint8_t code[] = {0xf4, 0x90, 0x0f, 0xa2};

static const struct guest_code plain_code = {.start = code, .bytes = sizeof(code)};

static const struct guest plain = {.name = "plain", .code = &plain_code, .mode = GUEST_LONG};
