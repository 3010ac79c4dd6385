/*
 * Whether an image is one of those that a departure of vmx/selftest/vmentry_departures.def is
 * about.
 */
#ifndef VMX_VMENTRY_DEPARTURES_H
#define VMX_VMENTRY_DEPARTURES_H

#include "vmx/selftest/selftest_vmentry.h"

/*
 * Does Bochs 2.7 let this finding pass? If so, `departure` says by which. `finding` is one of those
 * that vmentry_check() made of the image.
 */
bool vmentry_departs(const struct vmcs_image *image, const struct vmentry_finding *finding,
                     enum vmentry_departure *departure);

/* Does Bochs 2.7 refuse the guest state of an image in which no rule is broken? */
bool vmentry_departs_stricter(const struct vmcs_image *image, enum vmentry_departure *departure);

/* Does Bochs 2.7 end itself over an image with these findings? */
bool vmentry_departs_fatally(const struct vmcs_image *image,
                             const struct vmentry_findings *findings,
                             enum vmentry_departure *departure);

#endif
