#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Certificates for suite.py, made by openssl: an authority, and a server's in each state in which it must not be trusted."""
import base64
import hashlib
import os
import subprocess


def openssl(*arguments, text=None):
    run = subprocess.run(["openssl", *arguments], input=text, capture_output=True, check=True)
    return run.stdout


class Certificates:
    def __init__(self, directory):
        self.at = lambda name: os.path.join(directory, name)
        self.ca = self.make_authority("ca")
        self.other_ca = self.make_authority("other")

    def make_authority(self, name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                f"/CN={name}", "-keyout", self.at(name + ".key"), "-out", self.at(name + ".pem"))
        return self.at(name + ".pem")

    def make(self, name, names="IP:127.0.0.1,DNS:localhost", authority="ca", rsa=False, has_ended=False):
        """(certificate, key) of a server."""
        key, request, cert, extensions = (self.at(name + e) for e in (".key", ".csr", ".pem", ".ext"))
        kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-newkey", *kind, "-nodes", "-subj", "/CN=server", "-keyout", key, "-out", request)
        with open(extensions, "w", encoding="utf-8") as file:
            file.write(f"subjectAltName={names}\n")
        days = "-1" if has_ended else "2"
        by = ["-signkey", key] if not authority else ["-CA", self.at(authority + ".pem"), "-CAkey",
                                                     self.at(authority + ".key"), "-CAcreateserial"]
        openssl("x509", "-req", "-in", request, *by, "-days", days, "-extfile", extensions, "-out", cert)
        return cert, key


def pin_of(certificate):
    public = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    der = openssl("pkey", "-pubin", "-outform", "DER", text=public)
    return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()
