/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main() of a fuzz target where no fuzzing engine is: replays the files, and the files of the directories, that the
 * arguments name. Arguments that begin with '-' are the engine's and are skipped, so that one command line fits both.
 * A target that finds its property broken aborts; a replay that finds no input at all fails too.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replayed;

static int replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size ? size : 1); /* as large as the input: one byte too far is seen by ASan */
    int r = -1;
    if (file && data && fread(data, 1, size, file) == size) {
        LLVMFuzzerTestOneInput(data, size);
        replayed++;
        r = 0;
    } else {
        perror(path);
    }
    if (file) fclose(file);
    free(data);
    return r;
}

static int replay(const char *path)
{
    struct stat st;
    char *name;
    int r = 0;
    if (stat(path, &st) < 0) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(st.st_mode)) return replay_file(path, (size_t)st.st_size);
    DIR *dir = opendir(path);
    if (!dir) {
        perror(path);
        return -1;
    }
    for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        if (asprintf(&name, "%s/%s", path, entry->d_name) < 0) abort();
        r = replay(name);
        free(name);
    }
    closedir(dir);
    return r;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-' && replay(argv[i]) < 0) return 1;
    printf("%zu inputs replayed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
