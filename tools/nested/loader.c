/*
 * Reads Linux and its initramfs from the two disks of the outer machine and enters Linux by its
 * PVH entry point (Xen's "x86/HVM direct boot ABI"): 32-bit protected mode, no paging, EBX points
 * at a start-of-day structure. No decompression, no setup code and no boot loader in between.
 *
 * The first disk holds this loader, Linux and the part of the initramfs that never changes. The
 * second disk holds the part that belongs to one run. On both, sector LAYOUT_SECTOR says where
 * things lie: struct disk_layout, which tools/machine/nested_disks.py writes.
 */
#include <stdint.h>

#define SECTOR_SIZE   512u
#define LAYOUT_SECTOR 16u
#define LAYOUT_MAGIC  0x31444e52u /* "RND1" */

#define ATA_DATA                 0x1f0
#define ATA_SECTOR_COUNT         0x1f2
#define ATA_LBA_LOW              0x1f3
#define ATA_LBA_MIDDLE           0x1f4
#define ATA_LBA_HIGH             0x1f5
#define ATA_DEVICE               0x1f6
#define ATA_COMMAND              0x1f7
#define ATA_STATUS               0x1f7
#define ATA_DEVICE_CONTROL       0x3f6
#define ATA_DEVICE_LBA           0xe0u
#define ATA_DEVICE_SECOND        0x10u
#define ATA_CONTROL_NO_INTERRUPT 0x02u
#define ATA_READ_SECTORS         0x20u
#define ATA_STATUS_ERROR         0x01u
#define ATA_STATUS_DATA          0x08u
#define ATA_STATUS_BUSY          0x80u
#define ATA_SECTORS_PER_READ     256u

struct disk_layout {
    uint32_t magic;
    uint32_t kernel_sector;
    uint32_t kernel_sectors;
    uint32_t kernel_address;
    uint32_t kernel_entry;
    uint32_t initramfs_sector;
    uint32_t initramfs_bytes;
    uint32_t initramfs_address;
    char command_line[SECTOR_SIZE - 32];
};

struct hvm_start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t module_count;
    uint64_t module_list;
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t memory_map;
    uint32_t memory_map_entries;
    uint32_t reserved;
};

struct hvm_module {
    uint64_t address;
    uint64_t size;
    uint64_t command_line;
    uint64_t reserved;
};

#define HVM_START_MAGIC 0x336ec578u

/* Filled by loader.S; the entries of INT 15h function E820h and of the PVH memory map are alike. */
extern const char memory_map[];
extern const uint32_t memory_map_entries;

void load_and_start(void);

static struct disk_layout fixed_disk;
static struct disk_layout run_disk;
static struct hvm_start_info start_info;
static struct hvm_module initramfs;

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* Says what is wrong on port 0xE9 and ends Bochs by its shutdown port. */
static void __attribute__((noreturn)) stop(const char *why)
{
    const char *shutdown = "Shutdown";

    for (; *why != '\0'; why++) {
        out8(0xe9, (uint8_t)*why);
    }
    for (; *shutdown != '\0'; shutdown++) {
        out8(0x8900, (uint8_t)*shutdown);
    }
    for (;;) {
        __asm__ volatile("hlt");
    }
}

static void wait_for_data(void)
{
    uint8_t status;

    do {
        status = in8(ATA_STATUS);
    } while ((status & ATA_STATUS_BUSY) != 0);
    if ((status & ATA_STATUS_ERROR) != 0 || (status & ATA_STATUS_DATA) == 0) {
        stop("nested loader: the disk does not answer\n");
    }
}

/* Reads sectors of disk 0 or 1 to a physical address. ATA command READ SECTOR(S), 28-bit LBA. */
static void read_disk(unsigned disk, uint32_t sector, uint32_t count, uint32_t address)
{
    while (count > 0) {
        uint32_t now = count < ATA_SECTORS_PER_READ ? count : ATA_SECTORS_PER_READ;

        out8(ATA_DEVICE, (uint8_t)(ATA_DEVICE_LBA | (disk != 0 ? ATA_DEVICE_SECOND : 0) |
                                   (sector >> 24 & 0x0f)));
        out8(ATA_SECTOR_COUNT, (uint8_t)now);
        out8(ATA_LBA_LOW, (uint8_t)sector);
        out8(ATA_LBA_MIDDLE, (uint8_t)(sector >> 8));
        out8(ATA_LBA_HIGH, (uint8_t)(sector >> 16));
        out8(ATA_COMMAND, ATA_READ_SECTORS);
        for (uint32_t i = 0; i < now; i++) {
            uint32_t doublewords = SECTOR_SIZE / 4;

            wait_for_data();
            __asm__ volatile("rep insl"
                             : "+D"(address), "+c"(doublewords)
                             : "d"(ATA_DATA)
                             : "memory");
        }
        sector += now;
        count -= now;
    }
}

static void read_layout(unsigned disk, struct disk_layout *layout)
{
    read_disk(disk, LAYOUT_SECTOR, 1, (uint32_t)layout);
    if (layout->magic != LAYOUT_MAGIC) {
        stop("nested loader: a disk has no layout sector\n");
    }
}

static uint32_t sectors(uint32_t bytes)
{
    return (bytes + SECTOR_SIZE - 1) / SECTOR_SIZE;
}

void load_and_start(void)
{
    out8(ATA_DEVICE_CONTROL, ATA_CONTROL_NO_INTERRUPT);
    read_layout(0, &fixed_disk);
    read_layout(1, &run_disk);
    read_disk(0, fixed_disk.kernel_sector, fixed_disk.kernel_sectors, fixed_disk.kernel_address);
    read_disk(0, fixed_disk.initramfs_sector, sectors(fixed_disk.initramfs_bytes),
              fixed_disk.initramfs_address);
    read_disk(1, run_disk.initramfs_sector, sectors(run_disk.initramfs_bytes),
              fixed_disk.initramfs_address + fixed_disk.initramfs_bytes);
    out8(ATA_DEVICE_CONTROL, 0);

    initramfs.address = fixed_disk.initramfs_address;
    initramfs.size = fixed_disk.initramfs_bytes + run_disk.initramfs_bytes;
    start_info.magic = HVM_START_MAGIC;
    start_info.version = 1;
    start_info.module_count = 1;
    start_info.module_list = (uint32_t)&initramfs;
    start_info.command_line = (uint32_t)fixed_disk.command_line;
    start_info.memory_map = (uint32_t)memory_map;
    start_info.memory_map_entries = memory_map_entries;
    __asm__ volatile("jmp *%0" : : "r"(fixed_disk.kernel_entry), "b"(&start_info) : "memory");
    __builtin_unreachable();
}
