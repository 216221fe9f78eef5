/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_DATA_H
#define SOTTO_DATA_H
/**
 * @file data.h
 * Data channels: RTCDataChannel of W3C WebRTC 1.0 (RFC 8831, RFC 8832).
 *
 * Receiving has back-pressure: messages that the application does not take stay with the remote. There is one window per
 * connection, so an unread channel also stalls the other channels of the same connection (not those of others).
 */
#include <sotto/base.h>
#include <sotto/pc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** RTCDataChannelState. */
enum { SOTTO_DC_CONNECTING = 0, SOTTO_DC_OPEN = 1, SOTTO_DC_CLOSING = 2, SOTTO_DC_CLOSED = 3 };
/** What happens to a message that is lost. */
enum {
    SOTTO_DC_RELIABLE = 0,        /**< sent again until it arrives */
    SOTTO_DC_MAX_RETRANSMITS = 1, /**< sent again at most `limit` times */
    SOTTO_DC_MAX_LIFETIME = 2     /**< sent again until `limit` milliseconds after sotto_dc_send() */
};
/** RTCPriorityType (RFC 8831 §6.4): the share among channels of a connection that all have something to send. */
enum {
    SOTTO_PRIORITY_DEFAULT = 0,  /**< SOTTO_PRIORITY_LOW */
    SOTTO_PRIORITY_VERY_LOW = 1, /**< weight 128 */
    SOTTO_PRIORITY_LOW = 2,      /**< weight 256 */
    SOTTO_PRIORITY_MEDIUM = 3,   /**< weight 512 */
    SOTTO_PRIORITY_HIGH = 4      /**< weight 1024 */
};

/** Options of sotto_pc_create_data_channel(); all-zero but for `size` is the default. Strings are copied. */
typedef struct sotto_dc_config {
    uint32_t size;        /**< sizeof (sotto_dc_config) */
    bool unordered;       /**< messages may overtake each other */
    bool negotiated;      /**< both sides open it with the same id by themselves; nothing is announced */
    int32_t reliability;  /**< SOTTO_DC_RELIABLE, MAX_RETRANSMITS or MAX_LIFETIME */
    uint32_t limit;       /**< times or milliseconds, 0 to 65535; unused with RELIABLE */
    uint16_t id;          /**< negotiated: 0 to 65534, below max_channels; else unused */
    const char *protocol; /**< nullable: UTF-8, at most 65535 bytes */
    int32_t priority;     /**< SOTTO_PRIORITY_* */
    void *user;           /**< the application's: see sotto_event.user */
} sotto_dc_config;

/**
 * Send one message: all of it or nothing.
 * @param data     borrowed, len bytes; NULL if len is 0.
 * @param len      0 to the remote's max-message-size, and never above 16 MiB, whatever the remote accepts.
 * @param is_text  true: data is UTF-8 (checked).
 * @return 0 queued, or
 *         SOTTO_E_AGAIN    the buffer is full: SOTTO_EV_WRITABLE comes exactly once when it is at most half full and this message fits
 *                          (a message larger than the whole buffer is taken when the buffer is empty)
 *         SOTTO_E_TOO_BIG  longer than the remote accepts, or than 16 MiB
 *         SOTTO_E_STATE    not open yet: wait for SOTTO_EV_OPEN
 *         SOTTO_E_SYNTAX   is_text, and not UTF-8
 *         SOTTO_E_CLOSED, SOTTO_E_INVAL, SOTTO_E_NOMEM
 * Never blocks; any thread. Source: W3C RTCDataChannel.send(); RFC 8831 §6.6.
 */
SOTTO_API int sotto_dc_send(sotto_dc *dc, const void *data, size_t len, bool is_text);

/**
 * Close: what was sent still goes out, then the stream is reset, and SOTTO_EV_CLOSED comes when the remote did the same.
 * @return 0 (also when closing or closed already), or SOTTO_E_INVAL. Source: RFC 8831 §6.7.
 */
SOTTO_API int sotto_dc_close(sotto_dc *dc);

/**
 * Free the handle, in any state: closes the channel and delivers nothing more of it.
 * @param dc  nullable.
 */
SOTTO_API void sotto_dc_free(sotto_dc *dc);

/** @return the label: a view, valid until the handle is freed; NULL for a NULL handle. */
SOTTO_API const char *sotto_dc_label(const sotto_dc *dc);

/** @return the subprotocol, "" if none: a view, valid until the handle is freed; NULL for a NULL handle. */
SOTTO_API const char *sotto_dc_protocol(const sotto_dc *dc);

/** @return the id, 0 to 65534; SOTTO_E_STATE not known yet (the DTLS role decides even or odd); SOTTO_E_INVAL. */
SOTTO_API int sotto_dc_id(const sotto_dc *dc);

/** @return 1 unordered, 0 ordered, or SOTTO_E_INVAL. */
SOTTO_API int sotto_dc_unordered(const sotto_dc *dc);

/**
 * The reliability.
 * @param ret_limit  nullable: the limit, 0 with SOTTO_DC_RELIABLE.
 * @return SOTTO_DC_RELIABLE, MAX_RETRANSMITS or MAX_LIFETIME, or SOTTO_E_INVAL.
 */
SOTTO_API int sotto_dc_reliability(const sotto_dc *dc, uint32_t *ret_limit);

/** @return 1 negotiated by the application, 0 announced in band, or SOTTO_E_INVAL. */
SOTTO_API int sotto_dc_negotiated(const sotto_dc *dc);

/** @return SOTTO_PRIORITY_VERY_LOW … HIGH, or SOTTO_E_INVAL. */
SOTTO_API int sotto_dc_priority(const sotto_dc *dc);

/** @return SOTTO_DC_CONNECTING, OPEN, CLOSING or CLOSED, or SOTTO_E_INVAL. */
SOTTO_API int sotto_dc_state(const sotto_dc *dc);

/**
 * How many bytes of messages are queued in this channel and not yet given to SCTP (bufferedAmount).
 * @return bytes, or SOTTO_E_INVAL. Stays as it was when the channel closes (W3C).
 */
SOTTO_API int64_t sotto_dc_buffered_amount(const sotto_dc *dc);

/** @return the threshold of SOTTO_EV_BUFFERED_LOW in bytes, 0 by default, or SOTTO_E_INVAL. */
SOTTO_API int64_t sotto_dc_get_buffered_low(const sotto_dc *dc);

/**
 * Set the threshold of SOTTO_EV_BUFFERED_LOW.
 * @return 0 or SOTTO_E_INVAL, SOTTO_E_CLOSED.
 */
SOTTO_API int sotto_dc_set_buffered_low(sotto_dc *dc, uint64_t bytes);

/** @return what was set, or NULL. */
SOTTO_API void *sotto_dc_get_user(const sotto_dc *dc);

/**
 * Set the application's pointer, given by later events of this channel.
 * @return 0 or SOTTO_E_INVAL.
 */
SOTTO_API int sotto_dc_set_user(sotto_dc *dc, void *user);

#ifdef __cplusplus
}
#endif
#endif
