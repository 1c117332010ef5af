/* Preloaded into a program: its clock is so many seconds behind this machine's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    const char *behind = getenv("SECONDS_BEHIND");
    if (!failed && clock == CLOCK_REALTIME && behind) now->tv_sec -= atoll(behind);
    return failed;
}
