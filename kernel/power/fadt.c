#include "kernel/power/power.h"

#include "kernel/command_line.h"
#include "lib/string.h"

/* ACPI Specification, "Fixed ACPI Description Table (FADT)": offsets. */
enum {
    FADT_DSDT = 40,
    FADT_SMI_COMMAND = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_PM_TIMER = 76,
    FADT_FLAGS = 112,
    FADT_RESET_REGISTER = 116,
    FADT_RESET_VALUE = 128,
    FADT_X_DSDT = 140,
    FADT_X_PM1A_CONTROL = 172,
    FADT_X_PM1B_CONTROL = 184,
    FADT_X_PM_TIMER = 208,
    FADT_SIZE_1 = 116, /* of ACPI 1.0: everything before the reset register */
};

/* "Fixed ACPI Description Table Fixed Feature Flags". */
#define FLAG_RESET_REGISTER   (1u << 10)
#define FLAG_HARDWARE_REDUCED (1u << 20)

/* "Generic Address Structure (GAS)": offsets in it. */
enum { GAS_SPACE = 0, GAS_ADDRESS = 4 };

/* "AML Byte Stream Byte Values". */
enum {
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_NAME = 0x08,
    AML_BYTE = 0x0a,
    AML_WORD = 0x0b,
    AML_DWORD = 0x0c,
    AML_QWORD = 0x0e,
    AML_PACKAGE = 0x12,
    AML_ROOT = 0x5c, /* '\' before a name */
};

enum { HEADER_CHECKSUM = 9 }; /* "System Description Table Header" */

enum { SLEEP_TYPE_MAX = 7 }; /* SLP_TYPx has three bits */

/* Ports have 16 bits; 0: none. */
static uint16_t port_of(uint64_t number)
{
    return number <= UINT16_MAX ? (uint16_t)number : 0;
}

/* The port of a register: its X_ form where that is there and in I/O space, else the old form. */
static uint16_t read_port(const struct acpi_bytes *fadt, uint32_t x_form, uint32_t old_form)
{
    uint64_t port = acpi_number(fadt, old_form, 4);

    if (acpi_number(fadt, x_form + GAS_ADDRESS, 8) != 0 &&
        acpi_number(fadt, x_form + GAS_SPACE, 1) == ACPI_SPACE_IO)
        port = acpi_number(fadt, x_form + GAS_ADDRESS, 8);
    return port_of(port);
}

static void read_reset(const struct acpi_bytes *fadt, struct acpi_fadt *out)
{
    uint64_t space = acpi_number(fadt, FADT_RESET_REGISTER + GAS_SPACE, 1);

    out->reset_address = acpi_number(fadt, FADT_RESET_REGISTER + GAS_ADDRESS, 8);
    out->reset_value = (uint8_t)acpi_number(fadt, FADT_RESET_VALUE, 1);
    if (space > ACPI_SPACE_PCI || out->reset_address == 0)
        return;
    if (space == ACPI_SPACE_IO && out->reset_address > UINT16_MAX)
        return;
    out->reset_space = (enum acpi_space)space;
    out->has_reset = true;
}

const char *acpi_read_fadt(struct acpi *acpi, struct acpi_fadt *fadt)
{
    struct acpi_bytes bytes;
    const char *wrong = acpi_find(acpi, "FACP", &bytes);
    uint32_t flags;

    memset(fadt, 0, sizeof(*fadt));
    if (wrong != NULL)
        return wrong;
    if (bytes.length < FADT_SIZE_1)
        return "an ACPI table is smaller than its fields or larger than 1 MiB";
    flags = (uint32_t)acpi_number(&bytes, FADT_FLAGS, 4);
    fadt->dsdt = acpi_number(&bytes, FADT_X_DSDT, 8);
    if (fadt->dsdt == 0)
        fadt->dsdt = acpi_number(&bytes, FADT_DSDT, 4);
    if ((flags & FLAG_RESET_REGISTER) && bytes.length > FADT_RESET_VALUE)
        read_reset(&bytes, fadt);
    if (flags & FLAG_HARDWARE_REDUCED) /* none of the fixed hardware below exists */
        return NULL;
    fadt->pm_timer_port = read_port(&bytes, FADT_X_PM_TIMER, FADT_PM_TIMER);
    fadt->pm1a_control_port = read_port(&bytes, FADT_X_PM1A_CONTROL, FADT_PM1A_CONTROL);
    fadt->pm1b_control_port = read_port(&bytes, FADT_X_PM1B_CONTROL, FADT_PM1B_CONTROL);
    fadt->smi_command_port = port_of(acpi_number(&bytes, FADT_SMI_COMMAND, 4));
    fadt->acpi_enable = (uint8_t)acpi_number(&bytes, FADT_ACPI_ENABLE, 1);
    return NULL;
}

/* An integer constant at *offset, which moves after it. False for any other term. */
static bool aml_constant(const struct acpi_bytes *aml, uint32_t *offset, uint64_t *value)
{
    static const uint8_t widths[] = {
        [AML_BYTE] = 1, [AML_WORD] = 2, [AML_DWORD] = 4, [AML_QWORD] = 8};
    uint32_t width;

    if (*offset >= aml->length)
        return false;
    *value = aml->data[*offset];
    if (*value == AML_ZERO || *value == AML_ONE) {
        *offset += 1;
        return true;
    }
    width = *value < sizeof(widths) ? widths[*value] : 0;
    if (width == 0 || width >= aml->length - *offset)
        return false;
    *value = acpi_number(aml, *offset + 1, width);
    *offset += 1 + width;
    return true;
}

/*
 * The two sleep types from the term at `offset`, if it is a package that begins with two numbers.
 * "Package Length Encoding": bits 7:6 of its first byte say how many more bytes it has.
 */
static bool parse_s5(const struct acpi_bytes *aml, uint32_t offset, struct acpi_sleep_type *type)
{
    struct acpi_bytes package = *aml;
    uint64_t a, b, length;
    uint32_t more;

    if (acpi_number(aml, offset, 1) != AML_PACKAGE || aml->length - offset < 3)
        return false;
    offset++;
    more = aml->data[offset] >> 6;
    length = more == 0 ? aml->data[offset] & 0x3f
                       : acpi_number(aml, offset + 1, more) << 4 | (aml->data[offset] & 0xf);
    if (length > aml->length - offset)
        return false;
    package.length = offset + (uint32_t)length;
    offset += 1 + more + 1; /* the number of elements: two must be there whatever it says */
    if (!aml_constant(&package, &offset, &a) || !aml_constant(&package, &offset, &b))
        return false;
    if (a > SLEEP_TYPE_MAX || b > SLEEP_TYPE_MAX)
        return false;
    *type = (struct acpi_sleep_type){(uint8_t)a, (uint8_t)b};
    return true;
}

/* Where the next such name is defined, from an offset on; 0: nowhere. */
static uint32_t find_name(const struct acpi_bytes *aml, const char *text, uint32_t from)
{
    for (uint32_t i = from; i + ACPI_SIGNATURE_SIZE < aml->length; i++) {
        uint32_t name = i + 1;

        if (aml->data[i] != AML_NAME)
            continue;
        if (aml->data[name] == AML_ROOT)
            name++;
        if (aml->length - name >= ACPI_SIGNATURE_SIZE &&
            memcmp(aml->data + name, text, ACPI_SIGNATURE_SIZE) == 0)
            return name;
    }
    return 0;
}

bool acpi_find_s5(struct acpi *acpi, const struct acpi_fadt *fadt, struct acpi_sleep_type *type)
{
    struct acpi_bytes aml;
    uint32_t name;

    if (fadt->dsdt == 0 || acpi_map_table(acpi, fadt->dsdt, "DSDT", &aml) != NULL)
        return false;
    name = find_name(&aml, "_S5_", ACPI_HEADER_SIZE);
    while (name != 0 && !parse_s5(&aml, name + ACPI_SIGNATURE_SIZE, type))
        name = find_name(&aml, "_S5_", name);
    return name != 0;
}

bool acpi_next_aml(struct acpi *acpi, const struct acpi_fadt *fadt, uint32_t *next,
                   struct acpi_place *place)
{
    while (*next == 0 || *next + acpi->entry_size <= acpi->end) {
        bool first = *next == 0;
        uint64_t physical = first ? fadt->dsdt : acpi_root_entry(acpi, *next);
        struct acpi_bytes aml;

        *next += first ? ACPI_HEADER_SIZE : acpi->entry_size;
        if (physical != 0 &&
            acpi_map_table(acpi, physical, first ? "DSDT" : "SSDT", &aml) == NULL) {
            *place = (struct acpi_place){physical, aml.length};
            return true;
        }
    }
    return false;
}

void acpi_hide_sleep_states(uint8_t *table, uint32_t length)
{
    static const char *const states[] = {"_S1_", "_S2_", "_S3_", "_S4_"};
    const struct acpi_bytes aml = {table, length};

    for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        uint32_t name = find_name(&aml, states[i], ACPI_HEADER_SIZE);

        for (; name != 0; name = find_name(&aml, states[i], name)) {
            table[name] = 'X';
            table[HEADER_CHECKSUM] = (uint8_t)(table[HEADER_CHECKSUM] + '_' - 'X');
        }
    }
}

unsigned exit_wanted;

COMMAND_WORD(140, .name = "exit", .values = "halt|poweroff|reboot", .option = &exit_wanted,
             .option_bytes = sizeof(exit_wanted));
