/* What cast starts under wine, in tests/it/wine.rs: says what came to it. Words are compared as bytes of the process's code page, so the
 * tests keep to ASCII. */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static BOOL WINAPI stopped(DWORD event) {
    (void)event;
    printf("stopped\n");
    fflush(stdout);
    ExitProcess(7);
}

/* Leaves Ctrl-C to the other processes of the console. */
static BOOL WINAPI stays(DWORD event) {
    (void)event;
    return TRUE;
}

/* Runs a command line; says its exit code, which Unix would cut to 8 bits, and which wine can lose: on a busy machine
 * it kills its own process for a program that has ended but is not gone in time. */
static int say_code(char *line) {
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION process;
    DWORD code;
    SetConsoleCtrlHandler(stays, TRUE);
    if (!CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process)) return 99;
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    printf("code %lu\n", (unsigned long)code);
    fflush(stdout);
    return 0;
}

/* Whether there is a file with a name like this, which may have a '*' in it. */
static int is_there(const char *name) {
    WIN32_FIND_DATAA found;
    HANDLE search = FindFirstFileA(name, &found);
    if (search == INVALID_HANDLE_VALUE) return 0;
    FindClose(search);
    return 1;
}

/* Keeps a file, as a virus scanner does, until a moment after the other file is there. */
static int hold(const char *path, DWORD shared, const char *until) {
    HANDLE file = CreateFileA(path, GENERIC_READ, shared, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return 99;
    printf("held\n");
    fflush(stdout);
    while (!is_there(until)) Sleep(1);
    Sleep(300);
    CloseHandle(file);
    return 0;
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "";
    _setmode(_fileno(stdout), _O_BINARY);
    setvbuf(stdout, NULL, _IOFBF, 1 << 16); /* a console shows letter by letter what comes so */
    if (!strcmp(what, "words")) {
        for (int at = 2; at < count; at++) printf("<%s>\n", words[at]);
    } else if (!strcmp(what, "variables")) {
        for (char *each = GetEnvironmentStringsA(); *each; each += strlen(each) + 1) printf("%s\n", each);
    } else if (!strcmp(what, "errors")) {
        fprintf(stderr, "%s\n", getenv(words[2]));
    } else if (!strcmp(what, "exit")) {
        ExitProcess((UINT)strtoul(words[2], NULL, 0));
    } else if (!strcmp(what, "code")) {
        return say_code(words[2]);
    } else if (!strcmp(what, "hold")) {
        return hold(words[2], strcmp(words[3], "readable") ? 0 : FILE_SHARE_READ, words[4]);
    } else if (!strcmp(what, "wait")) {
        SetConsoleCtrlHandler(stopped, TRUE);
        printf("ready\n");
        fflush(stdout);
        Sleep(INFINITE);
    } else {
        return 99;
    }
    return 0;
}
