#include "vm/linux/linux_image.h"

#include "lib/string.h"

/* Offsets in the image. */
enum {
    SETUP_SECTORS = 0x1f1,
    SYSSIZE = 0x1f4, /* of the kernel, in paragraphs */
    BOOT_FLAG = 0x1fe,
    JUMP_DISTANCE = 0x201, /* the header ends so many bytes behind MAGIC */
    MAGIC = 0x202,
    VERSION = 0x206,
    KERNEL_VERSION = 0x20e, /* of the text, less 0x200 */
    LOADFLAGS = 0x211,
    INITRD_LAST = 0x22c,
    ALIGNMENT = 0x230,
    RELOCATABLE = 0x234,
    XLOADFLAGS = 0x236,
    COMMAND_LINE_MOST = 0x238,
    PREFERRED = 0x258,
    INIT_SIZE = 0x260,
    HEADER_LEAST = INIT_SIZE + 4,
};

enum {
    SECTOR = 512,
    PARAGRAPH = 16,
    SETUP_SECTORS_OLD = 4, /* what 0 of them means */
    BOOT_FLAG_VALUE = 0xaa55,
    PROTOCOL_2_12 = 0x20c,
    LOADED_HIGH = 1 << 0,
    XLF_KERNEL_64 = 1 << 0,
    ALIGNMENT_LEAST = 4096,
};
#define HDRS 0x53726448u

static uint64_t get(const uint8_t *bytes, uint32_t offset, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, bytes + offset, width);
    return value;
}

/* gzip, bzip2, xz, LZ4, Zstandard and LZMA, by their first bytes. */
static bool is_compressed(const uint8_t *bytes)
{
    static const struct {
        uint32_t value, mask;
    } magics[] = {{0x8b1f, 0xffff},         {0x685a42, 0xffffff},     {0x587a37fd, 0xffffffff},
                  {0x184d2204, 0xffffffff}, {0x184c2102, 0xffffffff}, {0xfd2fb528, 0xffffffff},
                  {0x00005d, 0xffffff}};
    uint32_t first = (uint32_t)get(bytes, 0, 4);

    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        if ((first & magics[i].mask) == magics[i].value)
            return true;
    }
    return false;
}

static enum linux_image_result refuse(struct linux_image *image, enum linux_image_result result,
                                      uint64_t seen, uint64_t wanted)
{
    image->seen = seen;
    image->wanted = wanted;
    return result;
}

/* Is this a header that has the fields of protocol 2.12? */
static enum linux_image_result check_header(const uint8_t *bytes, size_t size,
                                            struct linux_image *image)
{
    if (size < HEADER_LEAST)
        return refuse(image, LINUX_IMAGE_SHORT, size, HEADER_LEAST);
    if (get(bytes, MAGIC, 4) != HDRS)
        return refuse(image, is_compressed(bytes) ? LINUX_IMAGE_COMPRESSED : LINUX_IMAGE_NO_MAGIC,
                      get(bytes, is_compressed(bytes) ? 0 : MAGIC, 4), HDRS);
    if (get(bytes, BOOT_FLAG, 2) != BOOT_FLAG_VALUE)
        return refuse(image, LINUX_IMAGE_NO_BOOT_FLAG, get(bytes, BOOT_FLAG, 2), BOOT_FLAG_VALUE);
    image->protocol = (uint16_t)get(bytes, VERSION, 2);
    if (image->protocol < PROTOCOL_2_12)
        return refuse(image, LINUX_IMAGE_OLD, image->protocol, PROTOCOL_2_12);
    image->header_end = MAGIC + bytes[JUMP_DISTANCE];
    if (image->header_end < HEADER_LEAST)
        return refuse(image, LINUX_IMAGE_HEADER_CUT, image->header_end, HEADER_LEAST);
    if (image->header_end > size)
        return refuse(image, LINUX_IMAGE_SHORT, size, image->header_end);
    return LINUX_IMAGE_OK;
}

/*
 * Is all there that the header counts, and an entry in it? It counts in paragraphs, rounded up: the
 * last need not be full.
 */
static enum linux_image_result check_parts(const uint8_t *bytes, size_t size,
                                           struct linux_image *image)
{
    uint32_t sectors = bytes[SETUP_SECTORS] != 0 ? bytes[SETUP_SECTORS] : SETUP_SECTORS_OLD;
    uint64_t counted = get(bytes, SYSSIZE, 4) * PARAGRAPH, there;

    image->kernel = (sectors + 1) * SECTOR;
    if (size < image->kernel || image->header_end > image->kernel)
        return refuse(image, LINUX_IMAGE_SETUP_CUT, size, image->kernel);
    there = size - image->kernel;
    if (counted >= there + PARAGRAPH)
        return refuse(image, LINUX_IMAGE_CUT, there, counted - PARAGRAPH + 1);
    if (counted <= LINUX_ENTRY_64)
        return refuse(image, LINUX_IMAGE_NO_ENTRY, counted, LINUX_ENTRY_64 + 1);
    image->kernel_bytes = (uint32_t)(counted < there ? counted : there);
    return LINUX_IMAGE_OK;
}

static enum linux_image_result check_loading(const uint8_t *bytes, struct linux_image *image)
{
    if ((bytes[LOADFLAGS] & LOADED_HIGH) == 0)
        return refuse(image, LINUX_IMAGE_NOT_HIGH, bytes[LOADFLAGS], LOADED_HIGH);
    if ((get(bytes, XLOADFLAGS, 2) & XLF_KERNEL_64) == 0)
        return refuse(image, LINUX_IMAGE_NOT_64, get(bytes, XLOADFLAGS, 2), XLF_KERNEL_64);
    image->alignment = (uint32_t)get(bytes, ALIGNMENT, 4);
    if (image->alignment < ALIGNMENT_LEAST || (image->alignment & (image->alignment - 1)) != 0)
        return refuse(image, LINUX_IMAGE_ALIGNMENT, image->alignment, ALIGNMENT_LEAST);
    image->init_size = (uint32_t)get(bytes, INIT_SIZE, 4);
    if (image->init_size < image->kernel_bytes)
        return refuse(image, LINUX_IMAGE_INIT_SIZE, image->init_size, image->kernel_bytes);
    image->relocatable = bytes[RELOCATABLE] != 0;
    image->preferred = get(bytes, PREFERRED, 8);
    image->initrd_last = (uint32_t)get(bytes, INITRD_LAST, 4);
    image->command_line_most = (uint32_t)get(bytes, COMMAND_LINE_MOST, 4);
    return LINUX_IMAGE_OK;
}

/* "6.1.0-56-cloud-amd64 (debian-kernel@…) #1 …": to the first space, if it is printable. */
static void read_version(const uint8_t *bytes, struct linux_image *image)
{
    uint32_t at = (uint32_t)get(bytes, KERNEL_VERSION, 2) + 0x200;

    for (unsigned i = 0; i < LINUX_VERSION_SIZE - 1 && at < image->kernel; i++, at++) {
        if (bytes[at] <= ' ' || bytes[at] > '~')
            return;
        image->version[i] = (char)bytes[at];
    }
}

enum linux_image_result linux_image_check(const void *bytes, size_t size, struct linux_image *image)
{
    enum linux_image_result result;

    memset(image, 0, sizeof(*image));
    image->bytes = bytes;
    result = check_header(bytes, size, image);
    if (result == LINUX_IMAGE_OK)
        result = check_parts(bytes, size, image);
    if (result == LINUX_IMAGE_OK)
        result = check_loading(bytes, image);
    if (result == LINUX_IMAGE_OK && get(bytes, KERNEL_VERSION, 2) != 0)
        read_version(bytes, image);
    return result;
}
