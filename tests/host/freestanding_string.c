/* lib/string.c as the kernel has it, under names that leave the C library's alone. */
#define memcpy  kernel_memcpy
#define memmove kernel_memmove
#define memset  kernel_memset
#define memcmp  kernel_memcmp
#define strlen  kernel_strlen
#define strnlen kernel_strnlen
#define strcmp  kernel_strcmp
#define strncmp kernel_strncmp
#define strchr  kernel_strchr

#include "lib/string.c" /* NOLINT(bugprone-suspicious-include) */
