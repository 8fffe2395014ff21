/*
 * Panic, and the plain formatting that it and the dump need.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "platform/panic.h"

void (*(*vci_panic_identify)(struct vcore_report *report))(const struct vcore_report *);

static void print(const struct vcore_report *report)
{
	struct vci_line line;

	vci_line_begin(&line);
	vci_line_text(&line, "vcore: panic: ");
	vci_line_text(&line, report->function);
	vci_line_text(&line, ": ");
	vci_line_text(&line, report->breach);
	if (report->thread != 0) {
		vci_line_text(&line, " (");
		vci_line_thread(&line, report->thread, report->name);
		vci_line_text(&line, ")\n");
	} else {
		vci_line_text(&line, " (a plain pthread)\n");
	}
	vci_line_write(&line, 2);
}

void vci_panic(const char *function, const char *breach)
{
	struct vcore_report report = {
		.size = sizeof report,
		.function = function,
		.breach = breach,
		.name = "",
		.recoverable = true,
	};
	void (*hook)(const struct vcore_report *) = NULL;

	if (vci_panic_identify != NULL) {
		hook = vci_panic_identify(&report);
	}
	if (hook != NULL) {
		hook(&report);
	}
	print(&report);
	vci_abort();
}

void vcore_panic(const char *function, const char *breach)
{
	VCI_PANIC_IF(function == NULL || breach == NULL, "function or breach is NULL");
	vci_panic(function, breach);
}

void vci_line_begin(struct vci_line *line)
{
	line->length = 0;
	line->text[0] = '\0';
}

void vci_line_text(struct vci_line *line, const char *text)
{
	while (*text != '\0' && line->length < sizeof line->text - 1) {
		line->text[line->length++] = *text++;
	}
	line->text[line->length] = '\0';
}

static void digits(struct vci_line *line, uint64_t number, unsigned base)
{
	char text[24];
	char *digit = text + sizeof text - 1;

	*digit = '\0';
	do {
		*--digit = "0123456789abcdef"[number % base];
		number /= base;
	} while (number != 0);
	vci_line_text(line, digit);
}

void vci_line_number(struct vci_line *line, int64_t number)
{
	uint64_t magnitude = (uint64_t)number;

	if (number < 0) {
		vci_line_text(line, "-");
		magnitude = -magnitude;
	}
	digits(line, magnitude, 10);
}

void vci_line_pointer(struct vci_line *line, const void *pointer)
{
	vci_line_text(line, "0x");
	digits(line, (uintptr_t)pointer, 16);
}

void vci_line_thread(struct vci_line *line, uint64_t id, const char *name)
{
	vci_line_text(line, "thread ");
	vci_line_number(line, (int64_t)id);
	vci_line_text(line, " \"");
	vci_line_text(line, name);
	vci_line_text(line, "\"");
}

int vci_line_write(struct vci_line *line, int fd)
{
	int error = vci_write(fd, line->text, line->length);

	line->length = 0;
	return error;
}
