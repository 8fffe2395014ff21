/*
 * The layout of public structures, on machines with 64-bit pointers: programs
 * that were compiled against it go on working.  Options and results that carry
 * their size may grow at the end; their beginning is asserted.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/vcore.h>

#ifdef __cplusplus
#define ASSERT(condition) static_assert(condition, #condition)
#else
#define ASSERT(condition) _Static_assert(condition, #condition)
#endif

#define AT(structure, member, offset) ASSERT(offsetof(struct structure, member) == (offset))

ASSERT(sizeof(vcore_instant) == 8 && (vcore_instant)-1 < 0);
ASSERT(VCORE_NEVER == INT64_MAX);

/* All-zero objects that programs embed: fixed for good. */
ASSERT(sizeof(struct vcore_eventcount) == 16);
ASSERT(sizeof(struct vcore_sequencer) == 8);
ASSERT(sizeof(struct vcore_lock) == 16);
ASSERT(sizeof(struct vcore_ticketlock) == 16);
ASSERT(sizeof(struct vcore_rwlock) == 24);
ASSERT(sizeof(struct vcore_condition) == 16);
ASSERT(sizeof(struct vcore_semaphore) == 16);
ASSERT(sizeof(struct vcore_barrier) == 32);
ASSERT(sizeof(struct vcore_once) == 24);
ASSERT(sizeof(struct vcore_rcu_head) == 16);
ASSERT(sizeof(struct vcore_stack) == 16);
ASSERT(sizeof(struct vcore_stack_node) == 8);
ASSERT(sizeof(struct vcore_case) == 144);
ASSERT(sizeof(struct vcore_buffer_options) == 24);
#ifdef __cplusplus
ASSERT(alignof(struct vcore_stack) == 16);
#else
ASSERT(_Alignof(struct vcore_stack) == 16);
#endif
ASSERT(sizeof(struct vcore_slot) == 8);
ASSERT(sizeof(struct vcore_cleanup) == 24);

ASSERT(sizeof(struct vcore_fault) == 168);
AT(vcore_fault, thread, 0);
AT(vcore_fault, name, 8);
AT(vcore_fault, address, 40);
AT(vcore_fault, pc, 48);
AT(vcore_fault, signal, 56);
AT(vcore_fault, access, 60);
AT(vcore_fault, kind, 64);
AT(vcore_fault, space, 72);
AT(vcore_fault, block, 80);
AT(vcore_fault, offset, 88);
AT(vcore_fault, module, 96);
AT(vcore_fault, module_offset, 160);

ASSERT(sizeof(struct vcore_exit) == 16 + sizeof(struct vcore_fault));
AT(vcore_exit, how, 0);
AT(vcore_exit, result, 8);
AT(vcore_exit, fault, 16);

AT(vcore_runtime_options, size, 0);
AT(vcore_runtime_options, processors, 8);
AT(vcore_runtime_options, quantum, 16);
AT(vcore_runtime_options, stack_size, 24);
AT(vcore_runtime_options, spares, 32);
AT(vcore_runtime_options, flags, 36);
AT(vcore_runtime_options, panic, 40);
AT(vcore_runtime_options, servers, 48);

AT(vcore_thread_options, size, 0);
AT(vcore_thread_options, name, 8);
AT(vcore_thread_options, runtime, 16);
AT(vcore_thread_options, space, 24);
AT(vcore_thread_options, stack_size, 32);
AT(vcore_thread_options, priority, 40);
AT(vcore_thread_options, flags, 44);
AT(vcore_thread_options, processor, 48);

AT(vcore_report, size, 0);
AT(vcore_report, function, 8);
AT(vcore_report, breach, 16);
AT(vcore_report, thread, 24);
AT(vcore_report, name, 32);
AT(vcore_report, recoverable, 40);

AT(vcore_thread_info, size, 0);
AT(vcore_thread_info, id, 8);
AT(vcore_thread_info, name, 16);
AT(vcore_thread_info, state, 48);
AT(vcore_thread_info, stack_used, 144);
AT(vcore_thread_info, kept, 152);
AT(vcore_thread_info, let_go, 153);
AT(vcore_thread_info, hand_overs, 160);
AT(vcore_thread_info, refusal, 176);

AT(vcore_statistics, size, 0);
AT(vcore_statistics, processors, 8);
AT(vcore_statistics, limit, 96);
AT(vcore_statistics, quantum, 104);
AT(vcore_statistics, unpreemptive, 112);
AT(vcore_statistics, ticks, 120);
AT(vcore_statistics, spares_limit, 176);

/* Values that are compiled into programs. */
ASSERT(VCORE_RETURNED == 0 && VCORE_DESTROYED == 1 && VCORE_FAULTED == 2);
ASSERT(VCORE_THREAD_LIGHT == 1 && VCORE_THREAD_DESTROY_ANYWHERE == 2);
ASSERT(VCORE_THREAD_FPENV == 4 && VCORE_THREAD_PINNED == 8);
ASSERT(VCORE_RUNTIME_ACCOUNT == 1 && VCORE_RUNTIME_LIGHT == 2 && VCORE_QUANTUM_OFF == -1);
ASSERT(VCORE_THREAD_RUNNABLE == 0 && VCORE_THREAD_ENDED == 3);
ASSERT(VCORE_WAIT_NONE == 0 && VCORE_WAIT_JOIN == 3);
ASSERT(VCORE_REFUSAL_NONE == 0 && VCORE_REFUSAL_SERVER == 8 && VCORE_REFUSAL_RCU == 9);
