#include "kernel/screen/console_choice.h"
#include "kernel/console/console.h"

/*
 * Microsoft, "Serial Port Console Redirection Table (SPCR)": offsets. Revision 1 ends where the
 * baud rate and the terminal's nature are reported; 3 and 4 append what is not needed here.
 */
enum {
    SPCR_REVISION = 8,
    SPCR_INTERFACE = 36,
    SPCR_SPACE = 40, /* of the register block, a Generic Address Structure */
    SPCR_ADDRESS = 44,
    SPCR_BAUD = 58,
    SPCR_PRECISE_BAUD = 80, /* 0: see SPCR_BAUD */
    PRECISE_BAUD_REVISION = 4,
};

/* "Interface Type", from revision 2 on the subtypes of the DBG2 table: those that are 16550s. */
enum { INTERFACE_16550 = 0, INTERFACE_16450 = 1, INTERFACE_16550_GAS = 0x12 };

/* A rate that the usual clock cannot give is the firmware's to have set. */
static uint32_t baud_of(const struct acpi_bytes *spcr)
{
    static const uint32_t rates[] = {[3] = 9600, [4] = 19200, [6] = 57600, [7] = 115200};
    uint64_t code = acpi_number(spcr, SPCR_BAUD, 1);
    uint64_t precise = acpi_number(spcr, SPCR_PRECISE_BAUD, 4);

    if (acpi_number(spcr, SPCR_REVISION, 1) >= PRECISE_BAUD_REVISION && precise != 0)
        return SERIAL_BAUD_DEFAULT % precise == 0 ? (uint32_t)precise : SERIAL_BAUD_KEPT;
    return code < sizeof(rates) / sizeof(rates[0]) ? rates[code] : SERIAL_BAUD_KEPT;
}

void acpi_read_console(struct acpi *acpi, struct console_choice *console)
{
    struct acpi_bytes spcr;
    uint64_t interface, address;

    *console = (struct console_choice){0};
    if (acpi_find(acpi, "SPCR", &spcr) != NULL || spcr.length <= SPCR_BAUD)
        return;
    interface = acpi_number(&spcr, SPCR_INTERFACE, 1);
    address = acpi_number(&spcr, SPCR_ADDRESS, 8);
    if (interface != INTERFACE_16550 && interface != INTERFACE_16450 &&
        interface != INTERFACE_16550_GAS)
        return;
    if (acpi_number(&spcr, SPCR_SPACE, 1) != ACPI_SPACE_IO || address > SERIAL_PORT_LAST)
        return;
    *console = (struct console_choice){.port = (uint16_t)address, .baud = baud_of(&spcr)};
}
