/*
 * Areas: reserved addresses, into which pages of a file without a name are mapped.
 *
 * The file is a memfd.  An area is private memory without access where nothing
 * is mapped, so that no other mapping of the process can come to lie there.  What
 * is mapped is not there in a child of fork.
 *
 * Protections are those of vcore/space.h.
 *
 * Where an error is returned all is as it was: -EAGAIN, the process may have no
 * more mappings (vm.max_map_count); -ENOMEM; -EACCES, the system does not allow it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_AREA_H
#define VCI_AREA_H

#include "platform/platform.h"

/* --- the file ------------------------------------------------------------------ */

/* An empty one, which a child of exec does not have: its descriptor, or -E… */
int vci_file_open(void);
void vci_file_close(int file);

/* 0, or -ENOMEM, -EFBIG. */
int vci_file_grow(int file, uint64_t bytes);

/* Gives the memory of that part back: it reads as zeroes. */
void vci_file_punch(int file, uint64_t offset, size_t bytes);

/* Takes memory for that part at once; in huge pages, if *huge then says so.  0 or -E… */
int vci_file_fill(int file, uint64_t offset, size_t bytes, bool *huge);

/* Copies what one part has to another, where there is nothing yet: 0 or -E… */
int vci_file_copy(int file, uint64_t from, uint64_t to, size_t bytes);

/* From memory or to it, without a signal: 0, -EFAULT or -ENOMEM. */
int vci_file_read(int file, uint64_t offset, void *memory, size_t bytes);
int vci_file_write(int file, uint64_t offset, const void *memory, size_t bytes);

/* --- areas --------------------------------------------------------------------- */

/* What a huge page has: an area's mappings are aligned to it if they want some. */
size_t vci_huge_bytes(void);

/* Nothing is mapped there.  0 or -E… */
int vci_area_reserve(size_t bytes, char **area);
int vci_area_release(char *area, size_t bytes);

enum vci_area_kind {
	VCI_AREA_SHARED,  /* what is written is written to the file */
	VCI_AREA_PRIVATE, /* what is written stays here */
};

int vci_area_map(char *at, size_t bytes, int protection, enum vci_area_kind kind, int file,
		 uint64_t offset);
/* Memory of its own, for a stack. */
int vci_area_map_stack(char *at, size_t bytes, int protection);
/* Frames of calls are there no more, whatever ASan knows of them. */
void vci_area_forget_stack(char *at, size_t bytes);
int vci_area_unmap(char *at, size_t bytes);
int vci_area_protect(char *at, size_t bytes, int protection);

/* It may have huge pages: takes those that the file has. */
void vci_area_prefer_huge(char *at, size_t bytes);

/* --- private views --------------------------------------------------------------- */

/* Whether pages of a view were written, and so are its own. */
bool vci_view_is_written(const char *view, size_t bytes);

/*
 * Writes those pages of a view, which may be without access, to the file.
 * 0, -ENOMEM, or -ENOTSUP: the system does not let us read them.
 */
int vci_view_save(const char *view, size_t bytes, int file, uint64_t offset);

#endif /* VCI_AREA_H */
