/*
 * The report of a fault, for a person to read: see vcore/fault.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/fault.h>

#include "platform/panic.h"

struct text {
	char *text;
	size_t size, length;
};

static void append(struct text *to, struct vci_line *line)
{
	vci_line_text(line, "\n");
	for (size_t i = 0; i < line->length; i++) {
		if (to->length + 1 < to->size) {
			to->text[to->length] = line->text[i];
		}
		to->length++;
	}
	vci_line_begin(line);
}

static void line_offset(struct vci_line *line, size_t offset)
{
	vci_line_text(line, " + ");
	vci_line_pointer(line, (const void *)offset); /* NOLINT(performance-no-int-to-ptr) */
}

/* What it did, and why that was a fault: by kind. */
static const char *const reasons[] = {
	[VCORE_FAULT_NONE] = "",
	[VCORE_FAULT_UNMAPPED] = ", where nothing is mapped",
	[VCORE_FAULT_PROTECTION] = ", against its protection",
	[VCORE_FAULT_STACK_OVERFLOW] = ", beyond the end of its stack",
	[VCORE_FAULT_BUS] = ", where there is no memory (a bus error)",
	[VCORE_FAULT_ARITHMETIC] = "it divided by zero, or failed in other arithmetic",
	[VCORE_FAULT_INSTRUCTION] = "its instruction is illegal",
	[VCORE_FAULT_OTHER_SPACE] = ", which is in another space:",
	[VCORE_FAULT_FREED_BLOCK] = ", where a block was that has been freed:",
};

static const char *const accesses[] = {
	[VCORE_ACCESS_UNKNOWN] = "it touched ",
	[VCORE_ACCESS_READ] = "it read from ",
	[VCORE_ACCESS_WRITE] = "it wrote to ",
	[VCORE_ACCESS_EXECUTE] = "it called ",
};

static const char *reason_of(const struct vcore_fault *fault)
{
	size_t kind = (size_t)fault->kind;

	return kind < sizeof reasons / sizeof reasons[0] ? reasons[kind] : "";
}

static const char *access_of(const struct vcore_fault *fault)
{
	size_t access = (size_t)fault->access;

	return accesses[access < sizeof accesses / sizeof accesses[0] ? access : 0];
}

static void line_access(struct vci_line *line, const struct vcore_fault *fault)
{
	vci_line_text(line, "  ");
	if (fault->kind != VCORE_FAULT_ARITHMETIC && fault->kind != VCORE_FAULT_INSTRUCTION) {
		vci_line_text(line, access_of(fault));
		vci_line_pointer(line, fault->address);
	}
	vci_line_text(line, reason_of(fault));
	if (fault->space != 0 && fault->kind < VCORE_FAULT_OTHER_SPACE) {
		vci_line_text(line, ", in");
	}
}

static void line_space(struct vci_line *line, const struct vcore_fault *fault)
{
	vci_line_text(line, "  space ");
	vci_line_number(line, (int64_t)fault->space);
	if (fault->block != 0) {
		vci_line_text(line, ", block ");
		vci_line_number(line, (int64_t)fault->block);
	}
	line_offset(line, fault->offset);
}

static void line_place(struct vci_line *line, const struct vcore_fault *fault)
{
	char name[96];
	size_t offset;

	vci_line_text(line, "  at ");
	vci_line_pointer(line, fault->pc);
	if (fault->module[0] != '\0') {
		vci_line_text(line, " in ");
		vci_line_text(line, fault->module);
		line_offset(line, fault->module_offset);
	}
	if (vci_text_symbol(fault->pc, name, sizeof name, &offset)) {
		vci_line_text(line, " (");
		vci_line_text(line, name);
		line_offset(line, offset);
		vci_line_text(line, ")");
	}
}

size_t vcore_fault_describe(const struct vcore_fault *fault, char *text, size_t size)
{
	struct text to = {text, size, 0};
	struct vci_line line;

	VCI_PANIC_IF(fault == NULL, "fault is NULL");
	VCI_PANIC_IF(text == NULL && size > 0, "text is NULL");
	vci_line_begin(&line);
	vci_line_text(&line, "vcore: ");
	vci_line_thread(&line, fault->thread, fault->name);
	vci_line_text(&line, " has faulted, and was ended");
	append(&to, &line);
	line_access(&line, fault);
	append(&to, &line);
	if (fault->space != 0) {
		line_space(&line, fault);
		append(&to, &line);
	}
	line_place(&line, fault);
	append(&to, &line);
	if (size > 0) {
		text[to.length < size ? to.length : size - 1] = '\0';
	}
	return to.length;
}
