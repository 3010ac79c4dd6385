/*
 * A kernel that tells whether it was entered as the Multiboot Specification says, and whether it
 * has the machine to itself: interrupts of the timer by the 8259A, other CPUs by INIT and SIPI. It
 * is told "cpus=N", with "module" one module, by its command line; with "unannounced" it does not
 * say in the CMOS that it starts CPUs. In the end it resets the machine.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void guest_main(unsigned long magic, unsigned long information, unsigned long flags);

extern char interrupt[], trampoline[], trampoline_end[], _start[], bss_end[];
volatile uint32_t ticks;

struct information {
    uint32_t flags, mem_lower, mem_upper, boot_device, command_line, mods_count, mods;
    uint32_t syms[4], map_length, map, drives_length, drives, config, loader_name;
};
struct module {
    uint32_t start, end, string, reserved;
};
struct __attribute__((packed)) range {
    uint32_t size;
    uint64_t base, bytes;
    uint32_t type;
};

enum { COM1 = 0x3f8, STARTED = 0x7ff0, TRAMPOLINE = 0x8000, VECTOR = 0x40 };

static bool failed;

static void out(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void say(const char *text)
{
    for (; *text != '\0'; text++) {
        while ((in(COM1 + 5) & 0x20) == 0)
            continue;
        out(COM1, (uint8_t)*text);
    }
}

static void say_number(uint64_t value)
{
    char text[19] = "0x";
    int at = 2;

    for (int shift = 60; shift >= 0; shift -= 4) {
        if (value >> shift != 0 || shift == 0)
            text[at++] = "0123456789abcdef"[value >> shift & 15];
    }
    text[at] = '\0';
    say(text);
}

static void check(bool holds, const char *what, uint64_t seen)
{
    if (holds)
        return;
    failed = true;
    say("guest: WRONG ");
    say(what);
    say(" ");
    say_number(seen);
    say("\r\n");
}

static bool same(const char *a, const char *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (a[i] != b[i])
            return false;
    }
    return true;
}

static const char *find(const char *text, const char *word)
{
    size_t length = 0;

    while (word[length] != '\0')
        length++;
    for (; *text != '\0'; text++) {
        if (same(text, word, length))
            return text + length;
    }
    return NULL;
}

static void *at(uint32_t address)
{
    return (void *)(uintptr_t)address;
}

/* "Machine state". */
static void check_state(unsigned long magic, unsigned long eflags)
{
    unsigned long cr0;
    uint32_t limit = 0;
    uint16_t cs;

    check(magic == 0x2badb002, "EAX", magic);
    check((eflags & (1 << 9 | 1 << 17)) == 0, "EFLAGS", eflags);
    __asm__("mov %%cr0, %0" : "=r"(cr0));
    check((cr0 & 1) != 0 && (cr0 >> 31 != 0) == (MODE == 64), "CR0", cr0);
    __asm__("mov %%cs, %0" : "=r"(cs));
    __asm__("lsl %1, %0" : "=r"(limit) : "r"((uint32_t)cs));
    check(limit == UINT32_MAX, "CS limit", limit);
    *(volatile uint32_t *)at(0x7000) = 0x12345678; /* with A20 off this would be 0x107000 */
    *(volatile uint32_t *)at(0x107000) = 0;
    check(*(volatile uint32_t *)at(0x7000) == 0x12345678, "A20", 0);
}

/* RAM that is free, and that is not ours; what the loader keeps is in neither. */
static void check_map(const struct information *info)
{
    uint64_t end = (uint64_t)info->map + info->map_length, free = 0, last = 0;
    bool image_is_free = false;

    check(info->mem_lower >= 512 && info->mem_lower <= 640, "mem_lower", info->mem_lower);
    check(info->mem_upper >= 1024, "mem_upper", info->mem_upper);
    for (uint64_t place = info->map; place < end;) {
        const struct range *range = at((uint32_t)place);
        uint64_t image = (uintptr_t)_start;

        check(range->size == 20 && range->base >= last, "map", range->base);
        last = range->base + range->bytes;
        free += range->type == 1 ? range->bytes : 0;
        image_is_free |= range->type == 1 && range->base <= image && image < last;
        place += range->size + 4;
    }
    check(image_is_free, "place of the image", (uintptr_t)_start);
    say("guest: free RAM ");
    say_number(free);
    say("\r\n");
}

static void check_module(const struct information *info)
{
    const struct module *module = at(info->mods);

    check(info->mods_count == 1, "modules", info->mods_count);
    check(module->start % 4096 == 0 && module->start >= 0x100000 &&
              (module->end <= (uintptr_t)_start || module->start >= (uintptr_t)bss_end),
          "place of the module", module->start);
    check(module->end - module->start == 15 && same(at(module->start), "a module's text", 15),
          "module's bytes", module->end - module->start);
}

/* The first 8259A on vectors from VECTOR on, channel 0 of the 8254 at 1 kHz; LINT0 as it was. */
static void check_timer(void)
{
    static struct __attribute__((packed)) {
        uint16_t low, selector;
        uint8_t zero, type;
        uint16_t middle;
#if MODE == 64
        uint32_t high, reserved;
#endif
    } gates[VECTOR + 1];
    const struct __attribute__((packed)) {
        uint16_t limit;
        uintptr_t base;
    } idtr = {sizeof(gates) - 1, (uintptr_t)gates};
    uintptr_t handler = (uintptr_t)interrupt;
    uint16_t cs;

    __asm__("mov %%cs, %0" : "=r"(cs));
    gates[VECTOR].low = (uint16_t)handler;
    gates[VECTOR].middle = (uint16_t)(handler >> 16);
    gates[VECTOR].selector = cs;
    gates[VECTOR].type = 0x8e;
    __asm__ volatile("lidt %0" : : "m"(idtr), "m"(gates));
    out(0x20, 0x11);
    out(0x21, VECTOR);
    out(0x21, 4);
    out(0x21, 1);
    out(0x21, 0xfe);
    out(0xa1, 0xff);
    out(0x43, 0x34);
    out(0x40, 1193 & 0xff);
    out(0x40, 1193 >> 8);
    while (ticks < 3)
        __asm__ volatile("sti; hlt; cli");
    out(0x21, 0xff);
}

/* MultiProcessor Specification, "Application Processor Startup". */
static void start_others(unsigned count, bool announces)
{
    volatile uint32_t *apic = at(0xfee00000);
    volatile uint16_t *started = at(STARTED);
    const uint32_t commands[] = {0xc4500, 0xc4600 | TRAMPOLINE >> 12, 0xc4600 | TRAMPOLINE >> 12};

    for (size_t i = 0; i < (size_t)(trampoline_end - trampoline); i++)
        ((volatile char *)at(TRAMPOLINE))[i] = trampoline[i];
    *started = 0;
    if (announces) {
        out(0x70, 0xf);
        out(0x71, 0xa);
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        apic[0x300 / 4] = commands[i];
        while ((apic[0x300 / 4] & 1 << 12) != 0)
            continue;
        for (uint32_t until = ticks + (i == 0 ? 10 : 1); ticks < until;) {
            out(0x21, 0xfe);
            __asm__ volatile("sti; hlt; cli");
        }
    }
    for (uint32_t until = ticks + 100; *started < count && ticks < until;)
        __asm__ volatile("sti; hlt; cli");
    out(0x21, 0xff);
    check(*started == count, "other CPUs that started", *started);
}

static void tell(uint8_t status)
{
    unsigned eax, ebx, ecx, edx;

    __asm__("cpuid" : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(0x40000000));
    if (ebx == 0x746f6f52) /* "Root": its MSR takes the status */
        __asm__ volatile("wrmsr" : : "a"((uint32_t)status), "d"(0), "c"(0x40524d00));
    say(status == 0 ? "guest: all as it should be\r\n" : "guest: not as it should be\r\n");
    while ((in(COM1 + 5) & 0x40) == 0)
        continue;
    out(0x64, 0xfe);
}

void guest_main(unsigned long magic, unsigned long information, unsigned long eflags)
{
    const struct information *info = at((uint32_t)information);
    const char *words = at(info->command_line), *cpus;

    out(COM1 + 3, 3); /* 8 bits; a boot loader may leave any */
    check_state(magic, eflags);
    check((info->flags & 0x24d) == 0x24d, "flags", info->flags);
    say("guest: command line \"");
    say(words);
    say("\", loader \"");
    say(at(info->loader_name));
    say("\"\r\n");
    check_map(info);
    if (find(words, "module") != NULL)
        check_module(info);
    check_timer();
    cpus = find(words, "cpus=");
    if (cpus != NULL && *cpus > '1')
        start_others((unsigned)(*cpus - '1'), find(words, "unannounced") == NULL);
    tell(failed);
}
