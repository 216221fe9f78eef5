/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs while building: writes a file as a C array, so that the program carries its page. embed INPUT OUTPUT NAME
 */
#include <stdio.h>

int main(int argc, char **argv)
{
    FILE *in, *out;
    unsigned long n = 0;
    int c;
    if (argc != 4) return 2;
    in = fopen(argv[1], "rb");
    out = fopen(argv[2], "w");
    if (!in || !out) return 1;
    fprintf(out, "/* %s, made while building; do not edit. */\n#include <stddef.h>\n", argv[3]);
    fprintf(out, "extern const char %s[];\nextern const size_t %s_size;\nconst char %s[] = {",
            argv[3], argv[3], argv[3]);
    while ((c = getc(in)) != EOF) {
        fprintf(out, "%s'\\x%02x',", n % 16 == 0 ? "\n" : "", (unsigned)c);
        n++;
    }
    fprintf(out, "\n0};\nconst size_t %s_size = %lu;\n", argv[3], n);
    return ferror(in) || fclose(in) != 0 || fclose(out) != 0;
}
