#include "vm/multiboot/multiboot_image.h"

#include "lib/string.h"

/* "Multiboot header". */
#define MAGIC 0x1badb002u
enum {
    HEADER_WITHIN = 8192,
    HEADER_LEAST = 12, /* magic, flags, checksum */
    HEADER_ADDRESSES = 32,
    FLAGS = 4,
    CHECKSUM = 8,
    HEADER_ADDRESS = 12,
    LOAD_ADDRESS = 16,
    LOAD_END = 20,
    BSS_END = 24,
    ENTRY_ADDRESS = 28,
};
enum { FLAGS_REQUIRED_UNKNOWN = 0xfff8, FLAG_ADDRESSES = 1 << 16 };

/* ELF: "ELF Header" and "Program Header", of both classes. */
#define ELF_MAGIC 0x464c457fu
enum { ELF_CLASS = 4, ELF_CLASS_32 = 1, ELF_CLASS_64 = 2, ELF_TYPE = 16 };
enum { ELF_TYPE_EXECUTABLE = 2, ELF_MACHINE_386 = 3, ELF_MACHINE_X86_64 = 62 };
enum { ELF_LITTLE_ENDIAN = 1, ELF_VERSION = 1, PROGRAM_LOAD = 1 };
#define ELF_IDENTITY(class) ((class) | ELF_LITTLE_ENDIAN << 8 | ELF_VERSION << 16)

/* Where fields are, by class. */
static const struct elf_form {
    uint8_t width; /* of addresses, offsets and sizes */
    uint8_t entry, table, entry_size, count, header_bytes;
    uint8_t offset, virtual, physical, in_file, in_memory, program_bytes;
} elf_forms[] = {
    {4, 24, 28, 42, 44, 52, 4, 8, 12, 16, 20, 32},
    {8, 24, 32, 54, 56, 64, 8, 16, 24, 32, 40, 56},
};

static uint64_t get(const uint8_t *bytes, uint64_t offset, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, bytes + offset, width);
    return value;
}

static enum multiboot_result refuse(struct multiboot_image *image, enum multiboot_result result,
                                    uint64_t seen, uint64_t wanted)
{
    image->seen = seen;
    image->wanted = wanted;
    return result;
}

/* Its offset; `size`: there is none. */
static uint64_t find_header(const uint8_t *bytes, uint64_t size)
{
    for (uint64_t at = 0; at + HEADER_LEAST <= size && at + HEADER_LEAST <= HEADER_WITHIN;
         at += 4) {
        uint32_t sum = (uint32_t)(MAGIC + get(bytes, at + FLAGS, 4) + get(bytes, at + CHECKSUM, 4));

        if (get(bytes, at, 4) == MAGIC && sum == 0)
            return at;
    }
    return size;
}

bool multiboot_has_header(const void *bytes, uint64_t size)
{
    return find_header(bytes, size) < size;
}

static uint64_t header_field(const struct multiboot_image *image, uint32_t field)
{
    return get(image->bytes, image->header + field, 4);
}

static const struct elf_form *elf_form(const struct multiboot_image *image)
{
    return &elf_forms[image->form == FORM_ELF64];
}

/* The program header by its number, which is in the file. */
static const uint8_t *program_header(const struct multiboot_image *image, uint32_t number)
{
    const struct elf_form *form = elf_form(image);

    return image->bytes + get(image->bytes, form->table, form->width) +
           (uint64_t)number * form->program_bytes;
}

/* One that is loaded has the type PT_LOAD, and bytes in memory. */
static bool is_loaded(const struct multiboot_image *image, const uint8_t *program)
{
    const struct elf_form *form = elf_form(image);

    return get(program, 0, 4) == PROGRAM_LOAD && get(program, form->in_memory, form->width) != 0;
}

static bool next_program(const struct multiboot_image *image, uint32_t *next,
                         const uint8_t **program)
{
    uint32_t count = (uint32_t)get(image->bytes, elf_form(image)->count, 2);

    while (*next < count) {
        *program = program_header(image, (*next)++);
        if (is_loaded(image, *program))
            return true;
    }
    return false;
}

/* "load_end_addr": 0 means that all of the file is loaded; "bss_end_addr": that there is no more.
 */
static struct multiboot_segment addresses_segment(const struct multiboot_image *image)
{
    uint64_t load = header_field(image, LOAD_ADDRESS);
    uint64_t offset = image->header - (header_field(image, HEADER_ADDRESS) - load);
    uint64_t load_end = header_field(image, LOAD_END), bss_end = header_field(image, BSS_END);
    struct multiboot_segment segment = {.bytes = image->bytes + offset};

    segment.in_file = load_end != 0 ? load_end - load : image->size - offset;
    segment.range.base = load;
    segment.range.end = bss_end != 0 ? bss_end : load + segment.in_file;
    return segment;
}

bool multiboot_next_segment(const struct multiboot_image *image, uint32_t *next,
                            struct multiboot_segment *segment)
{
    const struct elf_form *form = elf_form(image);
    const uint8_t *program;
    uint64_t base;

    if (image->form == FORM_FLAT || image->form == FORM_ADDRESSES) {
        *segment = image->form == FORM_ADDRESSES
                       ? addresses_segment(image)
                       : (struct multiboot_segment){
                             image->bytes, image->size, {image->entry, image->entry + image->size}};
        return (*next)++ == 0;
    }
    if (!next_program(image, next, &program))
        return false;
    base = get(program, form->physical, form->width);
    *segment = (struct multiboot_segment){
        .bytes = image->bytes + get(program, form->offset, form->width),
        .in_file = get(program, form->in_file, form->width),
        .range = {base, base + get(program, form->in_memory, form->width)},
    };
    return true;
}

/* Does the file have all of it, and do 32 bits reach it? */
static enum multiboot_result check_program(struct multiboot_image *image, const uint8_t *program)
{
    const struct elf_form *form = elf_form(image);
    uint64_t offset = get(program, form->offset, form->width);
    uint64_t base = get(program, form->physical, form->width);
    uint64_t in_file = get(program, form->in_file, form->width);
    uint64_t in_memory = get(program, form->in_memory, form->width);

    if (offset > image->size || in_file > image->size - offset)
        return refuse(image, MULTIBOOT_CUT, image->size, offset + in_file);
    if (in_memory > PLACES_END || base > PLACES_END - in_memory)
        return refuse(image, MULTIBOOT_TOO_LARGE, base + in_memory, PLACES_END);
    if (in_file > in_memory)
        return refuse(image, MULTIBOOT_TOO_LARGE, in_file, in_memory);
    return MULTIBOOT_OK;
}

/*
 * As GRUB does it: an entry point that is a virtual address in a segment is taken for the physical
 * one that it has there.
 */
static void find_elf_entry(struct multiboot_image *image)
{
    const struct elf_form *form = elf_form(image);
    uint64_t entry = get(image->bytes, form->entry, form->width);
    const uint8_t *program;
    uint32_t next = 0;

    image->entry = entry;
    while (next_program(image, &next, &program)) {
        uint64_t from_base = entry - get(program, form->virtual, form->width);

        if (from_base < get(program, form->in_memory, form->width)) {
            image->entry = get(program, form->physical, form->width) + from_base;
            return;
        }
    }
}

static enum multiboot_result check_elf_header(struct multiboot_image *image)
{
    const struct elf_form *form = elf_form(image);
    uint32_t machine = image->form == FORM_ELF64 ? ELF_MACHINE_X86_64 : ELF_MACHINE_386;
    uint32_t wanted = machine << 16 | ELF_TYPE_EXECUTABLE; /* type and machine */
    uint64_t table, bytes;

    if (image->size < form->header_bytes)
        return refuse(image, MULTIBOOT_CUT, image->size, form->header_bytes);
    if (get(image->bytes, ELF_TYPE, 4) != wanted)
        return refuse(image, MULTIBOOT_ELF_KIND, get(image->bytes, ELF_TYPE, 4), wanted);
    if (get(image->bytes, form->entry_size, 2) != form->program_bytes)
        return refuse(image, MULTIBOOT_ELF_SEGMENTS, get(image->bytes, form->entry_size, 2),
                      form->program_bytes);
    table = get(image->bytes, form->table, form->width);
    bytes = get(image->bytes, form->count, 2) * form->program_bytes;
    if (table > image->size || bytes > image->size - table)
        return refuse(image, MULTIBOOT_CUT, image->size, table + bytes);
    return MULTIBOOT_OK;
}

static enum multiboot_result check_elf(struct multiboot_image *image)
{
    enum multiboot_result result;
    const uint8_t *program;
    uint32_t next = 0;

    if (get(image->bytes, 0, 4) != ELF_MAGIC)
        return refuse(image, MULTIBOOT_NO_ELF, get(image->bytes, 0, 4), ELF_MAGIC);
    image->form = image->bytes[ELF_CLASS] == ELF_CLASS_64 ? FORM_ELF64 : FORM_ELF32;
    if (get(image->bytes, ELF_CLASS, 3) != ELF_IDENTITY(ELF_CLASS_32) &&
        get(image->bytes, ELF_CLASS, 3) != ELF_IDENTITY(ELF_CLASS_64))
        return refuse(image, MULTIBOOT_ELF_KIND, get(image->bytes, ELF_CLASS, 3),
                      ELF_IDENTITY(ELF_CLASS_32));
    result = check_elf_header(image);
    if (result == MULTIBOOT_OK && !next_program(image, &next, &program))
        return refuse(image, MULTIBOOT_ELF_SEGMENTS, 0, 1);
    for (next = 0; result == MULTIBOOT_OK && next_program(image, &next, &program);)
        result = check_program(image, program);
    if (result == MULTIBOOT_OK)
        find_elf_entry(image);
    return result;
}

/* "The address fields of Multiboot header". */
static enum multiboot_result check_addresses(struct multiboot_image *image)
{
    uint64_t header = header_field(image, HEADER_ADDRESS);
    uint64_t load = header_field(image, LOAD_ADDRESS), load_end = header_field(image, LOAD_END);
    uint64_t bss_end = header_field(image, BSS_END), offset, in_file;

    if (header < load || header - load > image->header)
        return refuse(image, MULTIBOOT_CONTRADICTION, load, header);
    offset = image->header - (header - load);
    if (load_end != 0 && load_end < load)
        return refuse(image, MULTIBOOT_CONTRADICTION, load_end, load);
    in_file = load_end != 0 ? load_end - load : image->size - offset;
    if (in_file > image->size - offset)
        return refuse(image, MULTIBOOT_CUT, image->size, offset + in_file);
    if (bss_end != 0 && bss_end < load + in_file)
        return refuse(image, MULTIBOOT_CONTRADICTION, bss_end, load + in_file);
    if (load + in_file > PLACES_END)
        return refuse(image, MULTIBOOT_TOO_LARGE, load + in_file, PLACES_END);
    image->form = FORM_ADDRESSES;
    image->entry = header_field(image, ENTRY_ADDRESS);
    return MULTIBOOT_OK;
}

static enum multiboot_result check_entry(struct multiboot_image *image)
{
    struct multiboot_segment segment = {0};
    uint32_t next = 0;

    while (multiboot_next_segment(image, &next, &segment)) {
        if (image->entry >= segment.range.base && image->entry < segment.range.end)
            return MULTIBOOT_OK;
    }
    return refuse(image, MULTIBOOT_NO_ENTRY, image->entry, segment.range.base);
}

enum multiboot_result multiboot_image_check(const void *bytes, uint64_t size,
                                            struct multiboot_image *image)
{
    enum multiboot_result result;
    uint64_t flags;

    *image = (struct multiboot_image){.bytes = bytes, .size = size, .mode = ENTRY_32};
    image->header = (uint32_t)find_header(bytes, size);
    flags = header_field(image, FLAGS);
    if ((flags & FLAGS_REQUIRED_UNKNOWN) != 0)
        return refuse(image, MULTIBOOT_FLAGS, flags, flags & ~(uint64_t)FLAGS_REQUIRED_UNKNOWN);
    if ((flags & FLAG_ADDRESSES) == 0)
        result = check_elf(image);
    else if (size - image->header < HEADER_ADDRESSES)
        result = refuse(image, MULTIBOOT_CUT, size, image->header + HEADER_ADDRESSES);
    else
        result = check_addresses(image);
    return result == MULTIBOOT_OK ? check_entry(image) : result;
}

enum multiboot_result multiboot_image_flat(const void *bytes, uint64_t size, enum entry_mode mode,
                                           struct multiboot_image *image)
{
    *image = (struct multiboot_image){
        .bytes = bytes,
        .size = size,
        .form = FORM_FLAT,
        .mode = mode,
        .entry = mode == ENTRY_REAL ? FLAT_REAL : FLAT_PROTECTED,
    };
    return size > 0 ? MULTIBOOT_OK : refuse(image, MULTIBOOT_CUT, 0, 1);
}
