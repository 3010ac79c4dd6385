/*
 * Another place for the image, while nothing is taken from the memory yet.
 */
#ifndef KERNEL_IMAGE_PLACE_H
#define KERNEL_IMAGE_PLACE_H

#include "kernel/machine.h"

/*
 * Moves it, on the boot page tables, to the top of the RAM below 4 GiB, clear of all modules, and
 * goes on there. False: there is no place that is higher.
 */
bool image_place_high(struct machine *machine);

#endif
