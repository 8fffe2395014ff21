/*
 * What a runtime's options leave open: the environment's values, and defaults.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>

#include <vcore/preempt.h>

#include "sched/runtime.h"

#define QUANTUM_DEFAULT INT64_C(10000000)
#define QUANTUM_LEAST   INT64_C(100000)
#define QUANTUM_MOST    INT64_C(3600000000000)
#define STACK_DEFAULT   ((size_t)64 << 10)
#define STACK_LEAST     ((size_t)4 << 10)
#define SPARES_DEFAULT  1024
#define SPARES_MOST     1000000
#define SERVERS_DEFAULT 4
#define FLAGS_KNOWN     (VCORE_RUNTIME_ACCOUNT | VCORE_RUNTIME_LIGHT | VCORE_RUNTIME_HOST_FAULTS)

/* A variable of the environment: a number from `least` to `most`, times `unit`. */
struct variable {
	const char *name, *what;
	uint64_t least, most, unit;
};

static const struct variable quantum_variable = {
	"VCORE_QUANTUM",
	"\"off\" or a number of microseconds",
	QUANTUM_LEAST / 1000,
	QUANTUM_MOST / 1000,
	1000,
};
static const struct variable processors_variable = {
	"VCORE_PROCESSORS", "a number", 1, VCORE_PROCESSORS_MAX, 1,
};
static const struct variable stack_variable = {
	"VCORE_STACK", "a number of KiB", STACK_LEAST >> 10, VCI_STACK_SIZE_MAX >> 10, 1024,
};
static const struct variable spares_variable = {
	"VCORE_SPARES", "a number", 1, SPARES_MOST, 1,
};

/* -EINVAL alone would not say which of the variables it was. */
static int complain(const struct variable *variable)
{
	struct vci_line line;

	vci_line_begin(&line);
	vci_line_text(&line, "vcore: the environment's ");
	vci_line_text(&line, variable->name);
	vci_line_text(&line, " is not ");
	vci_line_text(&line, variable->what);
	vci_line_text(&line, " from ");
	vci_line_number(&line, (int64_t)variable->least);
	vci_line_text(&line, " to ");
	vci_line_number(&line, (int64_t)variable->most);
	vci_line_text(&line, "\n");
	(void)vci_line_write(&line, 2);
	return -EINVAL;
}

/* A default, which the variable may replace. */
static int default_number(const struct variable *variable, uint64_t *number)
{
	uint64_t given = 0;
	enum vci_environment kind = vci_environment(variable->name, &given);

	if (kind == VCI_UNSET) {
		return 0;
	}
	if (kind != VCI_NUMBER || given < variable->least || given > variable->most) {
		return complain(variable);
	}
	*number = given * variable->unit;
	return 0;
}

static int complete_quantum(struct vcore_runtime_options *options)
{
	uint64_t quantum = (uint64_t)QUANTUM_DEFAULT;
	uint64_t given;
	int error;

	if (options->quantum != 0) {
		return options->quantum == VCORE_QUANTUM_OFF ||
				       (options->quantum >= QUANTUM_LEAST &&
					options->quantum <= QUANTUM_MOST)
			       ? 0
			       : -EINVAL;
	}
	if (vci_environment("VCORE_QUANTUM", &given) == VCI_OFF) {
		options->quantum = VCORE_QUANTUM_OFF;
		return 0;
	}
	error = default_number(&quantum_variable, &quantum);
	options->quantum = (int64_t)quantum;
	return error;
}

static int complete_processors(struct vcore_runtime_options *options)
{
	uint64_t processors = vci_cpu_count();
	int error = 0;

	if (options->processors == 0) {
		if (processors > VCORE_PROCESSORS_MAX) {
			processors = VCORE_PROCESSORS_MAX;
		}
		error = default_number(&processors_variable, &processors);
		options->processors = (unsigned)processors;
	}
	if (options->servers == 0) {
		options->servers = SERVERS_DEFAULT;
	}
	if (options->processors > VCORE_PROCESSORS_MAX || options->servers > VCI_SERVERS_MAX) {
		error = -EINVAL;
	}
	return error;
}

static int complete_stack(struct vcore_runtime_options *options)
{
	uint64_t bytes = STACK_DEFAULT;
	int error = 0;

	if (options->stack_size == 0) {
		error = default_number(&stack_variable, &bytes);
		options->stack_size = bytes;
	}
	return options->stack_size <= VCI_STACK_SIZE_MAX ? error : -EINVAL;
}

static int complete_spares(struct vcore_runtime_options *options)
{
	uint64_t spares = SPARES_DEFAULT;
	int error = 0;

	if (options->spares == 0) {
		error = default_number(&spares_variable, &spares);
		options->spares = (unsigned)spares;
	}
	return options->spares <= SPARES_MOST ? error : -EINVAL;
}

int vci_runtime_complete(struct vcore_runtime_options *options)
{
	int error = complete_processors(options);

	if (error == 0) {
		error = complete_quantum(options);
	}
	if (error == 0) {
		error = complete_stack(options);
	}
	if (error == 0) {
		error = complete_spares(options);
	}
	if (error == 0 && (options->flags & ~FLAGS_KNOWN) != 0) {
		error = -EINVAL;
	}
	if (error == 0 && (options->flags & VCORE_RUNTIME_LIGHT) &&
	    vcore_preempt_obstacle() != NULL) {
		error = -ENOTSUP;
	}
	return error;
}
