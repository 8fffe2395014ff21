/*
 * libvcore: threads, waiting and communication in one process.
 *
 * Includes all of libvcore but textbook.h, whose names are not ours.  heap.h is of a
 * library of its own, libvcore-heap.  Start at runtime.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_VCORE_H
#define VCORE_VCORE_H

#include <vcore/barrier.h>
#include <vcore/base.h>
#include <vcore/buffer.h>
#include <vcore/condition.h>
#include <vcore/eventcount.h>
#include <vcore/fault.h>
#include <vcore/inspect.h>
#include <vcore/io.h>
#include <vcore/lock.h>
#include <vcore/once.h>
#include <vcore/pool.h>
#include <vcore/preempt.h>
#include <vcore/rcu.h>
#include <vcore/runtime.h>
#include <vcore/rwlock.h>
#include <vcore/select.h>
#include <vcore/semaphore.h>
#include <vcore/slot.h>
#include <vcore/space.h>
#include <vcore/stack.h>
#include <vcore/thread.h>
#include <vcore/ticketlock.h>
#include <vcore/version.h>

#endif /* VCORE_VCORE_H */
