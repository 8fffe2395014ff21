/*
 * Kernel threads beyond the processors', and how a processor changes hands.
 *
 * A spare is parked on its own stack.  It is given a processor, with the
 * thread to run on it, when the kernel thread that had it stays with a thread
 * that was preempted or let go; it becomes a spare again when it gives the
 * processor to a thread that is KEPT, or comes back to find none free.
 *
 * Spares are made by a helper, a kernel thread of the runtime's that never has
 * a processor: to make one takes locks of libc, whose holder may be waiting for
 * a processor.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_SPARE_H
#define VCI_SPARE_H

#include "sched/sched.h"

/* Takes one, and has another made if they run low; NULL if there is none. */
struct vci_kthread *vci_spare_take(struct vcore_runtime *runtime);

/* It was the last, and there will be no more. */
bool vci_spare_was_last(struct vcore_runtime *runtime);

/* m may be given a processor from now on: I4. */
void vci_spare_enlist(struct vci_kthread *m);

/*
 * The processor goes to `to`, which runs `next` (NULL: a KEPT one goes on, a
 * spare chooses).  The last thing that anyone waits for: the one that is woken
 * often takes the caller's CPU.
 */
void vci_spare_give(struct vci_processor *processor, struct vci_kthread *to,
		    struct vcore_thread *next);

/* m, on its own stack, gives its processor to the thread's, and is a spare. */
void vci_spare_yield_to(struct vci_kthread *m, struct vcore_thread *kept);

/* m has no processor: waits until it is given one.  False: the runtime is over. */
bool vci_spare_wait(struct vci_kthread *m);

/* m has been given a processor: it is its owner. */
void vci_spare_own(struct vci_kthread *m);

/* m lays its processor down; its new state. */
void vci_spare_disown(struct vci_kthread *m, enum vci_kthread_state state);

/* The same, its processor has been taken already. */
void vci_spare_disowned(struct vci_kthread *m);

/* Opens the gate of a parked kernel thread: it looks what is new. */
void vci_gate_open(struct vci_kthread *m);

/*
 * Waits until the gate was opened after `seen`, or the deadline.  The caller
 * reads the gate, then looks whether it must wait.
 */
static inline uint32_t vci_gate_read(const struct vci_kthread *m)
{
	return __atomic_load_n(&m->gate, __ATOMIC_ACQUIRE);
}

void vci_gate_wait(struct vci_kthread *m, uint32_t seen, vcore_instant deadline);

/*
 * The first spares, and the helper, which run `run` with their kernel thread.  0,
 * or -EAGAIN, and the runtime is over.  Stop: it is over, and they end.
 */
int vci_spare_start(struct vcore_runtime *runtime, void *(*run)(void *m));
void vci_spare_stop(struct vcore_runtime *runtime);

#endif /* VCI_SPARE_H */
