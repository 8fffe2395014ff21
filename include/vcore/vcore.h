/*
 * libvcore: threads, waiting and communication in one process.
 *
 * Includes all of the library.  Start at runtime.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_VCORE_H
#define VCORE_VCORE_H

#include <vcore/base.h>
#include <vcore/eventcount.h>
#include <vcore/fault.h>
#include <vcore/inspect.h>
#include <vcore/runtime.h>
#include <vcore/slot.h>
#include <vcore/thread.h>
#include <vcore/version.h>

#endif /* VCORE_VCORE_H */
