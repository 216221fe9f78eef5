/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TOOLS_H
#define SOTTO_TOOLS_H
/* The commands of the program `sotto`, and what they share. */
#include <sotto/sotto.h>

/* Largest description that is read, bytes: what the library takes. */
#define TOOLS_MAX_SDP (256u * 1024)

int tools_echo(int argc, char **argv); /* exit code; argv[0] is the command's name */
int tools_demo(int argc, char **argv);
int tools_identity(int argc, char **argv);
int tools_stream(int argc, char **argv); /* publish, play */

/* A context; verbose: that logs to standard error. */
int tools_context(bool verbose, sotto_ctx **ret);

/* Why a connection is not up, on standard error: sotto_pc_explain(). */
void tools_explain(sotto_pc *pc);

/* A peer whose messages are sent back in order. Only one can wait: while it does, reading is off. */
struct echo {
    sotto_pc *pc;
    sotto_event *held;                 /* owned; NULL: none waits */
    uint64_t messages, bytes, refused; /* sent back; too long for the remote */
};

/* Take a MESSAGE: true if it was kept (the event is the echo's now), false if the caller frees it. */
bool echo_message(struct echo *x, sotto_event *e);
void echo_retry(struct echo *x); /* at every WRITABLE and CLOSED of the connection */
void echo_free(struct echo *x);

#endif
