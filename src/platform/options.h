/*
 * Options structures, which begin with their size, of this release or another.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_OPTIONS_H
#define VCI_OPTIONS_H

#include <stddef.h>

/*
 * Copies the caller's options (NULL: none) into `known`, of `size` bytes, and
 * zeroes what an earlier release did not have.  -E2BIG: a field is set that
 * this release does not know.  -EINVAL: too small to hold its size.
 */
int vci_options(void *known, size_t size, const void *options);

#endif /* VCI_OPTIONS_H */
