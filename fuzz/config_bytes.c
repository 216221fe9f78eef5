/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configurations of connections out of bytes: each field is a value that makes sense, or one that does not. Files are none but those
 * that are named here: a fuzzer does not open what it likes.
 */
#include "config_bytes.h"

#include <string.h>

char *config_text(struct reader *in, char to[static CONFIG_TEXT])
{
    size_t n = sotto__read_u8(in) % CONFIG_TEXT;
    if (n > in->n) n = in->n;
    const uint8_t *p = sotto__read_view(in, n);
    if (p && n > 0) memcpy(to, p, n);
    to[n] = '\0';
    return to;
}

static const char *text(struct reader *in, struct config_bytes *b, const char *const *usual)
{
    uint8_t which = sotto__read_u8(in) % 8;
    if (which == 0) return NULL;
    if (which < 5) return usual[which - 1];
    return config_text(in, b->text[b->n_text++]);
}

static void servers_from(struct reader *in, struct config_bytes *b)
{
    static const char *const urls[] = {"stun:192.0.2.9:3478", "turn:192.0.2.9:3478?transport=udp",
                                       "turns:example.org", "turn:[2001:db8::9]?transport=tcp"};
    static const char *const words[] = {"user", "", "a:b", "word"};
    uint8_t n = sotto__read_u8(in);
    uint32_t size = n & 0x80 ? sotto__read_u8(in) : (uint32_t)sizeof(sotto_ice_server);
    for (int i = 0; i < CONFIG_SERVERS; i++) b->servers[i].size = size;
    b->cfg.n_ice_servers = n % (CONFIG_SERVERS + 1);
    for (size_t i = 0; i < b->cfg.n_ice_servers; i++) {
        b->servers[i].url = text(in, b, urls);
        b->servers[i].username = text(in, b, words);
        b->servers[i].credential = text(in, b, words);
    }
    b->cfg.ice_servers = n & 0x40 ? NULL : b->servers;
}

void config_from(struct reader *in, sotto_cert *const certs[2], struct config_bytes *ret)
{
    static const char *const interfaces[] = {"lo", "eth0", "none0", ""};
    static const char *const files[] = {"/dev/null", "/nonexistent", "", "/dev/null"};
    static const char *const outside[] = {"198.51.100.1", "198.51.100.1,2001:db8::5", "0.0.0.0",
                                          "192.0.2.1,192.0.2.2"};
    memset(ret, 0, sizeof *ret);
    sotto_pc_config *c = &ret->cfg;
    uint16_t fields = sotto__read_u16(in);
    c->size = (uint32_t)sizeof *c;
    if (fields & 1) c->size = sotto__read_u16(in);
    if (fields & 2) servers_from(in, ret);
    if (fields & 4) c->ice_transport_policy = (int8_t)sotto__read_u8(in) % 4;
    if (fields & 8) c->privacy_mode = (int8_t)sotto__read_u8(in) % 7;
    if (fields & 16) c->bundle_policy = (int8_t)sotto__read_u8(in) % 5;
    if (fields & 32) c->port_min = sotto__read_u16(in), c->port_max = sotto__read_u16(in);
    if (fields & 64) c->interface = text(in, ret, interfaces);
    if (fields & 128) c->cert = certs[sotto__read_u8(in) & 1];
    if (fields & 256) c->max_message_size = sotto__read_u32(in);
    if (fields & 512) c->max_channels = sotto__read_u32(in) % 70000;
    if (fields & 1024) c->max_buffered_bytes = sotto__read_u32(in);
    c->allow_loopback = fields & 2048;
    if (fields & 4096) c->ca_file = text(in, ret, files);
    c->no_auto_restart = fields & 8192;
    if (fields & 16384) c->external_address = text(in, ret, outside);
    if (fields & 32768 && c->size > sizeof *c) c->size = (uint32_t)sizeof *c; /* room there is */
    if (c->size > sizeof *ret - sizeof ret->text) c->size = (uint32_t)sizeof *c + 8;
}
