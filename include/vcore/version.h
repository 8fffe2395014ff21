/*
 * The version of libvcore.
 *
 * The build reads the three numbers below: they are the only place where the
 * version is written down.  Until 1.0 a change of MINOR may change the ABI
 * and then changes the soname; from 1.0 on only a change of MAJOR may.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_VERSION_H
#define VCORE_VERSION_H

#include <vcore/base.h>

#define VCORE_VERSION_MAJOR 0
#define VCORE_VERSION_MINOR 5
#define VCORE_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of the library in use, as "0.1.0"; it may differ from the
 * header's when the library is shared.  Anyone may call it, at any time.
 */
VCORE_API const char *vcore_version(void);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_VERSION_H */
