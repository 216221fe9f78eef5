/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_LIBRARY_H
#define SOTTO_EXTRA_LIBRARY_H
const char *sotto__opus_library_version(void); /* at run time: "libopus 1.3.1"; "" the library was built without */
#endif
