/* SPDX-License-Identifier: ISC */

/* What doctor prints, and the exit code that follows from it. */
#ifndef VIPAIR_VIPCTL_DOCTOR_SHOW_H
#define VIPAIR_VIPCTL_DOCTOR_SHOW_H

#include "doctor.h"

void	doctor_show(const struct doctor *d, int64_t took_ns);
/* The worst that was found; EXIT_UNKNOWN: nothing, but not all was looked at */
int	doctor_exit(const struct doctor *d);

#endif
